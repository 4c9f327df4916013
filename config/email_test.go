package config

import (
	"strings"
	"testing"
)

func TestEmail(t *testing.T) {
	long := "https://hooks.example.com/" + strings.Repeat("a", 500)
	for _, c := range []struct{ yaml, want string }{
		{"", ""},
		{"email: {confirm: true}", "needs http.public_url, where"},
		{"email: {confirm: true}\nhttp: {public_url: 'https://hooks.example.com'}", ""},
		{"email: {confirm: true}\nhttp: {public_url: 'http://10.1.2.3:8080/postrider/'}", ""},
		{"email: {confirm: true, trusted_domains: [example.com, EXAMPLE.org, münchen.example, localhost, a-b.c]}\nhttp: {public_url: 'https://h'}", ""},
		{"http: {public_url: 'https://hooks.example.com'}", ""},
		{"http: {public_url: 'hooks.example.com'}", "is not an address such as https://hooks.example.com"},
		{"http: {public_url: 'ftp://hooks.example.com'}", "is not an address such as https://hooks.example.com"},
		{"http: {public_url: 'https://'}", "is not an address such as https://hooks.example.com"},
		{"http: {public_url: 'https://user:secret@hooks.example.com'}", "is not an address such as https://hooks.example.com"},
		{"http: {public_url: 'https://hooks.example.com/?a=b'}", "is not an address such as https://hooks.example.com"},
		{"http: {public_url: 'https://hooks.example.com/#a'}", "is not an address such as https://hooks.example.com"},
		{"http: {public_url: 'https://hooks.example.com/a b'}", "is not an address such as https://hooks.example.com"},
		{"http: {public_url: '" + long + "'}", "is not an address such as https://hooks.example.com"},
		{"email: {trusted_domains: ['*.example.com']}", "which is not a domain such as example.com"},
		{"email: {trusted_domains: ['@example.com']}", "which is not a domain such as example.com"},
		{"email: {trusted_domains: ['a@example.com']}", "which is not a domain such as example.com"},
		{"email: {trusted_domains: ['.example.com']}", "which is not a domain such as example.com"},
		{"email: {trusted_domains: ['example.com.']}", "which is not a domain such as example.com"},
		{"email: {trusted_domains: ['-a.example']}", "which is not a domain such as example.com"},
		{"email: {trusted_domains: ['" + strings.Repeat("a", 254) + "']}", "which is not a domain such as example.com"},
	} {
		cfg, err := load(t, "dev: true\n"+c.yaml+"\n", nil, nil)
		if err != nil {
			t.Fatal(c.yaml, err)
		}
		err = cfg.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.yaml, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the password is in %v", c.yaml, err)
		}
	}
}
