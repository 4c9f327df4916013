package webhook

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dateForms are the dates of HTTP (RFC 9110: the usual one, RFC 850 and
// asctime), of mails and of ISO 8601, with their zone taken off. Go reads a
// fraction behind the seconds of each.
var dateForms = [...]string{
	"2 Jan 2006 15:04:05", "2-Jan-06 15:04:05", "2-Jan-2006 15:04:05", "Jan 2 15:04:05 2006", "2 Jan 06 15:04:05",
	"2 January 2006 15:04:05", "2 Jan 2006 15:04",
	"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "20060102T150405", "2006-01-02",
}

// waitDate reads a date. One without a zone is in UTC, as HTTP's are, and so
// is one whose zone is a name that is not known (RFC 5322).
func waitDate(part string) (time.Time, bool) {
	fields := strings.Fields(part)
	if len(fields) > 1 && isWeekday(fields[0]) {
		fields = fields[1:]
	}
	text, offset := cutZone(strings.ToUpper(strings.Join(fields, " ")))
	text, leap := withoutLeap(text)
	for _, form := range dateForms {
		if at, err := time.Parse(form, text); err == nil {
			return at.Add(leap - offset), true
		}
	}
	return time.Time{}, false
}

var leapForm = regexp.MustCompile(`:59:60\b`)

// withoutLeap writes a leap second as the one before, and gives the second.
func withoutLeap(text string) (string, time.Duration) {
	if leapForm.MatchString(text) {
		return leapForm.ReplaceAllString(text, ":59:59"), time.Second
	}
	return text, 0
}

func isWeekday(word string) bool {
	word = strings.TrimRight(word, ".,")
	if len(word) < 3 {
		return false
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := day.String(); len(word) <= len(name) && strings.EqualFold(word, name[:len(word)]) {
			return true
		}
	}
	return false
}

var (
	offsetForm = regexp.MustCompile(`^(.*[0-9]) ?(?:GMT|UTC)?([+-])([0-9]{2}):?([0-9]{2})?$`)
	zoneForm   = regexp.MustCompile(`^(.*[0-9]) ?\(?([A-Z]{1,5})\)?$`)
	yearForm   = regexp.MustCompile(`^(.*) ([A-Z]{1,5}) ([0-9]{4})$`)
)

// zones are the hours and minutes that names of zones are ahead of UTC: those
// of RFC 5322, and others that are not used for two.
var zones = map[string]time.Duration{
	"EST": -5 * time.Hour, "EDT": -4 * time.Hour, "CST": -6 * time.Hour, "CDT": -5 * time.Hour,
	"MST": -7 * time.Hour, "MDT": -6 * time.Hour, "PST": -8 * time.Hour, "PDT": -7 * time.Hour,
	"WEST": time.Hour, "CET": time.Hour, "CEST": 2 * time.Hour, "EET": 2 * time.Hour, "EEST": 3 * time.Hour,
	"MSK": 3 * time.Hour, "JST": 9 * time.Hour, "KST": 9 * time.Hour, "HKT": 8 * time.Hour,
	"AEST": 10 * time.Hour, "AEDT": 11 * time.Hour, "NZST": 12 * time.Hour, "NZDT": 13 * time.Hour,
}

// cutZone takes the zone off the end of a date in capitals (or from before its year, where
// date(1) puts it), and gives how far it is ahead of UTC.
func cutZone(text string) (rest string, ahead time.Duration) {
	if found := yearForm.FindStringSubmatch(text); found != nil && strings.Contains(found[1], ":") {
		return found[1] + " " + found[3], zones[found[2]]
	}
	// A date alone ends in what looks like an offset: 2026-11-30.
	if found := offsetForm.FindStringSubmatch(text); found != nil && strings.ContainsAny(text, "T:") {
		hours, _ := strconv.Atoi(found[3])
		minutes, _ := strconv.Atoi(found[4])
		ahead = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
		if found[2] == "-" {
			ahead = -ahead
		}
		return found[1], ahead
	}
	if found := zoneForm.FindStringSubmatch(text); found != nil {
		return found[1], zones[found[2]]
	}
	return text, 0
}
