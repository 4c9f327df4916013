// Package producers is the way of what producers publish on the embedded server's
// listener: a lane of the gate for each log, which a committer empties.
//
// Nobody comes through before Open has read which ids the logs have. How a
// document is read is given by who owns its log. It imports transport/jet, gate
// and publisher, and no other room.
package producers
