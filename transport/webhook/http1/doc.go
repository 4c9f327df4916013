// Package http1 speaks HTTP/1.1 to receivers that keep to it, and to those
// that do not: requests on kept connections, their answers' heads and frames,
// and the pool of connections. One exchange is carried out on the goroutine
// that asks for it; only a large body has one more, to be read beside.
//
// It promises: a sound status line counts, whatever follows it; an error means
// that none came. An answer ends where its frame says so, or after Patience,
// or at the deadline. A connection is given to another request only after an
// answer whose frame leaves no doubt, all of which was read and nothing behind
// it, and only while nothing more has come. Connections with different keys
// are never exchanged, and how many are kept is bounded for all keys together.
//
// It may import the standard library.
package http1
