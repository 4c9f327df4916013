// Package deadletters is what was given up: the stream DEADLETTERS.
//
// A letter is durable when its Waiter is told. The same pair buried twice within
// two minutes is one letter. It imports transport/jet and its kit, and no other
// room: to park a letter's pair anew it is given a function.
package deadletters
