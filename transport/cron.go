package transport

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// maxCron bounds an expression, in bytes.
const maxCron = 200

// cronField is one of the five: its bounds, and names that stand for numbers.
type cronField struct {
	name     string
	min, max int
	names    []string // of min and what follows
}

var cronFields = [...]cronField{
	{"minute", 0, 59, nil},
	{"hour", 0, 23, nil},
	{"day of the month", 1, 31, nil},
	{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{"day of the week", 0, 6, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// CheckCron takes a cron expression of five fields (minute, hour, day of the
// month, month, day of the week: 0 is Sunday), each * or a list of numbers,
// ranges and steps, with names for months and days. Where both days are given,
// either will do, as cron has it. What could never be due is refused. The error
// is a *FieldError of field.
func CheckCron(field, expression string) error {
	fault := func(message string) error {
		return wrongValue(field, expression, message+"; give five fields such as 0 7 * * * (minute, hour, day, month, weekday)")
	}
	parts := strings.Fields(expression)
	if len(expression) > maxCron {
		return fault(fmt.Sprintf("%d bytes long, at most %d", len(expression), maxCron))
	}
	if len(parts) != len(cronFields) {
		return fault(fmt.Sprintf("has %d fields", len(parts)))
	}
	var sets [len(cronFields)]uint64
	for i := range cronFields {
		set, problem := cronFields[i].parse(parts[i])
		if problem != "" {
			return fault("its " + cronFields[i].name + " " + problem)
		}
		sets[i] = set
	}
	anyWeekday := strings.Contains(parts[4], "*") && sets[4] == 1<<7-1
	if anyWeekday && !hasDay(sets[2], sets[3]) {
		return fault("is never due: none of its months has such a day")
	}
	return nil
}

// hasDay tells whether one of the months is as long as the first of the days.
func hasDay(days, months uint64) bool {
	lengths := [...]int{1: 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	first := bits.TrailingZeros64(days)
	for month := 1; month <= 12; month++ {
		if months&(1<<month) != 0 && first <= lengths[month] {
			return true
		}
	}
	return false
}

// parse gives the numbers that text stands for as bits, or what is wrong with it.
func (f *cronField) parse(text string) (set uint64, problem string) {
	for item := range strings.SplitSeq(text, ",") {
		one, problem := f.item(item)
		if problem != "" {
			return 0, problem
		}
		set |= one
	}
	return set, ""
}

// item reads *, 5, 1-5, and each of these with /step; 5/10 goes on to the end.
func (f *cronField) item(text string) (set uint64, problem string) {
	span, step, stepped := strings.Cut(text, "/")
	every := 1
	if stepped {
		var ok bool
		if every, ok = digits(step); !ok || every == 0 {
			return 0, "has the step " + shown(step) + ", which is no number above 0"
		}
	}
	first, last, problem := f.span(span, stepped)
	if problem != "" {
		return 0, problem
	}
	for n := first; n <= last; n += every {
		set |= 1 << n
	}
	return set, ""
}

func (f *cronField) span(text string, stepped bool) (first, last int, problem string) {
	if text == "*" {
		return f.min, f.max, ""
	}
	from, to, ranged := strings.Cut(text, "-")
	if first, problem = f.number(from); problem != "" {
		return 0, 0, problem
	}
	switch {
	case ranged:
		last, problem = f.number(to)
	case stepped:
		last = f.max
	default:
		last = first
	}
	if problem == "" && last < first {
		problem = "has the range " + shown(text) + ", which ends before it begins"
	}
	return first, last, problem
}

func (f *cronField) number(text string) (n int, problem string) {
	for i, name := range f.names {
		if strings.EqualFold(name, text) {
			return f.min + i, ""
		}
	}
	n, ok := digits(text)
	if !ok || n < f.min || n > f.max {
		return 0, fmt.Sprintf("is %q, not one of %d to %d", shown(text), f.min, f.max)
	}
	return n, ""
}

// digits reads a number of up to four digits, and nothing else.
func digits(text string) (n int, ok bool) {
	if len(text) == 0 || len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}
