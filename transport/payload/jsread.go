package payload

import (
	"fmt"
	"strconv"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// maxSafe is the largest integer up to which JavaScript tells all apart, and one more.
const maxSafe = 1 << 53

// notJSON is the error for a document that cannot be read.
func notJSON(err error) error {
	return fmt.Errorf("the document is not valid JSON: %w; publish valid JSON", err)
}

// text reads a string and appends it in canonical form, with quotes.
func (c *canon) text(dst []byte) ([]byte, error) {
	inner, plain, err := c.String()
	if err != nil {
		return dst, err
	}
	if plain {
		return append(append(append(dst, '"'), inner...), '"'), nil
	}
	return appendCanonical(dst, inner), nil
}

// appendCanonical appends a string, given by what stands between its quotes.
func appendCanonical(dst, inner []byte) []byte {
	dst = append(dst, '"')
	for len(inner) > 0 {
		c, n := jsontext.Char(inner)
		dst, inner = jsontext.AppendChar(dst, c), inner[n:]
	}
	return append(dst, '"')
}

// number reads a number and appends it in JavaScript's form.
func (c *canon) number(dst []byte) ([]byte, error) {
	literal, integer, err := c.Number()
	if err != nil {
		return dst, err
	}
	return appendNumber(dst, literal, integer), nil
}

func (c *canon) word(dst []byte) ([]byte, error) {
	w, err := c.Word()
	return append(dst, w...), err
}

func appendNumber(dst, literal []byte, integer bool) []byte {
	if integer {
		n, err := strconv.ParseInt(string(literal), 10, 64)
		if err != nil || n > maxSafe || n < -maxSafe {
			dst = append(append(dst, '"'), literal...)
			return append(dst, '"')
		}
		return strconv.AppendInt(dst, n, 10)
	}
	return appendFloat(dst, jsontext.Float(literal))
}
