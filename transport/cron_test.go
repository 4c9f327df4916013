package transport

import (
	"errors"
	"strings"
	"testing"
)

func TestCron(t *testing.T) {
	const ok = ""
	for _, c := range []struct{ expression, refused string }{
		{"0 7 * * *", ok},
		{"*/15 * * * *", ok},
		{"0 6,18 * * mon-fri", ok},
		{"5/20 0-23/2 1,15 JAN-jun,12 0", ok},
		{"  0\t7 * * *  ", ok},
		{"0 0 29 2 *", ok},
		{"0 0 31 4,5 *", ok},
		{"0 0 31 2 mon", ok}, // every Monday of February

		{"", "has 0 fields; give five fields such as 0 7 * * *"},
		{"0 7 * *", "has 4 fields"},
		{"0 0 7 * * *", "has 6 fields"},
		{"@daily", "has 1 fields"},
		{"60 7 * * *", `its minute is "60", not one of 0 to 59`},
		{"0 24 * * *", `its hour is "24", not one of 0 to 23`},
		{"0 7 0 * *", `its day of the month is "0", not one of 1 to 31`},
		{"0 7 * 13 *", `its month is "13", not one of 1 to 12`},
		{"0 7 * * 7", `its day of the week is "7", not one of 0 to 6`},
		{"0 7 * mon *", `its month is "mon"`},
		{"? 7 * * *", `its minute is "?"`},
		{"-1 7 * * *", `its minute is ""`},
		{"+1 7 * * *", `its minute is "+1"`},
		{"1--2 7 * * *", `its minute is "-2"`},
		{"1,,2 7 * * *", `its minute is ""`},
		{"*/0 7 * * *", "has the step 0"},
		{"*/x 7 * * *", "has the step x"},
		{"1/2/3 7 * * *", "has the step 2/3"},
		{"30-10 7 * * *", "has the range 30-10, which ends before it begins"},
		{"0 0 31 2 *", "is never due"},
		{"0 0 30,31 2 *", "is never due"},
		{"0 0 31 2 */1", "is never due"},
		{"0 7 * * " + strings.Repeat("1,", 100) + "1", "209 bytes long, at most 200"},
	} {
		err := CheckCron("schedules.normal", c.expression)
		if c.refused != ok {
			refused(t, err, "schedules.normal", c.refused)
		} else if err != nil {
			t.Errorf("%q: %v", c.expression, err)
		}
	}
}

func FuzzCron(f *testing.F) {
	for _, s := range []string{"0 7 * * *", "*/15 0-23/2 1,15 jan 0", "0 0 31 2 *", "99999999999999999999 * * * *"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		err := CheckCron("f", s)
		var fe *FieldError
		if err != nil && (!errors.As(err, &fe) || fe.Field != "f") {
			t.Fatalf("%q: %v", s, err)
		}
		if err == nil && strings.ContainsAny(s, "?@LW#") {
			t.Fatalf("%q was taken", s)
		}
	})
}
