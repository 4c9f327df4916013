package config

import (
	"strings"
	"testing"
)

func TestSMTP(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"", ""},
		{"host: smtp.example.com, from: a@example.com", ""},
		{"host: smtp.example.com, from: a@example.com, user: u, password: p, tls: tls, port: 2465", ""},
		{"host: smtp.example.com", "smtp.from: is empty"},
		{"from: a@example.com", "smtp.host: is empty"},
		{"host: h, from: a@example.com, user: u", "go together"},
		{"host: h, from: a@example.com, password: p", "go together"},
		{"tls: ssl", "not one of starttls, tls, none"},
		{"port: 70000", "is 70000 and must be from 0 to 65535"},
		{"connections: 0", "is 0 and must be from 1 to 100"},
		{"timeout: 10ms", "must be from 1s to 10m"},
	} {
		cfg, err := load(t, "dev: true\nsmtp: {"+c.yaml+"}\n", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = cfg.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.yaml, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "password: p") {
			t.Errorf("%s: the password is in %v", c.yaml, err)
		}
	}
}
