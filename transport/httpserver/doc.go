// Package httpserver is the edge of whatever here answers HTTP: net/http with
// the limits that a peer nobody knows yet is held to. It promises:
//
//   - a request's head is read within 10 s, an idle connection kept for 2 min;
//   - a body that stops coming ends its request after 10 s, whoever reads it:
//     the handler, a framework, or net/http itself after the handler;
//   - an answer of which the peer takes nothing for 30 s ends its connection;
//   - connections are bounded, in all and for one address (an IPv6 /64). A new
//     one takes the place of the one that has been idle for longest; where all
//     are at work it is answered 503 at once.
//
// It knows nothing of tokens. It imports the standard library alone.
package httpserver
