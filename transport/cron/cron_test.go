package cron

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

func TestExpressionsAsUsersOfCronWriteThem(t *testing.T) {
	for _, c := range []struct{ expression, jetstream string }{
		{"0 7 * * *", "0 0 7 * * *"},
		{"*/15 * * * *", "0 0,15,30,45 * * * *"},
		{"0 6,18 * * mon-fri", "0 0 6,18 * * 1-5"},
		{"5/20 0-23/2 1,15 JAN-jun,12 0", "0 5,25,45 0,2,4,6,8,10,12,14,16,18,20,22 1,15 1-6,12 0"},
		{"  0\t7 * * *  ", "0 0 7 * * *"},
		{"0 0 29 2 *", "0 0 0 29 2 *"},
		{"0 0 31 4,5 *", "0 0 0 31 4,5 *"},
		{"0 0 31 2 mon", "0 0 0 31 2 1"}, // every Monday of February
		{"0 7 * * 7", "0 0 7 * * 0"},
		{"0 7 * * SUN", "0 0 7 * * 0"},
		{"0 7 * jan *", "0 0 7 * 1 *"},
		{"0 7 * * 5-7", "0 0 7 * * 0,5,6"},
		{"0 7 * * fri-sun", "0 0 7 * * 0,5,6"},
		{"0 7 * * 1-7", "0 0 7 * * 0-6"},
		{"0 7 * * 1-7/2", "0 0 7 * * 0,1,3,5"},
		{"0 7 * * 1-7/4", "0 0 7 * * 1,5"},
		{"0 7 * * 0-7", "0 0 7 * * 0-6"},
		{"0 7 * * 7-7", "0 0 7 * * 0"},
		{"0 7 * * sun-tue,7", "0 0 7 * * 0-2"},
		{"0 7 ? * 2", "0 0 7 * * 2"},
		{"@daily", "0 0 0 * * *"},
		{"@weekly", "0 0 0 * * 0"},
	} {
		if err := Check("schedules.normal", c.expression); err != nil {
			t.Errorf("%q: %v", c.expression, err)
		}
		if got, err := JetStream(c.expression); got != c.jetstream || err != nil {
			t.Errorf("%q: %q, %v, want %q", c.expression, got, err, c.jetstream)
		}
	}
}

func TestRefusedExpressions(t *testing.T) {
	for expression, says := range map[string]string{
		"":                      "has 0 fields; give five fields such as 0 7 * * *",
		"0 7 * *":               "has 4 fields",
		"0 0 7 * * *":           "has 6 fields",
		"@every 1h":             "is an interval",
		"@often":                "is no cron expression",
		"TZ=UTC 0 7 * * *":      "set time_zone",
		"TZ=UTC":                "set time_zone",
		"CRON_TZ=UTC 0 7 * * *": "set time_zone",
		"60 7 * * *":            "above maximum (59)",
		"0 24 * * *":            "above maximum (23)",
		"0 7 0 * *":             "below minimum (1)",
		"0 7 * 13 *":            "above maximum (12)",
		"0 7 * * 8":             "above maximum (6)",
		"0 7 * * 8-7":           "beyond end of range",
		"0 7 * mon *":           "mon",
		"-1 7 * * *":            "is no cron expression",
		"1--2 7 * * *":          "too many hyphens",
		"1,,2 7 * * *":          `an empty item in "1,,2"`,
		", 7 * * *":             "an empty item",
		"*/0 7 * * *":           "positive number",
		"*/x 7 * * *":           "is no cron expression",
		"1/2/3 7 * * *":         "too many slashes",
		"0 7 * * 1-7/0":         "positive number",
		"0 7 * * 1-7/x":         "is no cron expression",
		"30-10 7 * * *":         "beyond end of range",
		"0 0 31 2 *":            "is never due",
		"0 0 30,31 2 *":         "is never due",
		"0 7 * * " + strings.Repeat("1,", 100) + "1": "209 bytes long, at most 200",
	} {
		err := Check("schedules.normal", expression)
		var fault *transport.FieldError
		if !errors.As(err, &fault) || fault.Field != "schedules.normal" || !strings.Contains(fault.Message, says) {
			t.Errorf("%q: %v, want …%s…", expression, err, says)
		}
	}
}

// What JetStream gets is due when the expression is; so is its own five fields.
func TestTheFormForJetStreamMeansTheSame(t *testing.T) {
	field := func(low, high int, names ...string) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			var items []string
			for range rapid.IntRange(1, 3).Draw(t, "items") {
				items = append(items, item(t, low, high, names))
			}
			return strings.Join(items, ",")
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		expression := strings.Join([]string{field(0, 59).Draw(t, "minute"), field(0, 23).Draw(t, "hour"),
			field(1, 31).Draw(t, "day"), field(1, 12, "jan", "Feb").Draw(t, "month"), field(0, 7, "mon", "SUN").Draw(t, "weekday")}, " ")
		due, err := JetStream(expression)
		if err != nil {
			return
		}
		want, err := parse(expression)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parse(strings.TrimPrefix(due, "0 "))
		if err != nil {
			t.Fatalf("%q became %q: %v", expression, due, err)
		}
		at := epoch
		for range 20 {
			if next := got.Next(at); !next.Equal(want.Next(at)) {
				t.Fatalf("%q is due at %s, %q at %s", expression, want.Next(at), due, next)
			}
			if at = want.Next(at); at.IsZero() {
				return
			}
		}
	})
}

func item(t *rapid.T, low, high int, names []string) string {
	number := func() string {
		if len(names) > 0 && rapid.Bool().Draw(t, "name") {
			return rapid.SampledFrom(names).Draw(t, "named")
		}
		return rapid.StringMatching("[0-9]{1,2}").Filter(func(s string) bool {
			n := int(s[len(s)-1] - '0')
			if len(s) == 2 {
				n += 10 * int(s[0]-'0')
			}
			return n >= low && n <= high
		}).Draw(t, "number")
	}
	switch rapid.IntRange(0, 4).Draw(t, "form") {
	case 0:
		return "*"
	case 1:
		return "*/" + rapid.SampledFrom([]string{"1", "2", "3", "5"}).Draw(t, "step")
	case 2:
		return number() + "-" + number()
	case 3:
		return number() + "-" + number() + "/2"
	}
	return number()
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"0 7 * * 7", "*/15 0-23/2 1,15 jan fri-sun", "0 0 31 2 *", "99999999999999999999 * * * *", "TZ=", "@daily"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		err := Check("f", s)
		var fault *transport.FieldError
		if err != nil && (!errors.As(err, &fault) || fault.Field != "f") {
			t.Fatalf("%q: %v", s, err)
		}
		if _, formErr := JetStream(s); err == nil && formErr != nil {
			t.Fatalf("%q was taken, and JetStream does not get it: %v", s, formErr)
		}
	})
}

func TestNextIsByTheClockOfTheZone(t *testing.T) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	after := time.Date(2026, 3, 7, 20, 0, 0, 0, time.UTC) // a day before the clocks go forward
	for _, c := range []struct {
		expression string
		zone       *time.Location
		want       string
	}{
		{"0 7 * * *", time.UTC, "2026-03-08T07:00:00Z"},
		{"0 7 * * *", chicago, "2026-03-08T12:00:00Z"},
		{"0 7 * * mon", chicago, "2026-03-09T12:00:00Z"},
		{"*/15 * * * *", chicago, "2026-03-07T20:15:00Z"},
		{"0 0 29 2 *", time.UTC, "2028-02-29T00:00:00Z"},
	} {
		if next, due := Next(c.expression, after.In(c.zone)); !due || next.UTC().Format(time.RFC3339) != c.want {
			t.Errorf("%q in %s: %s, want %s", c.expression, c.zone, next.UTC().Format(time.RFC3339), c.want)
		}
	}
	for _, never := range []string{"0 0 30 2 *", "nonsense", ""} {
		if next, due := Next(never, after); due {
			t.Errorf("%q is due at %s", never, next)
		}
	}
}
