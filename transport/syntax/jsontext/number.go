package jsontext

import (
	"bytes"
	"strconv"
)

// number gives the place after the number that begins at i, or what is wrong.
func number(b []byte, i int) (end int, what string) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	whole := digits(b, i)
	if whole == i {
		return i, "no value"
	}
	if b[i] == '0' {
		whole = i + 1 // what follows is no part of it
	}
	i = whole
	if i < len(b) && b[i] == '.' {
		if whole = digits(b, i+1); whole == i+1 {
			return whole, "a number without digits behind its point"
		}
		i = whole
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if whole = digits(b, i); whole == i {
			return i, "a number without digits in its exponent"
		}
		i = whole
	}
	return i, ""
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

// Up to fewDigits bytes strconv reads a number without fault. Of more it counts
// only 800 digits, also where it looks for the point. exactDigits are enough to
// tell any two doubles apart, with one more that says whether others follow.
const (
	fewDigits   = 800
	exactDigits = 770
)

// Float is the double next to a number, as JavaScript reads it; beyond the
// range of doubles it is an infinity, and below it 0.
func Float(literal []byte) float64 {
	if len(literal) > fewDigits {
		literal = shortened(literal)
	}
	f, _ := strconv.ParseFloat(string(literal), 64) // a range error comes with the infinity
	return f
}

// shortened writes a long number with few digits, such that the double next to
// it is the same: the digits as a whole number, and the exponent that belongs
// to that.
func shortened(literal []byte) []byte {
	out := make([]byte, 0, exactDigits+32)
	mantissa := literal
	if literal[0] == '-' {
		out, mantissa = append(out, '-'), literal[1:]
	}
	exponent := int64(0)
	if e := bytes.IndexAny(mantissa, "eE"); e >= 0 {
		mantissa, exponent = mantissa[:e], power(mantissa[e+1:])
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	exponent -= int64(len(fraction))
	start, more := len(out), false
	for _, part := range [...][]byte{whole, fraction} {
		for _, d := range part {
			switch {
			case len(out) == start && d == '0': // in front
			case len(out)-start < exactDigits:
				out = append(out, d)
			default:
				exponent++
				more = more || d != '0'
			}
		}
	}
	if len(out) == start {
		return append(out, '0')
	}
	if more {
		out = append(out, '1')
		exponent--
	}
	return strconv.AppendInt(append(out, 'e'), exponent, 10)
}

// most is an exponent beyond which nothing changes, whatever the digits of a
// document can add to it or take off.
const most = 1 << 40

// power reads an exponent, up to most.
func power(b []byte) int64 {
	negative := b[0] == '-'
	n := int64(0)
	for _, d := range bytes.TrimLeft(b, "+-") {
		n = min(n*10+int64(d-'0'), most)
	}
	if negative {
		return -n
	}
	return n
}
