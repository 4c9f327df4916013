package webhook

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// maxRetryAfter is how much of a Retry-After is looked at, in bytes.
const maxRetryAfter = 256

// retryAfter reads the values of Retry-After as receivers write them: seconds
// with or without a fraction, a date in any zone, ISO 8601, Unix seconds or
// milliseconds, or a list of these (proxies join what two hops said), of which
// the longest counts. The result is in [0, 24 h], rounded up to the second so
// that it is never too soon; 0 where nothing can be read, or is over already.
func retryAfter(values []string, now time.Time) time.Duration {
	longest := time.Duration(0)
	for _, value := range values {
		if len(value) > maxRetryAfter {
			value = value[:maxRetryAfter]
		}
		longest = max(longest, retryAfterList(value, now))
	}
	return longest
}

// retryAfterList: a comma stands between the parts of a list, and behind the
// day of the week in a date.
func retryAfterList(value string, now time.Time) time.Duration {
	longest := time.Duration(0)
	parts := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ';' })
	for i := 0; i < len(parts); i++ {
		part := strings.Trim(parts[i], " \t\"'")
		if isWeekday(part) && i+1 < len(parts) {
			i++
			part = strings.Trim(parts[i], " \t\"'")
		}
		longest = max(longest, retryAfterOne(part, now))
	}
	return longest
}

func retryAfterOne(part string, now time.Time) time.Duration {
	if wait, ok := waitSeconds(part, now); ok {
		return wait
	}
	if wait, ok := waitPeriod(part); ok {
		return wait
	}
	if at, ok := waitDate(part); ok {
		return roundUp(at.Sub(now))
	}
	return 0
}

// roundUp bounds a wait to [0, 24 h], in whole seconds.
func roundUp(d time.Duration) time.Duration {
	d = min(max(d, 0), transport.MaxRetryWait)
	return (d + time.Second - 1).Truncate(time.Second)
}

var secondsForm = regexp.MustCompile(`^\+?([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?(?i:s|secs?|seconds?)?$`)

// From unixFrom (2001) on a number is the time itself in seconds, from
// millisFrom on in milliseconds: nobody asks to wait for thirty years. Beyond
// unixEnd (the year 5138) it is no time either, only very long.
const (
	unixFrom   = 1e9
	millisFrom = 1e11
	unixEnd    = 1e14
)

// waitSeconds reads a number.
func waitSeconds(part string, now time.Time) (time.Duration, bool) {
	found := secondsForm.FindStringSubmatch(part)
	if found == nil {
		return 0, false
	}
	n, _ := strconv.ParseFloat(found[1], 64) // beyond its range: an infinity
	switch {
	case n >= unixEnd:
		return transport.MaxRetryWait, true
	case n >= millisFrom:
		return roundUp(time.UnixMilli(int64(n)).Sub(now)), true
	case n >= unixFrom:
		return roundUp(time.UnixMilli(int64(n * 1000)).Sub(now)), true
	}
	return roundUp(time.Duration(min(n, transport.MaxRetryWait.Seconds()) * float64(time.Second))), true
}

// periodForm is a period of ISO 8601 of days, hours, minutes, seconds.
var periodForm = regexp.MustCompile(`^P(?:([0-9]{1,5})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,7})M)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)S)?)?$`)

func waitPeriod(part string) (time.Duration, bool) {
	found := periodForm.FindStringSubmatch(part)
	if found == nil {
		return 0, false
	}
	seconds := 0.0
	for i, unit := range [...]float64{86400, 3600, 60, 1} {
		n, _ := strconv.ParseFloat(found[i+1], 64) // "": 0
		seconds += n * unit
	}
	return roundUp(time.Duration(min(seconds, transport.MaxRetryWait.Seconds()) * float64(time.Second))), true
}
