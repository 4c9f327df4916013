// Package certificates reads certificates, keys and CAs from PEM files, for
// servers and for clients, so that a changed file counts without a restart.
//
// A Server answers each handshake with what was last read; a reading that fails
// changes nothing. A Client is read anew for each connection. Certificates are
// always verified; there is no switch. No error shows what a file holds.
//
// It stands on the standard library alone.
package certificates
