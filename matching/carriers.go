package matching

import (
	"bytes"
	"slices"
	"strings"
)

// Numbers of carriers as they are painted on trucks and written in documents.
// USDOT numbers have up to eight digits (DOT_NUMBER of the FMCSA's census file),
// docket numbers six or seven behind their register, MC, FF or MX (DOCKET1 to
// DOCKET3 of that file). A marking has words before the number (49 CFR 390.21:
// "USDOT"), and behind one that a state gave out that state's code ("USDOT
// 987654 TX", as Texas asks of its own carriers).

// maxCarrier is the most digits of such a number, leading zeros off.
const maxCarrier = 8

// usdotLabels stand before a USDOT number; letters alone are looked at, so that
// "U.S. DOT No." is USDOTNO. Longer ones come first.
var usdotLabels = []string{"USDOTNUMBER", "USDOTNUM", "USDOTNO", "USDOT", "DOTNUMBER", "DOTNUM", "DOTNO", "DOT"}

// numberLabels may stand between a register's name and the number.
var numberLabels = []string{"NUMBER", "NUM", "NO"}

// appendUSDOT is the digits without leading zeros; nothing where it is no USDOT
// number.
func appendUSDOT(dst []byte, s string) []byte {
	start := len(dst)
	s = whole(s)
	if signed(s) {
		return dst
	}
	dst = appendNumber(dst, s)
	number := cutLabel(dst[start:], usdotLabels)
	digits := leadingDigits(number)
	if rest := number[digits:]; len(rest) > 0 && (digits == 0 || !isIssuer(rest)) {
		return dst[:start]
	}
	return appendCarrier(dst[:start], number[:digits])
}

// isIssuer tells whether letters behind a USDOT number name the state that gave
// it out.
func isIssuer(letters []byte) bool {
	return len(letters) == 2 && string(places[string(letters)]) == string(letters)
}

// appendDocket is a docket number: the digits without leading zeros, with FF or
// MX before them if it is of that register, nothing where it is no docket
// number. MC, which the Interstate Commerce Commission (ICC) once gave out, is
// the register of those without a name.
func appendDocket(dst []byte, s string) []byte {
	start := len(dst)
	dst = appendNumber(dst, whole(s))
	number := bytes.TrimPrefix(dst[start:], []byte("ICC"))
	register := ""
	for _, name := range [...]string{"MC", "FF", "MX"} {
		if rest, found := bytes.CutPrefix(number, []byte(name)); found {
			register, number = name, rest
			break
		}
	}
	number = cutLabel(number, numberLabels)
	if leadingDigits(number) != len(number) {
		return dst[:start]
	}
	if register == "MC" {
		register = ""
	}
	// The digits stand behind the register's place already: its letters were cut.
	digits := bytes.TrimLeft(number, "0")
	if len(digits) == 0 || len(digits) > maxCarrier {
		return dst[:start]
	}
	return append(append(dst[:start], register...), digits...)
}

// appendCarrier appends digits without their leading zeros, which dst may share
// its room with.
func appendCarrier(dst, digits []byte) []byte {
	if digits = bytes.TrimLeft(digits, "0"); len(digits) > maxCarrier {
		return dst
	}
	return append(dst, digits...)
}

func cutLabel(number []byte, labels []string) []byte {
	if len(number) == 0 || number[0] < 'A' {
		return number
	}
	for _, label := range labels {
		if rest, found := bytes.CutPrefix(number, []byte(label)); found {
			return rest
		}
	}
	return number
}

func leadingDigits(s []byte) int {
	if n := slices.IndexFunc(s, func(b byte) bool { return !isDigit(b) }); n >= 0 {
		return n
	}
	return len(s)
}

// whole takes off a fraction of zeros (987654.0), as spreadsheets write whole
// numbers; any other fraction makes it no number at all.
func whole(s string) string {
	for i := 1; i+1 < len(s); i++ {
		if s[i] != '.' || !isDigit(s[i-1]) || !isDigit(s[i+1]) {
			continue
		}
		if strings.Trim(s[i+1:], "0 ") != "" {
			return ""
		}
		return s[:i]
	}
	return s
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// signed tells whether a number is below zero.
func signed(s string) bool {
	s = strings.TrimSpace(s)
	return strings.HasPrefix(s, "-") || strings.HasPrefix(s, "\u2212")
}
