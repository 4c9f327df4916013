// Package wire is the form of what Postrider writes for itself: rows of numbered
// fields, which an older version can step over.
//
// It imports the standard library and transport alone.
package wire
