// Package diagnosis tells how a request is signed, whether the signature
// holds, and if not, why: the usual mistakes are undone one by one, and the
// cause that is named is the one without which the signature holds.
//
// It promises that nothing is guessed: a cause was tested against the signature
// itself, and where none fits none is named. What it says never holds a secret
// or a byte of the body. It is pure: time is an input, and no file, network or
// clock is touched.
//
// It may import transport/signature and the standard library.
package diagnosis
