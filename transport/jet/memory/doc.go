// Package memory is what endpoints must remember: the bucket MEMORY.
//
// What is remembered in turn of one endpoint is stored in that order; its Waiter
// is told when that, or something younger, is durable. It imports transport/jet,
// and no other room.
package memory
