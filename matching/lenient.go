package matching

import (
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/transport/syntax/rfc3339"
)

// What detections say in several ways: whole numbers, times, places.

// wholeNumber is a JSON number in its digits, 987654 for 987654.0 and 9.87654e5;
// ok is false where it is below zero, not whole, or longer than any field.
func wholeNumber(number string) (digits string, ok bool) {
	if strings.Trim(number, "0123456789") == "" {
		return number, true
	}
	mantissa, exponent, scaled := number, 0, false
	if at := strings.IndexAny(number, "eE"); at >= 0 {
		n, err := strconv.Atoi(number[at+1:])
		if err != nil {
			return "", false
		}
		mantissa, exponent, scaled = number[:at], n, true
	}
	before, behind, _ := strings.Cut(mantissa, ".")
	if strings.HasPrefix(before, "-") || scaled && (exponent < -maxNumber || exponent > maxNumber) {
		return "", false
	}
	digits = before + behind
	point := len(before) + exponent
	if point < 0 || strings.Trim(digits[min(point, len(digits)):], "0") != "" {
		return "", false
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	if digits = strings.TrimLeft(digits[:point], "0"); digits == "" {
		digits = "0"
	}
	return digits, true
}

// timeForms are read beside RFC 3339; without a zone they are UTC.
var timeForms = [...]string{"2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05"}

// readTime reads RFC 3339 in all its forms, some near to it, and Unix seconds.
func readTime(text string) (time.Time, bool) {
	if t, ok := rfc3339.Parse(text); ok {
		return t, true
	}
	text = strings.ToUpper(strings.TrimSpace(text))
	if t, ok := rfc3339.Parse(text); ok {
		return t, true
	}
	if t, ok := unixTime(text); ok {
		return t, true
	}
	for _, form := range timeForms {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// Unix times: up to the year 5138 a number is of seconds, above it of
// milliseconds, and so on to nanoseconds.
const maxUnixSeconds = 1e11

func unixTime(text string) (time.Time, bool) {
	if strings.ContainsAny(text, "E") { // 1.7162928E9; what is no number fails below
		scaled, err := strconv.ParseFloat(text, 64)
		if err != nil || !(scaled > -maxUnixSeconds && scaled < maxUnixSeconds) {
			return time.Time{}, false
		}
		text = strconv.FormatFloat(scaled, 'f', 6, 64)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if digits := strings.TrimPrefix(whole, "-"); digits == "" || len(digits) > 18 || strings.Trim(digits+fraction, "0123456789") != "" {
		return time.Time{}, false
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	per := int64(1)
	for n/per >= maxUnixSeconds || n/per <= -maxUnixSeconds {
		per *= 1000
	}
	nanos := n % per * (1e9 / per)
	if per == 1 {
		nanos, _ = strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
		if strings.HasPrefix(whole, "-") {
			nanos = -nanos
		}
	}
	return time.Unix(n/per, nanos).UTC(), true
}
