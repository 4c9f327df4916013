package transport

import (
	"bytes"
	"strings"
	"testing"
)

func TestVeilMasksOwnValuesHoweverTheyAreWritten(t *testing.T) {
	ep := &Endpoint{Headers: map[string]string{"Authorization": "Bearer tok/en+\"quoted\"", "X-Basic": "Basic am9lOnMzY3JldC1wYXNz", "X-Team": "doors", "X-One": "1"},
		Secrets: Secrets{Current: "whsec_bmV3LXNlY3JldA==", Previous: "an old secret, long"}}
	veil := ep.Veil()
	for text, want := range map[string]string{
		`you sent Bearer tok/en+"quoted"!`:        `you sent ***!`,
		`{"authorization":"tok/en+\"quoted\""}`:   `{"authorization":"***"}`,
		`{"a":"Bearer tok\/en+\"quoted\""}`:       `{"a":"***"}`,
		`a=Bearer+tok%2Fen%2B%22quoted%22&b=2`:    `a=***&b=2`,
		`<p>Bearer tok/en+&#34;quoted&#34;</p>`:   `<p>***</p>`,
		`joe:s3cret-pass, then s3cret-pass`:       `***, then ***`,
		`whsec_bmV3LXNlY3JldA== bmV3LXNlY3JldA==`: `*** ***`,
		`an old secret, long`:                     `***`,
		`the doors of outdoors`:                   `the *** of outdoors`,
		`{"n":1,"m":10}`:                          `{"n":***,"m":10}`,
		`it was cut: whsec_bmV3LX`:                `it was cut: ***`,
		`nothing of ours`:                         `nothing of ours`,
	} {
		given := []byte(text)
		if got := string(veil.Mask(given)); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
		if string(given) != text {
			t.Errorf("%s was changed", text)
		}
	}
	if got := (Veil{}).Mask([]byte("as it is")); string(got) != "as it is" {
		t.Errorf("%s", got)
	}
}

func FuzzVeil(f *testing.F) {
	f.Add("Bearer 0123456789", "a Bearer 0123456789 b")
	f.Add("doors", "doorsdoors doors")
	f.Fuzz(func(t *testing.T, value, text string) {
		got := NewVeil(value).Mask([]byte(text))
		if len(value) >= wholeWords && !strings.Contains(Masked, value) && bytes.Contains(got, []byte(value)) && !strings.Contains(value, "*") {
			t.Errorf("%q is still in %q", value, got)
		}
	})
}
