package jsontext

import (
	"bytes"
	"fmt"
)

// MaxDepth is how many objects and arrays may be nested: encoding/json's limit.
const MaxDepth = 10000

// SyntaxError tells what is wrong with a document, and where.
type SyntaxError struct {
	What   string
	Offset int
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.What, e.Offset) }

// Reader reads one document, token by token. Errors are *SyntaxError.
type Reader struct {
	Doc []byte
	// Pos is where the next token, or space before it, begins.
	Pos int
}

func (r *Reader) fault(what string) error { return &SyntaxError{What: what, Offset: r.Pos} }

// Next skips white space and gives the byte that follows; 0 at the end. A NUL
// in the document is given as 0xff, which begins no token either.
func (r *Reader) Next() byte {
	for ; r.Pos < len(r.Doc); r.Pos++ {
		switch b := r.Doc[r.Pos]; b {
		case ' ', '\t', '\n', '\r':
		case 0:
			return 0xff
		default:
			return b
		}
	}
	return 0
}

// Take reads the byte b, which must be next.
func (r *Reader) Take(b byte) error {
	if r.Next() != b {
		return r.fault("no " + string(rune(b)))
	}
	r.Pos++
	return nil
}

// Empty reads the closing bracket if nothing stands before it.
func (r *Reader) Empty(closing byte) bool {
	if r.Next() != closing {
		return false
	}
	r.Pos++
	return true
}

// More tells, behind a value of an object or array, whether another follows;
// the comma or the closing bracket is read.
func (r *Reader) More(closing byte) (bool, error) {
	switch r.Next() {
	case ',':
		r.Pos++
		return true, nil
	case closing:
		r.Pos++
		return false, nil
	}
	return false, r.fault("no comma or " + string(rune(closing)))
}

// End tells an error where anything but white space is left.
func (r *Reader) End() error {
	if r.Next() != 0 {
		return r.fault("a second value")
	}
	return nil
}

// Word reads true, false or null.
func (r *Reader) Word() (string, error) {
	for _, w := range [...]string{"true", "false", "null"} {
		if rest := r.Doc[r.Pos:]; len(rest) >= len(w) && string(rest[:len(w)]) == w {
			r.Pos += len(w)
			return w, nil
		}
	}
	if r.Pos == len(r.Doc) {
		return "", r.fault("the end")
	}
	return "", r.fault("no value")
}

// Number reads a number and gives it as it is written; integer tells that it
// has neither point nor exponent.
func (r *Reader) Number() (literal []byte, integer bool, err error) {
	start := r.Pos
	end, what := number(r.Doc, start)
	r.Pos = end
	if what != "" {
		return nil, false, r.fault(what)
	}
	literal = r.Doc[start:end]
	return literal, !bytes.ContainsAny(literal, ".eE"), nil
}

// String reads a string, whose quote must be next, and gives what stands
// between the quotes; Append and Text tell what that means. plain: it stands
// for itself, being ASCII without escapes.
func (r *Reader) String() (inner []byte, plain bool, err error) {
	if r.Next() != '"' {
		return nil, false, r.fault("no string")
	}
	start := r.Pos + 1
	i := start
	for i < len(r.Doc) && ascii[r.Doc[i]] {
		i++
	}
	if i < len(r.Doc) && r.Doc[i] == '"' {
		r.Pos = i + 1
		return r.Doc[start:i], true, nil
	}
	end, what := pastString(r.Doc, i)
	r.Pos = end
	if what != "" {
		return nil, false, r.fault(what)
	}
	return r.Doc[start : end-1], false, nil
}

// Members reads the object that is next, with its brackets, and calls each for
// every member: its name, escapes resolved, and its value as it is written. of
// tells how many objects and arrays it stands in. An error of each ends it.
func (r *Reader) Members(of int, each func(name, value []byte) error) error {
	if err := r.Take('{'); err != nil {
		return err
	}
	if r.Empty('}') {
		return nil
	}
	for more := true; more; {
		name, plain, err := r.String()
		if err != nil {
			return err
		}
		if !plain {
			name = Append(nil, name)
		}
		if err = r.Take(':'); err != nil {
			return err
		}
		value, err := r.Value(of + 1)
		if err != nil {
			return err
		}
		if err = each(name, value); err != nil {
			return err
		}
		if more, err = r.More('}'); err != nil {
			return err
		}
	}
	return nil
}

// Elements reads the array that is next as Members reads an object.
func (r *Reader) Elements(of int, each func(value []byte) error) error {
	if err := r.Take('['); err != nil {
		return err
	}
	if r.Empty(']') {
		return nil
	}
	for more := true; more; {
		value, err := r.Value(of + 1)
		if err != nil {
			return err
		}
		if err = each(value); err != nil {
			return err
		}
		if more, err = r.More(']'); err != nil {
			return err
		}
	}
	return nil
}
