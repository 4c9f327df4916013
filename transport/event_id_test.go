package transport

import (
	"strings"
	"testing"
)

func TestEventID(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"evt_1/a:b?c#d":          "evt_1/a:b?c#d",
		"tür-1":                  "t%C3%BCr-1",
		"東京-3":                   "%E6%9D%B1%E4%BA%AC-3",
		"caf%C3%A9-2":            "caf%C3%A9-2",
		"100%":                   "100%",
		" a b\t":                 "a%20b",
		"  ":                     "",
		"a\u00a0b":               "a%C2%A0b",
		"\xff":                   "%FF",
		strings.Repeat("a", 256): strings.Repeat("a", 256),
	} {
		got, err := EventID(in)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
		if again, err := EventID(got); err != nil || again != got {
			t.Errorf("%q became %q, then %q (%v)", in, got, again, err)
		}
	}
	for _, in := range []string{"a\nb", "a\x00", "\x7f", "a\u0085b", strings.Repeat("a", 257), strings.Repeat("é", 43)} {
		if got, err := EventID(in); fieldOf(err) != "id" {
			t.Errorf("%q: %q, %v; want a FieldError of id", in, got, err)
		}
	}
}

func TestSourcedID(t *testing.T) {
	if a, b := SourcedID("1", "/door/A"), SourcedID("1", "/door/B"); a != "1_153ac7de242a4a6a" || b != "1_6d28a218e18769db" {
		t.Errorf("%q, %q", a, b)
	}
	if got := SourcedID("1", ""); got != "1" {
		t.Errorf("without a source: %q", got)
	}
	if got := SourcedID("", "/door/A"); got != "" {
		t.Errorf("without an id: %q", got)
	}
}

// FuzzEventID: what is taken is visible ASCII within its length, and its own form.
func FuzzEventID(f *testing.F) {
	for _, id := range []string{"a", " ü ", "%", "\xff", "a\nb"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		got, err := EventID(id)
		if err != nil {
			return
		}
		for i := range len(got) {
			if !visible(got[i]) {
				t.Fatalf("%q became %q", id, got)
			}
		}
		if again, err := EventID(got); err != nil || again != got || len(got) > MaxIDLength {
			t.Fatalf("%q became %q, then %q, %v", id, got, again, err)
		}
	})
}
