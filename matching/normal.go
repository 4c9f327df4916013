package matching

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// What is written in many ways is compared in one normal form. These functions
// append the normal form of s to dst, for alerts and detections alike.

// appendNumber keeps letters and digits, in upper case.
func appendNumber(dst []byte, s string) []byte { return appendKept(dst, s, "") }

// appendPattern keeps the wildcards ? and * too.
func appendPattern(dst []byte, s string) []byte { return appendKept(dst, s, "?*") }

func appendKept(dst []byte, s, kept string) []byte {
	for _, r := range s {
		switch {
		case r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
			dst = append(dst, byte(r))
		case r >= 'a' && r <= 'z':
			dst = append(dst, byte(r)-'a'+'A')
		case r < utf8.RuneSelf:
			for i := range len(kept) {
				if rune(kept[i]) == r {
					dst = append(dst, kept[i])
				}
			}
		case r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			dst = utf8.AppendRune(dst, foldRune(r))
		}
	}
	return dst
}

// foldRune is the same for all runes that differ in case alone.
func foldRune(r rune) rune {
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
	return least
}

// appendText folds case, and makes one blank of white space between words and
// none of that around them.
func appendText(dst []byte, s string) []byte {
	start := len(dst)
	blank := false
	for _, r := range s {
		if r == ' ' || unicode.IsSpace(r) {
			blank = true
			continue
		}
		if blank && len(dst) > start {
			dst = append(dst, ' ')
		}
		blank = false
		if r < utf8.RuneSelf {
			dst = append(dst, byte(foldRune(r)))
		} else {
			dst = utf8.AppendRune(dst, foldRune(r))
		}
	}
	return dst
}

// appendState is appendText, with the names of states and provinces as their codes.
func appendState(dst []byte, s string) []byte {
	start := len(dst)
	dst = appendText(dst, s)
	if len(dst)-start <= 2 {
		return dst
	}
	if code, known := stateCodes[string(dst[start:])]; known {
		dst = append(dst[:start], code...)
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
	for _, b := range number {
		dst = append(dst, lookalike[b])
	}
	return dst
}

// appendVIN is appendNumber with I O Q, which no VIN has, as 1 0 0.
func appendVIN(dst []byte, s string) []byte {
	start := len(dst)
	dst = appendNumber(dst, s)
	for i, b := range dst[start:] {
		switch b {
		case 'I':
			dst[start+i] = '1'
		case 'O', 'Q':
			dst[start+i] = '0'
		}
	}
	return dst
}

// appendUSDOT is the digits without leading zeros, and nothing where there are
// other characters than digits behind "USDOT".
func appendUSDOT(dst []byte, s string) []byte {
	start := len(dst)
	dst = appendNumber(dst, s)
	number := bytes.TrimPrefix(bytes.TrimPrefix(dst[start:], []byte("US")), []byte("DOT"))
	number = bytes.TrimLeft(number, "0")
	if !allDigits(number) {
		return dst[:start]
	}
	return append(dst[:start], number...)
}

// appendMC takes off "MC", but not FF and MX, which are registers of their own.
func appendMC(dst []byte, s string) []byte {
	start := len(dst)
	dst = appendNumber(dst, s)
	return append(dst[:start], bytes.TrimPrefix(dst[start:], []byte("MC"))...)
}

func allDigits(s []byte) bool {
	for _, b := range s {
		if b < '0' || b > '9' {
			return false
		}
	}
	return true
}
