// Package dial opens connections to receivers, directly or through the
// operator's proxy, with TLS where it is asked for.
//
// It promises: the address dialled is the address checked, at the moment of
// connecting; a name is resolved for each dial, and of its addresses only
// those that may be dialled are. Certificates are verified. Each error tells
// whose fault it is: the address (AddressRefused), the name (DNSError), the
// operator's proxy (ProxyError), the handshake (TLSError), this machine's own
// addresses (ErrNoSource); others are the receiver's. No connection outlives
// an error.
//
// It may import transport, transport/webhook/http1 and the standard library.
package dial
