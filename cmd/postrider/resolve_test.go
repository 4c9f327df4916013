package main

import (
	"strings"
	"testing"
)

func TestWhatAnIDMeans(t *testing.T) {
	rows := []candidate{
		{id: "0199c3a0-aaaa", name: "Front desk", customer: "acme"},
		{id: "0199c3a0-bbbb", name: "Back door", customer: "acme"},
		{id: "0199c3a1-cccc", name: "Front desk", customer: "globex"},
		{id: "77777777-dddd", name: "0199c3a1", customer: "globex"},
		{id: "88888888-eeee"},
	}
	for _, test := range []struct{ given, want string }{
		{"Back door", "0199c3a0-bbbb"},
		{"back DOOR", "0199c3a0-bbbb"},
		{"0199c3a0-b", "0199c3a0-bbbb"},
		{"0199c3a0-bbbb", "0199c3a0-bbbb"},
		{"0199c3a1", "77777777-dddd"}, // a name stands before the beginning of an id
		{"0199c3a1-", "0199c3a1-cccc"},
		{"0199", "0199c3a0-aaaa 0199c3a0-bbbb 0199c3a1-cccc"},
		{"Front desk", "0199c3a0-aaaa 0199c3a1-cccc"},
		{"Front", ""},
		{"", ""},
	} {
		var ids []string
		for _, c := range chosen(rows, test.given) {
			ids = append(ids, c.id)
		}
		if got := strings.Join(ids, " "); got != test.want {
			t.Errorf("%q means %q, want %q", test.given, got, test.want)
		}
	}
}

func TestSeveralMeantAreNamed(t *testing.T) {
	rows := []candidate{{id: "1", name: "Front desk", customer: "acme"}, {id: "2", customer: "globex"}}
	if got, want := ambiguous(endpointResource, "Front", rows).Error(),
		`"Front" may mean 2 endpoints: 1 (acme Front desk), 2 (globex); give more of the id`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	many := make([]candidate, maxMeant+1200)
	if got := ambiguous(endpointResource, "F", many).Error(); !strings.Contains(got, ", and 1,200 more;") {
		t.Error(got)
	}
}
