package transport

import (
	"errors"
	"strings"
	"testing"
)

func TestEventSubject(t *testing.T) {
	for _, c := range []struct{ customer, typ, subject, field string }{
		{"acme", "access.granted", "events.acme.access.granted", ""},
		{"Acme_1-b", "x", "events.Acme_1-b.x", ""},
		{"acme", "audit.card.created", "events.acme.audit.card.created", ""},
		{"acme", "zugang.gewährt", "events.acme.zugang.gewährt", ""},
		{"acme", "opsy.x", "events.acme.opsy.x", ""},
		{strings.Repeat("a", 64), "x", "events." + strings.Repeat("a", 64) + ".x", ""},
		{strings.Repeat("a", 65), "x", "", "customer"},
		{"", "x", "", "customer"},
		{"a b", "x", "", "customer"},
		{"a.b", "x", "", "customer"},
		{"a*", "x", "", "customer"},
		{"ä", "x", "", "customer"},
		{"acme", "", "", "type"},
		{"acme", ".x", "", "type"},
		{"acme", "x.", "", "type"},
		{"acme", "x..y", "", "type"},
		{"acme", "x y", "", "type"},
		{"acme", "x\ty", "", "type"},
		{"acme", "x\x00", "", "type"},
		{"acme", "x\u00a0y", "", "type"},
		{"acme", "x\xff", "", "type"},
		{"acme", "x.*", "", "type"},
		{"acme", "x.>", "", "type"},
		{"acme", "x>y", "", "type"},
		{"acme", "ops.endpoint.failing", "", "type"},
		{"acme", "ops", "", "type"},
		{"acme", strings.Repeat("x", 257), "", "type"},
	} {
		got, err := EventSubject(c.customer, c.typ)
		if got != c.subject || fieldOf(err) != c.field {
			t.Errorf("EventSubject(%q, %q) = %q, %v; want %q, field %q", c.customer, c.typ, got, err, c.subject, c.field)
		}
		if err != nil {
			continue
		}
		if customer, typ, err := ParseEventSubject(got); customer != c.customer || typ != c.typ || err != nil {
			t.Errorf("ParseEventSubject(%q) = %q, %q, %v", got, customer, typ, err)
		}
	}
}

func TestParseEventSubject(t *testing.T) {
	for _, c := range []struct{ subject, customer, typ, field string }{
		{"events.acme.access.granted", "acme", "access.granted", ""},
		{"ops.acme.endpoint.failing", "acme", "ops.endpoint.failing", ""},
		{"events.acme", "", "", "subject"},
		{"events", "", "", "subject"},
		{"ops.acme", "", "", "subject"},
		{"detections.x.y", "", "", "subject"},
		{"", "", "", "subject"},
		{"events..x", "", "", "customer"},
		{"events.a b.x", "", "", "customer"},
		{"events.acme.", "", "", "type"},
		{"events.acme.x..y", "", "", "type"},
		{"events.acme.ops.endpoint.failing", "", "", "type"},
		{"ops.acme.", "", "", "type"},
	} {
		customer, typ, err := ParseEventSubject(c.subject)
		if customer != c.customer || typ != c.typ || fieldOf(err) != c.field {
			t.Errorf("ParseEventSubject(%q) = %q, %q, %v; want %q, %q, field %q", c.subject, customer, typ, err, c.customer, c.typ, c.field)
		}
	}
}

func TestOpsSubject(t *testing.T) {
	if got, err := OpsSubject("acme", "endpoint.failing"); got != "ops.acme.endpoint.failing" || err != nil {
		t.Errorf("OpsSubject = %q, %v", got, err)
	}
	for _, c := range [][2]string{{"a b", "x"}, {"acme", ""}, {"acme", "x.*"}} {
		if got, err := OpsSubject(c[0], c[1]); err == nil {
			t.Errorf("OpsSubject(%q, %q) = %q; want an error", c[0], c[1], got)
		}
	}
}

func TestCheckDetectionSubject(t *testing.T) {
	for subject, good := range map[string]bool{
		"detections.i45": true, "detections.i45.north": true, "detections.*": false, "detections.a..b": false,
		"detections.": false, "detections": false, "events.acme.a": false, "detections.a b": false, "": false,
	} {
		if err := CheckDetectionSubject(subject); (err == nil) != good {
			t.Errorf("%q: %v", subject, err)
		}
	}
}

func TestCheckPattern(t *testing.T) {
	for _, p := range []string{">", "*", "access.>", "*.granted", "audit.*.created", "*.*.>", "ops.>", "a"} {
		if err := CheckPattern(p); err != nil {
			t.Errorf("CheckPattern(%q): %v", p, err)
		}
	}
	for _, p := range []string{"", ".", ">.a", "a.>.b", "a*", "a.b>", "**", ">>", "a b", "a..b", "a.", strings.Repeat("a", 257)} {
		if err := CheckPattern(p); fieldOf(err) != "events" {
			t.Errorf("CheckPattern(%q) = %v; want a FieldError of events", p, err)
		}
	}
}

func TestMatchType(t *testing.T) {
	for _, c := range []struct {
		pattern, typ string
		want         bool
	}{
		{">", "a", true},
		{">", "a.b.c", true},
		{">", "ops.endpoint.failing", false},
		{">", "ops", false},
		{">", "opsy.a", true},
		{"ops.>", "ops.endpoint.failing", true},
		{"ops.endpoint.*", "ops.endpoint.failing", true},
		{"a", "a", true},
		{"a", "b", false},
		{"a", "a.b", false},
		{"a.b", "a", false},
		{"a.>", "a", false},
		{"a.>", "a.b", true},
		{"a.>", "a.b.c", true},
		{"a.>", "ab.c", false},
		{"*", "a", true},
		{"*", "a.b", false},
		{"*.b", "a.b", true},
		{"*.b", "a.c", false},
		{"audit.*.created", "audit.card.created", true},
		{"audit.*.created", "audit.card.deleted", false},
		{"audit.*.created", "audit.card.x.created", false},
		{"*.*.>", "a.b", false},
		{"*.*.>", "a.b.c", true},
	} {
		if got := MatchType(c.pattern, c.typ); got != c.want {
			t.Errorf("MatchType(%q, %q) = %v", c.pattern, c.typ, got)
		}
	}
}

func FuzzParseEventSubject(f *testing.F) {
	for _, s := range []string{"events.acme.access.granted", "ops.a.b", "events..", "events.a.ops.b", "events.a.\xff", ">"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		customer, typ, err := ParseEventSubject(s)
		if err != nil {
			if len(err.Error()) > 500 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		again, err := EventSubject(customer, typ)
		if what, ops := strings.CutPrefix(typ, "ops."); ops {
			again, err = OpsSubject(customer, what)
		}
		if err != nil || again != s {
			t.Errorf("%q was read as %q %q and written as %q, %v", s, customer, typ, again, err)
		}
	})
}

// FuzzMatchType compares with a matcher over split tokens.
func FuzzMatchType(f *testing.F) {
	f.Add("a.*.>", "a.b.c")
	f.Add(">", "ops.x")
	f.Fuzz(func(t *testing.T, pattern, typ string) {
		if CheckPattern(pattern) != nil || CheckType(typ) != nil {
			MatchType(pattern, typ)
			return
		}
		if got, want := MatchType(pattern, typ), matchSplit(pattern, typ); got != want {
			t.Errorf("MatchType(%q, %q) = %v; want %v", pattern, typ, got, want)
		}
	})
}

func matchSplit(pattern, typ string) bool {
	ps, ts := strings.Split(pattern, "."), strings.Split(typ, ".")
	if pattern == ">" {
		return ts[0] != "ops"
	}
	for i, p := range ps {
		if i >= len(ts) {
			return false
		}
		if p == ">" {
			return true
		}
		if p != "*" && p != ts[i] {
			return false
		}
	}
	return len(ps) == len(ts)
}

func fieldOf(err error) string {
	var fe *FieldError
	if errors.As(err, &fe) {
		return fe.Field
	}
	return ""
}

func TestCheckID(t *testing.T) {
	for _, id := range []string{"a", "evt 1", "9f2c-…", strings.Repeat("a", 256)} {
		if err := CheckID(id); err != nil {
			t.Errorf("CheckID(%q): %v", id, err)
		}
	}
	for _, id := range []string{"", " a", "a ", "a\nb", "a\x00", "\xff", strings.Repeat("a", 257)} {
		if err := CheckID(id); fieldOf(err) != "id" {
			t.Errorf("CheckID(%q) = %v; want a FieldError of id", id, err)
		}
	}
}
