// Package admin looks after a server or data folder beside a node: it examines
// one, makes its streams ahead, backs it up and restores it.
//
// It imports transport/jet, and no other room: what these have to look at, it is given.
package admin
