// Command postrider is the whole product in one binary: a node (serve), and
// the commands that speak to one.
//
// Flags come in, calls are made, words go out: package node wires a node
// together, and this one reads the settings for it. Run is the whole program as
// a function, for tests as for main. Errors are one line on stderr that says
// what to do; the exit code is 1, or 2 where the command line itself is wrong.
//
// It may import everything; nothing imports it.
package main
