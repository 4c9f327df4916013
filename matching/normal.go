package matching

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What is written in many ways is compared in one normal form. These functions
// append the normal form of s to dst, for alerts and detections alike. Both
// sides are brought to one Unicode form (NFKC) first, so that a letter is the
// same however it is composed, and at whatever width.
//
// A normal form is its own normal form.

// appendNumber keeps letters and digits, in upper case.
func appendNumber(dst []byte, s string) []byte {
	start := len(dst)
	dst = slices.Grow(dst, len(s))
	room := dst[start : start+len(s)]
	n := 0
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return settled(dst[:start], s, foldNumber)
		}
		upper := wordByte[s[i]]
		room[n] = upper
		if upper != 0 {
			n++
		}
	}
	return dst[:start+n]
}

// appendPattern keeps the wildcards ? and * too.
func appendPattern(dst []byte, s string) []byte {
	for len(s) > 0 {
		end := strings.IndexAny(s, "?*")
		if end < 0 {
			return appendNumber(dst, s)
		}
		dst = append(appendNumber(dst, s[:end]), s[end])
		s = s[end+1:]
	}
	return dst
}

func foldNumber(dst, s []byte) []byte {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		s = s[n:]
		switch {
		case r < utf8.RuneSelf:
			if wordByte[r] != 0 {
				dst = append(dst, wordByte[r])
			}
		case r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			dst = utf8.AppendRune(dst, foldRune(r))
		}
	}
	return dst
}

// settled appends form of the NFKC of s: again of its own outcome until that is
// its own, as what form takes out or folds may bring together what NFKC
// composes. Each round leaves fewer or smaller characters.
func settled(dst []byte, s string, form func(dst, s []byte) []byte) []byte {
	start := len(dst)
	if isASCII(s) {
		return form(dst, []byte(s))
	}
	dst = form(dst, norm.NFKC.AppendString(nil, s))
	for range maxSettling {
		if out := dst[start:]; isASCII(out) || norm.NFKC.IsNormal(out) {
			break
		}
		again := norm.NFKC.Append(nil, dst[start:]...)
		dst = form(dst[:start], again)
	}
	return dst
}

// maxSettling bounds the rounds of settled; two are needed at most, by a test of
// all characters and pairs that change.
const maxSettling = 4

func isASCII[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// foldRune is the same for all runes that differ in case alone: the least of
// them, but for the iota that is a mark, as NFKC would compose it.
func foldRune(r rune) rune {
	const iotaMark, iota = '\u0345', '\u0399'
	if r < utf8.RuneSelf {
		if r >= 'a' && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if least == iotaMark {
		return iota
	}
	return least
}

// appendText folds case, and makes one blank of white space between words and
// none of that around them.
func appendText(dst []byte, s string) []byte {
	start := len(dst)
	dst = slices.Grow(dst, len(s))
	room := dst[start : start+len(s)]
	n, blank := 0, false
	for i := range len(s) {
		b := s[i]
		switch {
		case b >= utf8.RuneSelf:
			return settled(dst[:start], s, foldText)
		case b == ' ' || b >= '\t' && b <= '\r':
			blank = true
			continue
		case blank && n > 0:
			room[n] = ' '
			n++
		}
		blank = false
		if b >= 'a' && b <= 'z' {
			b -= 'a' - 'A'
		}
		room[n] = b
		n++
	}
	return dst[:start+n]
}

func foldText(dst, s []byte) []byte {
	start := len(dst)
	blank := false
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		s = s[n:]
		if unicode.IsSpace(r) {
			blank = true
			continue
		}
		if blank && len(dst) > start {
			dst = append(dst, ' ')
		}
		blank = false
		dst = utf8.AppendRune(dst, foldRune(r))
	}
	return dst
}

// lookalike has, for each byte, the one that stands for its class.
var lookalike = func() (class [256]byte) {
	for i := range class {
		class[i] = byte(i)
	}
	class['O'], class['D'], class['Q'] = '0', '0', '0'
	class['I'], class['Z'], class['S'], class['B'] = '1', '2', '5', '8'
	return class
}()

// appendLookalike puts one character in the place of all that look like it.
func appendLookalike(dst, number []byte) []byte {
	start := len(dst)
	dst = append(dst, number...)
	for i, b := range number {
		dst[start+i] = lookalike[b]
	}
	return dst
}
