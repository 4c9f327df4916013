// Package manifest reads and writes the files of postrider apply and export:
// documents of the kinds endpoint, alert and customer, as YAML or JSON, and
// tells what one would change.
//
// It is pure: bytes in, documents out, and reads no file, environment or node.
// It promises that what a document says wrongly is named with file, document,
// line and field; that no document can hold a secret, only where one is kept
// (a Reference); and that what Write makes of a node's answers is read back as
// the same.
//
// It may import transport and transport/api, whose inputs are the fields of
// the documents.
package manifest
