// Package webhook sends events to endpoints by HTTP: one attempt at a time,
// signed, timed, its answer classified once.
//
// It promises: a Send always ends, at the latest at the endpoint's time limit,
// and always in a class; it never panics. The address dialled is the address
// checked. Certificates are verified, redirects not followed, at most 64 KiB
// of an answer read, for a second at most. A status line counts, whatever
// follows it. What a receiver says beyond an answer is never taken for the next
// one, and a connection is used again only where an answer left no doubt about
// its end. A request goes a second time within its attempt only where a kept
// connection ended, within a second and before a byte of an answer, or where
// the receiver says that it did not take it: once, on a fresh connection, with
// the same webhook-id, told by Answer.Resent. What stands in a request line or
// a header is ASCII; on HTTP/1.1 headers' names are spelled as configured. No
// secret, header value, URL path or query reaches an Answer.
//
// Connections are kept for one customer, one setting of TLS, one host and port,
// and shared by the endpoints that have these in common; other customers never
// get them, by HTTP/1.1, HTTP/2 or a proxy. How many are kept is bounded. An
// endpoint that hangs occupies nothing that others need; how many sends run at
// once is for the caller to say.
//
// HTTP/1.1 is http1's, HTTP/2 is net/http's by connections that are kept here;
// dial opens both. Which of the two is spoken is settled at each handshake.
//
// It may import transport, transport/payload, transport/signature,
// golang.org/x/net/idna, its own http1 and dial, and the standard library.
package webhook
