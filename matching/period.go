package matching

import (
	"math"
	"time"
)

// period is the time that an alert's dates allow, in microseconds since 1970;
// until is not included.
func period(a *Alert) (from, until int64, err error) {
	from, until = math.MinInt64, math.MaxInt64
	if a.StartDate != "" {
		start, _, err := date("start_date", a.StartDate, a.Zone)
		if err != nil {
			return 0, 0, err
		}
		from = start.UnixMicro()
	}
	if a.EndDate != "" {
		_, end, err := date("end_date", a.EndDate, a.Zone)
		if err != nil {
			return 0, 0, err
		}
		until = end.UnixMicro()
	}
	if from >= until {
		return 0, 0, wrong("end_date", a.EndDate, "is before start_date")
	}
	return from, until, nil
}

// date reads a day of the zone, or an instant: its first moment, and the first
// one after it.
func date(name, text string, zone *time.Location) (first, after time.Time, err error) {
	if zone == nil {
		zone = time.UTC
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return day, day.AddDate(0, 0, 1), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, at.Add(time.Microsecond), nil
	}
	return first, after, wrong(name, text,
		"is no date; give a day such as 2024-05-21, or a time such as 2024-05-21T12:00:00Z")
}
