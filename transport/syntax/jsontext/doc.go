// Package jsontext reads JSON (RFC 8259) as text: where tokens and values stand
// in a document, what strings and numbers mean. It makes no trees and fills no
// structs: who reads a document takes from it what it knows, by the exact name,
// and passes the rest over.
//
// It promises to take and to refuse exactly what encoding/json does (a fuzz
// test compares the two), to allocate nothing but texts with escapes, not to
// recurse, and so to cost no more than the length of the document, whatever it
// holds. The standard library's own package of this name is an experiment still.
//
// It imports the standard library alone; every package may import it.
package jsontext
