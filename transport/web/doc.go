// Package web is the web page: a client of the public API, and nothing more.
// What the page can do, a user's program can do with the same token.
//
// src has its source (TSX with Preact, own CSS), dist what esbuild makes of it.
// dist is embedded in the binary, so that go build needs nothing else; a test
// makes it anew and compares every byte. "make page" writes it.
//
// It promises: nothing is loaded from anywhere else; the Content-Security-Policy
// allows no inline script, no style of another origin and no frame; files named
// by their content are kept by browsers for ever, index.html never.
//
// It may import the standard library alone.
package web
