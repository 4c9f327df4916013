package cron

import (
	"strconv"
	"strings"
)

// starBit marks, in what the parser makes of a field, one that was *: of the
// two kinds of days only the other one counts then.
const starBit = 1 << 63

// JetStream is an expression that Check took, as the server's schedules are
// written: six fields, the first for seconds, of numbers alone.
func JetStream(expression string) (string, error) {
	spec, err := parse(expression)
	if err != nil {
		return "", err
	}
	fields := []string{"0"}
	for _, bits := range [...]uint64{spec.Minute, spec.Hour, spec.Dom, spec.Month, spec.Dow} {
		fields = append(fields, numbers(bits))
	}
	return strings.Join(fields, " "), nil
}

// numbers lists the bits of a field, runs of three and more as ranges.
func numbers(bits uint64) string {
	if bits&starBit != 0 {
		return "*"
	}
	var items []string
	for first := 0; first < 63; first++ {
		if bits&(1<<first) == 0 {
			continue
		}
		last := first
		for bits&(1<<(last+1)) != 0 {
			last++
		}
		if last-first < 2 {
			last = first
			items = append(items, strconv.Itoa(first))
		} else {
			items = append(items, strconv.Itoa(first)+"-"+strconv.Itoa(last))
		}
		first = last
	}
	return strings.Join(items, ",")
}
