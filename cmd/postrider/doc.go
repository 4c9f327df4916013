// Command postrider is the whole product in one binary: a node (serve), and
// the commands that speak to one.
//
// This is the only place that wires the packages together and that reads
// settings; it holds no rule of delivery itself. Run is the whole program as a
// function, for tests as for main. Errors are one line on stderr that says
// what to do; the exit code is 1, or 2 where the command line itself is wrong.
//
// It may import everything; nothing imports it.
package main
