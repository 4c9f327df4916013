package cron

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	robfig "github.com/robfig/cron/v3"

	"github.com/postrider/postrider/transport"
)

// maxLength bounds an expression, in bytes.
const maxLength = 200

var parser = robfig.NewParser(robfig.Minute | robfig.Hour | robfig.Dom | robfig.Month | robfig.Dow | robfig.Descriptor)

// Check takes a cron expression of five fields (minute, hour, day of the month,
// month, day of the week: 0 and 7 are Sunday), each * or a list of numbers,
// ranges and steps, with names for months and days; or @daily and its like.
// Where both days are given, either will do, as cron has it. What could never
// be due is refused. The error is a *transport.FieldError of field.
func Check(field, expression string) error {
	spec, err := parse(expression)
	if err == nil && spec.Next(epoch).IsZero() {
		err = fmt.Errorf("is never due: none of its months has such a day")
	}
	if err == nil {
		return nil
	}
	return &transport.FieldError{Field: field, Value: shown(expression),
		Message: err.Error() + "; give five fields such as 0 7 * * * (minute, hour, day, month, weekday)"}
}

// Next is when an expression that Check takes is due next after a time, in that
// time's zone; false where it is none, or never is.
func Next(expression string, after time.Time) (next time.Time, due bool) {
	spec, err := parse(expression)
	if err != nil {
		return time.Time{}, false
	}
	spec.Location = after.Location()
	next = spec.Next(after)
	return next, !next.IsZero()
}

// epoch begins four years that have every date there is.
var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// parse reads an expression. What is a matter of other settings (a time zone)
// or of no clock (@every) is refused.
func parse(expression string) (*robfig.SpecSchedule, error) {
	fields := strings.Fields(expression)
	switch {
	case len(expression) > maxLength:
		return nil, fmt.Errorf("%d bytes long, at most %d", len(expression), maxLength)
	case len(fields) == 0:
		return nil, fmt.Errorf("has 0 fields")
	case strings.Contains(fields[0], "TZ="):
		return nil, fmt.Errorf("has a time zone of its own; set time_zone")
	case fields[0][0] != '@' && len(fields) != 5:
		return nil, fmt.Errorf("has %d fields", len(fields))
	}
	for i, field := range fields {
		if strings.Contains(","+field+",", ",,") {
			return nil, fmt.Errorf("has an empty item in %q", shown(field))
		}
		if i == 4 {
			fields[i] = sundays(field)
		}
	}
	schedule, err := parser.Parse(strings.Join(fields, " "))
	if err != nil {
		return nil, fmt.Errorf("is no cron expression: %w", err)
	}
	spec, ok := schedule.(*robfig.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("is an interval, not a time of day")
	}
	spec.Location = time.UTC
	return spec, nil
}

// sundays writes the days of the week with 0 for a Sunday that is 7 or ends a
// range (fri-sun), for a parser whose week ends on Saturday.
func sundays(field string) string {
	items := strings.Split(field, ",")
	for i, item := range items {
		span, step, stepped := strings.Cut(item, "/")
		from, to, ranged := strings.Cut(span, "-")
		if from == "7" {
			from, ranged = "0", ranged && to != "7"
		}
		switch {
		case !ranged:
			items[i] = from
		case to == "7" || strings.EqualFold(to, "sun") && from != "0" && !strings.EqualFold(from, "sun"):
			items[i] = throughSunday(from, step, stepped)
			continue
		default:
			items[i] = from + "-" + to
		}
		if stepped {
			items[i] += "/" + step
		}
	}
	return strings.Join(items, ",")
}

// throughSunday is a range that ends with the Sunday behind its week, as a list.
func throughSunday(from, step string, stepped bool) string {
	span := from + "-6"
	if stepped {
		span += "/" + step
	}
	spec, err := parser.Parse("0 0 * * " + span)
	if err != nil {
		return span // its fault is told when all is parsed
	}
	days := spec.(*robfig.SpecSchedule).Dow
	last, every := 6, 1
	for days&(1<<last) == 0 {
		last--
	}
	if stepped {
		every, _ = strconv.Atoi(step) // parsed above
	}
	if last+every == 7 {
		span += ",0"
	}
	return span
}

// shown is as much of a value as an error repeats.
func shown(value string) string {
	if len(value) > 80 {
		return strings.ToValidUTF8(value[:80], "") + "…"
	}
	return value
}
