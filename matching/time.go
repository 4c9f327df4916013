package matching

import "time"

// appendTime appends t in UTC as GenLogs writes it: 2024-05-21T12:00:00+00:00,
// with six digits of a fraction where there is one or micros asks for them.
func appendTime(dst []byte, t time.Time, micros bool) []byte {
	t = t.UTC()
	layout := "2006-01-02T15:04:05-07:00"
	if micros || t.Nanosecond() >= int(time.Microsecond) {
		layout = "2006-01-02T15:04:05.000000-07:00"
	}
	return t.AppendFormat(dst, layout)
}
