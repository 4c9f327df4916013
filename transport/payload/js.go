package payload

import (
	"math"
	"strconv"
)

// indexOrder is negative, and ascending with the number, for keys that
// JavaScript counts as array indexes (0 to 2^32-2), and 0 for all others.
func indexOrder(key []byte) int64 {
	if len(key) == 0 || len(key) > 10 || key[0] == '0' && len(key) > 1 {
		return 0
	}
	var n int64
	for _, b := range key {
		if b < '0' || b > '9' {
			return 0
		}
		n = n*10 + int64(b-'0')
	}
	if n > math.MaxUint32-1 {
		return 0
	}
	return n - math.MaxUint32
}

// appendFloat writes f as JavaScript does; infinities are null.
func appendFloat(dst []byte, f float64) []byte {
	if math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	if f == 0 {
		return append(dst, '0')
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes e-07, JavaScript e-7.
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
