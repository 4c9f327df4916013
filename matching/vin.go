package matching

import "bytes"

// Lengths of a vehicle identification number (49 CFR 565): 17 since 1981; before
// that each maker had its own, of no fewer than minVIN characters.
const (
	vinLength = 17
	minVIN    = 5
)

// appendVIN is the letters and digits with I O Q, which no VIN has, as 1 0 0;
// nothing where they are too many. "VIN:" before it is a label, and an I before
// all 17 is what the bar code of an imported car begins with (AIAG B-2).
func appendVIN(dst []byte, s string) []byte {
	start := len(dst)
	dst = appendNumber(dst, s)
	value := cutVIN(dst[start:], s)
	if len(value) == vinLength+1 && value[0] == 'I' {
		value = value[1:]
	}
	if len(value) > vinLength {
		return dst[:start]
	}
	dst = append(dst[:start], value...)
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

// cutVIN takes the label off a number that was written as s. 17 characters in
// one are a number that begins with VIN, a 1 misread.
func cutVIN(number []byte, s string) []byte {
	rest, found := bytes.CutPrefix(number, []byte("VIN"))
	if !found || len(number) == vinLength && !apart(s) {
		return number
	}
	return cutLabel(rest, numberLabels)
}

// apart tells whether the three letters that s begins with stand by themselves.
func apart(s string) bool {
	for i := range len(s) {
		if wordByte[s[i]&0x7f] != 0 && s[i] < 0x80 {
			return i+3 < len(s) && (s[i+3] >= 0x80 || wordByte[s[i+3]] == 0)
		}
	}
	return false
}

// bareVIN takes off the asterisks that a bar code (Code 39) has round a VIN.
func bareVIN(s string) string {
	if len(s) > 2 && s[0] == '*' && s[len(s)-1] == '*' {
		return s[1 : len(s)-1]
	}
	return s
}
