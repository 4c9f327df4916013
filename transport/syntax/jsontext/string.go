package jsontext

import (
	"unicode/utf16"
	"unicode/utf8"
)

// ascii are the bytes that stand for themselves in a string and are characters
// of one byte; within are all that may stand there without an escape.
var ascii, within = func() (a, w [256]bool) {
	for b := range w {
		w[b] = b >= ' ' && b != '"' && b != '\\'
		a[b] = w[b] && b < utf8.RuneSelf
	}
	return a, w
}()

// pastString gives the place after the string whose inner part goes on at i.
func pastString(b []byte, i int) (end int, what string) {
	for ; i < len(b); i++ {
		c := b[i]
		if within[c] {
			continue
		}
		if c == '"' {
			return i + 1, ""
		}
		if c != '\\' {
			return i, "a control character in a string"
		}
		n := escape(b[i:])
		if n == 0 {
			return i, "an unknown escape"
		}
		i += n - 1
	}
	return i, "a string without end"
}

// escape gives the length of the escape that b begins with; 0: it is none.
func escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := unit(b); ok {
			return 6
		}
	}
	return 0
}

// unit reads the \uXXXX that b begins with.
func unit(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var c rune
	for _, b := range b[2:6] {
		switch {
		case b >= '0' && b <= '9':
			c = c<<4 | rune(b-'0')
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			c = c<<4 | rune(b|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return c, true
}

// Char gives the first character of a string's inner part, and how many bytes
// it is written with. Two escapes that are a pair of surrogates are one
// character; half a pair is given as it is. A byte that is no UTF-8 is U+FFFD.
func Char(inner []byte) (c rune, n int) {
	if inner[0] != '\\' {
		return utf8.DecodeRune(inner)
	}
	if c, ok := unit(inner); ok {
		if low, paired := unit(inner[6:]); paired {
			if whole := utf16.DecodeRune(c, low); whole != utf8.RuneError {
				return whole, 12
			}
		}
		return c, 6
	}
	if len(inner) < 2 {
		return utf8.RuneError, 1
	}
	switch inner[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	return rune(inner[1]), 2
}

// Append appends what a string's inner part means, as encoding/json reads it:
// half a pair of surrogates, and what is no UTF-8, is U+FFFD.
func Append(dst, inner []byte) []byte {
	for len(inner) > 0 {
		plain := 0
		for plain < len(inner) && ascii[inner[plain]] {
			plain++
		}
		dst, inner = append(dst, inner[:plain]...), inner[plain:]
		if len(inner) == 0 {
			break
		}
		c, n := Char(inner)
		dst, inner = utf8.AppendRune(dst, c), inner[n:]
	}
	return dst
}

// Text is what a string means; raw is the string with its quotes.
func Text(raw []byte) string {
	inner := raw[1 : len(raw)-1]
	for i := range inner {
		if !ascii[inner[i]] {
			return string(Append(make([]byte, 0, len(inner)), inner))
		}
	}
	return string(inner)
}

// IsString tells whether a value, as it is written, is a string.
func IsString(value []byte) bool { return len(value) > 0 && value[0] == '"' }

const hexDigits = "0123456789abcdef"

// shortEscapes are those of \b \t \n (none for 11) \f \r.
var shortEscapes = [...]byte{'b', 't', 'n', 0, 'f', 'r'}

// AppendString appends s as a string as JSON.stringify writes it: escaped are
// quotes, backslashes and control characters alone; what is no UTF-8 becomes
// U+FFFD.
func AppendString[T string | []byte](dst []byte, s T) []byte {
	return append(AppendInner(append(dst, '"'), s), '"')
}

// AppendInner is AppendString without the quotes.
func AppendInner[T string | []byte](dst []byte, s T) []byte {
	for i := 0; i < len(s); {
		run := i
		for i < len(s) && ascii[s[i]] {
			i++
		}
		if dst = append(dst, s[run:i]...); i == len(s) {
			break
		}
		c, n := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, n = utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
		}
		dst, i = AppendChar(dst, c), i+n
	}
	return dst
}

// AppendChar appends one character inside of a string; surrogates are escaped.
func AppendChar(dst []byte, c rune) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', byte(c))
	case c >= ' ' && c < utf8.RuneSelf:
		return append(dst, byte(c))
	case c < ' ':
		if i := int(c) - '\b'; i >= 0 && i < len(shortEscapes) && shortEscapes[i] != 0 {
			return append(dst, '\\', shortEscapes[i])
		}
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	case c >= 0xd800 && c < 0xe000:
		return append(dst, '\\', 'u', 'd', hexDigits[c>>8&15], hexDigits[c>>4&15], hexDigits[c&15])
	}
	return utf8.AppendRune(dst, c)
}
