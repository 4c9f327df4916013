package email

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// words is a sender for rendering alone.
func words(t testing.TB) *Sender {
	t.Helper()
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	return newSender(t, Options{Host: "localhost", From: "alerts@postrider.test", FromName: "Postrider", ReplyTo: "help@postrider.test",
		RunURL: "https://postrider.test/runs/{run_id}", HELO: "localhost",
		Zone: func(customer string) *time.Location {
			if customer == "acme" {
				return chicago
			}
			return nil
		}})
}

// ops is an event of what, told by data.
func ops(what, data string) *transport.Event {
	return &transport.Event{ID: "ops-1", Customer: "globex", Type: "ops." + what,
		Time: time.Date(2024, 5, 21, 12, 1, 0, 0, time.UTC), Data: []byte(data)}
}

const frontDesk = `{"endpoint":"123e4567-e89b-12d3-a456-426614174000","name":"Front desk","url":"https://hooks.example.com/T00/secret?key=1",` +
	`"state":"failing","reason":"status 500","since":"2024-05-20T08:00:00Z","at":"2024-05-21T12:01:00Z"}`

func TestMails(t *testing.T) {
	noon := time.Date(2024, 5, 21, 12, 0, 0, 0, time.UTC)
	for name, ev := range map[string]*transport.Event{
		"one":           eventOf(t, report(1)),
		"alerts":        eventOf(t, alerts()),
		"big":           eventOf(t, crowded()),
		"unicode":       eventOf(t, unicodeReport()),
		"hostile":       eventOf(t, hostile()),
		"bare":          eventOf(t, bare()),
		"mailbox":       ops("endpoint.disabled", `{"endpoint":"123e4567","name":"nobody@gone.example","kind":"email","retries":true,"reason":"the SMTP relay answered 550 5.1.1 to RCPT: there is no such mailbox"}`),
		"no-retries":    ops("endpoint.failing", `{"endpoint":"123e4567","name":"Front desk","kind":"webhook","retries":false,"reason":"status 500"}`),
		"retries":       ops("endpoint.failing", `{"endpoint":"123e4567","name":"Front desk","kind":"webhook","retries":true,"reason":"status 500"}`),
		"deadletters":   ops("deadletter.created", `{"endpoint":"123e4567","name":"Front desk","count":6,"reasons":{"retries_exhausted":5,"gone":1},"event_id":"evt-6","event_type":"access.granted","reason":"gone","since":"2024-05-21T12:00:00Z"}`),
		"run-waits":     ops("run.failed", `{"run_id":"","alert_type":"hot","reason":"Redis, which keeps how far runs have come, is not available"}`),
		"failing":       ops("endpoint.failing", frontDesk),
		"disabled":      ops("endpoint.disabled", `{"endpoint":"123e4567","reason":"failing for 5 days"}`),
		"recovered":     ops("endpoint.recovered", frontDesk),
		"deadletter":    ops("deadletter.created", `{"name":"Front desk","event_id":"evt-1","event_type":"access.granted","reason":"retries_exhausted","attempt":4}`),
		"run-failed":    ops("run.failed", `{"run_id":"9e107d9d","alert_type":"hot","reason":"redis is away"}`),
		"ops-empty":     ops("endpoint.failing", `[]`),
		"other":         {ID: "evt-1", Customer: "globex", Type: "access.granted", Time: noon, Data: []byte(`{"door":{"name":"<b>Main</b>"},"n":1e3,"list":[1,2]}`)},
		"other-cut":     {ID: "evt-1", Customer: "globex", Type: "access.granted", Time: noon, Data: []byte(`["` + strings.Repeat("é", 20_000) + `"]`)},
		"other-hostile": {ID: "evt-1", Customer: "globex", Type: "a", Time: noon, Data: []byte("{\"\u202ex\":\"</pre><script>alert(1)</script>\u2066\"}")},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := words(t).compose(context.Background(), ev, mailbox)
			if err != nil {
				t.Fatal(err)
			}
			page, err := l.html()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", "Subject: "+line(l.Subject, maxSubject)+"\n\n"+l.text())
			golden(t, name+".html", page)
		})
	}
}

// alerts is a run of four alerts, of which three name the mailbox, one of them in cc.
func alerts() matching.Report {
	r := report(2)
	for i, a := range []matching.AlertDetail{
		{ID: "2", AlertName: "Acme logos", Email: "fleet@example.com", CCEmails: []string{"x@example.com", "ops@EXAMPLE.com"}, TrailerLogo: "Acme"},
		{ID: "3", AlertName: "Somebody else's", Email: "fleet@example.com", CCEmails: []string{"ops@example.com.evil.test"}},
		{ID: "4", AlertName: "Nothing found", Email: mailbox},
		{ID: "5", AlertName: "By VIN", Email: mailbox, CCEmails: []string{mailbox}, VIN: "004352"},
	} {
		r.AlertDetails = append(r.AlertDetails, a)
		for range i % 3 * 2 {
			if a.ID != "4" {
				r.Matches = append(r.Matches, seen(a))
			}
		}
	}
	r.Matches = append(r.Matches, seen(r.AlertDetails[1]), seen(r.AlertDetails[4]))
	return r
}

// crowded is a run of three alerts: one of many matches, and two of few at its end.
func crowded() matching.Report {
	r := report(450)
	rare, single := stolenTrailer(), stolenTrailer()
	rare.ID, rare.AlertName = "2", "Rare"
	single.ID, single.AlertName = "3", "Single"
	r.AlertDetails = append(r.AlertDetails, rare, single)
	for _, a := range []matching.AlertDetail{rare, rare, single} {
		r.Matches = append(r.Matches, seen(a))
	}
	return r
}

func unicodeReport() matching.Report {
	r := report(0)
	for i, name := range []string{"مقطورة مسروقة T-123", "נגרר גנוב", "盗まれたトレーラー", "Gestohlener Anhänger 🚛👨\u200d👩", "می\u200cخواهم"} {
		a := stolenTrailer()
		a.ID, a.AlertName, a.Description = fmt.Sprint(i), name, "« "+name+" »"
		m := seen(a)
		m.City, m.TrailerLogo, m.DeepSearch = "Ciudad Juárez", "شركة النقل, Ωmega", name
		r.AlertDetails, r.Matches = append(r.AlertDetails, a), append(r.Matches, m)
	}
	return r
}

// hostile is outside text that would like to be more than text.
func hostile() matching.Report {
	r := report(1)
	evil := "<script>alert(1)</script>\r\nBcc: victim@example.com\r\n\r\n--boundary\u2028\x00\u202e\"'><img src=x onerror=alert(1)>{{.}}"
	a, m := &r.AlertDetails[0], &r.Matches[0]
	a.AlertName, a.Description, a.LicensePlate = evil, evil, evil
	m.City, m.State, m.Road, m.LicensePlate, m.VIN, m.TrailerLogo, m.DeepSearch, m.Time = evil, evil, evil, evil, evil, evil, strings.Repeat(evil, 20), evil
	m.ResultURL = "javascript:alert(1)"
	m.FrontViewURL = "https://x.example/\"onmouseover=\"alert(1)"
	m.SideViewURL = "https://user:password@x.example/"
	m.RearViewURL = "https://x.example/?a=1&b='><script>"
	return r
}

// bare is a match of which hardly anything is known.
func bare() matching.Report {
	r := report(1)
	r.RunID = ""
	r.AlertDetails = []matching.AlertDetail{{ID: "1", Email: mailbox}}
	r.Matches = []matching.Match{{AlertID: "1", LatLong: "29.7604, -95.3698", Time: "2024-05-21T12:00:00.5+00:00"}, {AlertID: "1"}, {AlertID: "unknown"}}
	return r
}

func TestNoMatchesForTheMailbox(t *testing.T) {
	for _, address := range []string{"nobody@example.com", "Ops@example.com", "fleet@example.com"} {
		r := alerts()
		if address == "fleet@example.com" {
			r.Matches = r.Matches[:2] // of the first alert alone
		}
		_, err := words(t).compose(context.Background(), eventOf(t, r), address)
		if !errors.As(err, new(noMatches)) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestUnreadableReports(t *testing.T) {
	head, _ := json.Marshal(report(0).AlertDetails)
	for _, data := range []string{
		``, `7`, `[]`, `{`, `{"run_id":7}`, `{"alert_details":{}}`, `{"alert_details":[`, `{"x":`,
		`{"matches":[1],"alert_details":` + string(head) + `}`, `{"matches":{"a":1},"alert_details":` + string(head) + `}`,
		`{"alert_details":` + string(head) + `,"matches":[{}, nonsense]}`, `{"alert_details":` + string(head) + `,"matches":"none"}`,
	} {
		_, err := digestOf(context.Background(), []byte(data), mailbox, time.UTC)
		if err == nil || errors.As(err, new(noMatches)) {
			t.Errorf("%s: %v", data, err)
		}
	}
}

// The keys of a report may stand in any order, and there may be more of them.
func TestOrderOfKeys(t *testing.T) {
	r := report(2)
	alerts, _ := json.Marshal(r.AlertDetails)
	matches, _ := json.Marshal(r.Matches)
	for _, data := range []string{
		fmt.Sprintf(`{"alert_details":%s,"matches":%s}`, alerts, matches),
		fmt.Sprintf(` {"x":[{}],"matches" : %s , "y":null, "alert_details": %s, "run_id":"1"}`, matches, alerts),
	} {
		d, err := digestOf(context.Background(), []byte(data), mailbox, time.UTC)
		if err != nil || d.Total != 2 || d.Shown != 2 || len(d.Sections) != 1 || len(d.Sections[0].Rows) != 2 {
			t.Errorf("%s: %+v, %v", data, d, err)
		}
	}
	for _, none := range []string{``, `,"matches":null`, `,"matches":[]`} {
		_, err := digestOf(context.Background(), []byte(`{"alert_details":`+string(alerts)+none+`}`), mailbox, time.UTC)
		if !errors.As(err, new(noMatches)) {
			t.Errorf("%s: %v", none, err)
		}
	}
}

// Whatever the alerts and matches, a mail shows as many as it has room for, of
// each alert the latest, and no alert takes the room of another.
func TestEachAlertHasItsShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.SliceOfN(rapid.IntRange(0, 400), 1, 4)
		many := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 260)
		sizes := rapid.OneOf(few, many).Draw(t, "matches of each alert")
		r := matching.Report{}
		for i, n := range sizes {
			a := matching.AlertDetail{ID: fmt.Sprint(i), AlertName: "a", Email: mailbox}
			r.AlertDetails = append(r.AlertDetails, a)
			for j := range n {
				r.Matches = append(r.Matches, matching.Match{AlertID: a.ID, LicensePlate: fmt.Sprint(j)})
			}
		}
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		d, err := digestOf(context.Background(), data, mailbox, time.UTC)
		if len(r.Matches) == 0 {
			if !errors.As(err, new(noMatches)) {
				t.Fatal(err)
			}
			return
		}
		if err != nil || d.Total != len(r.Matches) || d.Shown != min(maxShown, d.Total) {
			t.Fatalf("%d of %d shown, want %d: %v", d.Shown, d.Total, len(r.Matches), err)
		}
		rows, least, most := 0, maxShown, 0
		for _, s := range d.Sections {
			rows += len(s.Rows)
			most = max(most, len(s.Rows))
			if s.More() > 0 {
				least = min(least, len(s.Rows))
			}
			if len(s.Rows) == 0 {
				t.Fatal("a section without a match")
			}
			for i, r := range s.Rows {
				if want := fmt.Sprint(s.More() + i); r.Marks[0].Value != want {
					t.Fatalf("row %d is match %s, want %s", i, r.Marks[0].Value, want)
				}
			}
		}
		if rows != d.Shown || most > least+1 && least < maxShown {
			t.Fatalf("%d rows, %d shown; an alert has %d while another is cut at %d", rows, d.Shown, most, least)
		}
	})
}

// FuzzLetter: outside text stays text: no tag, attribute or link of its own in
// the HTML, no line of its own in the text, no control character anywhere.
func FuzzLetter(f *testing.F) {
	f.Add("name", "plate", "https://example.com/x?a=1")
	f.Add("</td><script>", "\r\nBcc: x", "javascript:alert(1)")
	f.Add("\u202e\u2028--", "\"><a href=", "https://a\"b")
	s, err := NewSender(Options{Host: "localhost", From: "a@postrider.test"})
	if err != nil {
		f.Fatal(err)
	}
	render := func(t *testing.T, name, value, url string) (page, text string) {
		r := report(1)
		r.AlertDetails[0].AlertName, r.AlertDetails[0].LicensePlate = "x"+name, "x"+value
		r.Matches[0].LicensePlate, r.Matches[0].DeepSearch, r.Matches[0].ResultURL = "x"+value, "x"+name, url
		l, err := s.compose(context.Background(), eventOf(t, r), mailbox)
		if err != nil {
			t.Fatal(err)
		}
		if page, err = l.html(); err != nil {
			t.Fatal(err)
		}
		return page, l.text()
	}
	f.Fuzz(func(t *testing.T, name, value, url string) {
		link := "https://example.com/"
		if safeURL(url) == "" {
			link = ""
		} else if scheme, _, _ := strings.Cut(strings.ToLower(url), "://"); scheme != "http" && scheme != "https" {
			t.Fatalf("%q is called a link", url)
		}
		page, text := render(t, name, value, url)
		plainPage, plainText := render(t, "n", "v", link)
		if got, want := strings.Count(page, "<"), strings.Count(plainPage, "<"); got != want {
			t.Fatalf("%d tags, want %d: %s", got, want, page)
		}
		if got, want := strings.Count(text, "\n"), strings.Count(plainText, "\n"); got != want {
			t.Fatalf("%d lines, want %d: %q", got, want, text)
		}
		if visible(text) != text {
			t.Fatalf("%q has characters that hide", text)
		}
	})
}

// The words of notices are true in every state that makes them.
func TestNoticesAreTrue(t *testing.T) {
	text := func(what, data string) string {
		l, err := words(t).compose(context.Background(), ops(what, data), mailbox)
		if err != nil {
			t.Fatal(err)
		}
		return l.Subject + "\n" + l.text()
	}
	for _, c := range []struct {
		what, data, said, unsaid string
	}{
		{"deadletter.created", `{"name":"Front desk","count":6,"reasons":{"gone":6}}`, "6 deliveries to Front desk were given up", "An event"},
		{"deadletter.created", `{"name":"Front desk","count":1,"reasons":{"gone":1}}`, "A delivery to Front desk was given up", "1 deliver"},
		{"endpoint.failing", `{"retries":false}`, "Retries are off", "tried again"},
		{"endpoint.failing", `{"retries":true}`, "tried again by the endpoint's schedule", "Retries are off"},
		{"endpoint.failing", `{}`, "where the endpoint has retries", "nothing is lost"},
		{"endpoint.disabled", `{"kind":"email"}`, "No more mail", "receiver"},
		{"run.failed", `{"run_id":"","reason":"x"}`, "could not be made yet", "has failed"},
		{"run.failed", `{"run_id":"r","reason":"x"}`, "over the same detections", "cannot wait"},
	} {
		if got := text(c.what, c.data); !strings.Contains(got, c.said) || strings.Contains(got, c.unsaid) {
			t.Errorf("%s %s, where %q and not %q is to be said:\n%s", c.what, c.data, c.said, c.unsaid, got)
		}
	}
}
