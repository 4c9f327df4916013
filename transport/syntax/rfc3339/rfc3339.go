// Package rfc3339 reads the times of RFC 3339, all of them: time.Parse knows
// neither t and z in lower case nor leap seconds.
//
// It imports the standard library alone, and whoever reads times of others
// imports it.
package rfc3339

import "time"

const (
	// dateEnd is where the date ends and T, t or a space stands.
	dateEnd = len("2006-01-02")
	// second is where the seconds stand.
	second = len("2006-01-02T15:04:")
	// shortest is the shortest time there is, longest one that is looked at.
	shortest = len("2006-01-02T15:04:05Z")
	longest  = 64
)

// Parse reads a time: date, T, t or a space, time of day, a fraction of any
// length (what is below a nanosecond is cut), Z, z or an offset. A leap second,
// 23:59:60 in UTC whatever the offset, is the second after it. ok is false for
// everything else.
func Parse(s string) (t time.Time, ok bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, true
	}
	if len(s) < shortest || len(s) > longest {
		return time.Time{}, false
	}
	b := []byte(s)
	if b[dateEnd] == 't' || b[dateEnd] == ' ' {
		b[dateEnd] = 'T'
	}
	if last := len(b) - 1; b[last] == 'z' {
		b[last] = 'Z'
	}
	leap := b[second] == '6' && b[second+1] == '0'
	if leap {
		b[second], b[second+1] = '5', '9'
	}
	t, err := time.Parse(time.RFC3339, string(b))
	if err != nil {
		return time.Time{}, false
	}
	if !leap {
		return t, true
	}
	if u := t.UTC(); u.Hour() != 23 || u.Minute() != 59 {
		return time.Time{}, false
	}
	return t.Add(time.Second), true
}
