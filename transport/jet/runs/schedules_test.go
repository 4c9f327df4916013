package runs

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
	_ "unsafe"

	"github.com/postrider/postrider/transport/cron"
)

// serverCron is how the embedded server reads a schedule's expression: the
// first time after ts (Unix, in ns) that it is due. The server has no virtual
// clock, so its own function is asked.
//
//go:linkname serverCron github.com/nats-io/nats-server/v2/server.parseCron
func serverCron(pattern string, loc *time.Location, ts int64) (time.Time, error)

// dueTimes are the times at which a customer's expression is due in a zone.
func dueTimes(t *testing.T, expression, zone string, from, to time.Time) (due []time.Time) {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	form, err := cron.JetStream(expression)
	if err != nil {
		t.Fatal(err)
	}
	for at := from; ; {
		if at, err = serverCron(form, loc, at.UnixNano()); err != nil {
			t.Fatal(err)
		}
		if !at.Before(to) {
			return due
		}
		due = append(due, at)
	}
}

var dstYear = [2]time.Time{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)}

// A run at 07:00 comes once on each day of two years, the days on which clocks
// change among them; also where they change at midnight (Cairo, Santiago, Beirut).
func TestADailyRunComesOnceADay(t *testing.T) {
	for _, zone := range []string{"America/New_York", "Europe/Berlin", "America/Los_Angeles", "Australia/Sydney",
		"Africa/Cairo", "America/Santiago", "Asia/Beirut", "Asia/Kathmandu", "UTC"} {
		days := map[string]int{}
		for _, at := range dueTimes(t, "0 7 * * *", zone, dstYear[0], dstYear[1]) {
			if at.Format("15:04:05") != "07:00:00" {
				t.Errorf("%s: due at %s", zone, at)
			}
			days[at.Format(time.DateOnly)]++
		}
		for day := dstYear[0].AddDate(0, 0, 1); day.Before(dstYear[1].AddDate(0, 0, -1)); day = day.AddDate(0, 0, 1) {
			if n := days[day.Format(time.DateOnly)]; n != 1 {
				t.Errorf("%s, %s: %d runs", zone, day.Format(time.DateOnly), n)
			}
		}
	}
}

// A time that does not exist on a day is not due on it; one that exists twice
// is due twice.
func TestATimeThatClocksSkipOrRepeat(t *testing.T) {
	for _, tt := range []struct{ zone, expression, day, want string }{
		{"America/New_York", "0 7 * * *", "2026-03-08", "07:00 EDT"},
		{"America/New_York", "0 7 * * *", "2026-11-01", "07:00 EST"},
		{"Europe/Berlin", "0 7 * * *", "2026-03-29", "07:00 CEST"},
		{"Europe/Berlin", "0 7 * * *", "2026-10-25", "07:00 CET"},
		{"America/New_York", "30 2 * * *", "2026-03-08", ""},
		{"America/New_York", "30 2 * * *", "2026-03-09", "02:30 EDT"},
		{"Europe/Berlin", "30 2 * * *", "2026-03-29", ""},
		{"America/New_York", "30 1 * * *", "2026-11-01", "01:30 EDT 01:30 EST"},
		{"Europe/Berlin", "30 2 * * *", "2026-10-25", "02:30 CEST 02:30 CET"},
		{"Europe/Berlin", "*/15 2 * * *", "2026-03-29", ""},
		{"Europe/Berlin", "*/30 1-3 * * *", "2026-03-29", "01:00 CET 01:30 CET 03:00 CEST 03:30 CEST"},
		{"Europe/Berlin", "*/30 2 * * *", "2026-10-25", "02:00 CEST 02:30 CEST 02:00 CET 02:30 CET"},
	} {
		day, err := time.Parse(time.DateOnly, tt.day)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, at := range dueTimes(t, tt.expression, tt.zone, day.AddDate(0, 0, -1), day.AddDate(0, 0, 2)) {
			if at.Format(time.DateOnly) == tt.day {
				got = append(got, at.Format("15:04 MST"))
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s of %s on %s: due %v, want %s", tt.expression, tt.zone, tt.day, got, tt.want)
		}
	}
}

// Every quarter of an hour is due, whatever clocks do.
func TestHotRunsComeEachQuarter(t *testing.T) {
	for _, zone := range []string{"America/New_York", "Europe/Berlin", "Africa/Cairo", "Australia/Lord_Howe"} {
		due := dueTimes(t, "*/15 * * * *", zone, dstYear[0], dstYear[1])
		for i := 1; i < len(due); i++ {
			if gap := due[i].Sub(due[i-1]); gap != 15*time.Minute {
				t.Fatalf("%s: %s after %s", zone, gap, due[i-1])
			}
		}
	}
}

// A run on one day of the week comes each week, where clocks do not change at
// midnight (docs/alerts.md tells of the others).
func TestAWeeklyRunComesOnceAWeek(t *testing.T) {
	for _, zone := range []string{"America/New_York", "America/Los_Angeles", "Europe/Berlin", "Australia/Sydney"} {
		for weekday := range 7 {
			weeks := dueTimes(t, fmt.Sprintf("0 7 * * %d", weekday), zone, dstYear[0], dstYear[1])
			for i := 1; i < len(weeks); i++ {
				if days := weeks[i].Sub(weeks[i-1]).Round(24*time.Hour) / (24 * time.Hour); days != 7 {
					t.Errorf("%s, weekday %d: %d days from %s to %s", zone, weekday, days, weeks[i-1], weeks[i])
				}
			}
		}
	}
}

// Expressions that users of cron write, and the server's own parser does not
// know as they are, are due when cron has them.
func TestSundayIsSevenToo(t *testing.T) {
	from, to := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	want := fmt.Sprint(dueTimes(t, "0 7 * * 0", "America/Chicago", from, to))
	for _, expression := range []string{"0 7 * * 7", "0 7 * * SUN", "0 7 * NOV sun", "0 7 * * 7-7"} {
		if got := fmt.Sprint(dueTimes(t, expression, "America/Chicago", from, to)); got != want {
			t.Errorf("%s: %s, want %s", expression, got, want)
		}
	}
	if got := dueTimes(t, "0 7 * * fri-sun", "UTC", from, to); len(got) != 13 {
		t.Errorf("%d days from Friday to Sunday in November 2026", len(got))
	}
}
