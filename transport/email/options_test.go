package email

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestOptions(t *testing.T) {
	const ok = ""
	for name, c := range map[string]struct {
		change        func(*Options)
		field, remedy string
	}{
		"as it is":           {func(*Options) {}, ok, ""},
		"an address":         {func(o *Options) { o.Host = "2001:db8::1" }, ok, ""},
		"signed in":          {func(o *Options) { o.User, o.Password = "u", "p" }, ok, ""},
		"plain to localhost": {func(o *Options) { o.Host, o.TLS = "localhost", Plain }, ok, ""},
		"plain to ::1":       {func(o *Options) { o.Host, o.TLS = "::1", Plain }, ok, ""},
		"plain, allowed":     {func(o *Options) { o.TLS, o.AllowPlain = Plain, true }, ok, ""},
		"run url":            {func(o *Options) { o.RunURL = "https://example.com/runs/{run_id}?x=1" }, ok, ""},

		"no host":              {func(o *Options) { o.Host = "" }, "smtp.host", "smtp.example.com"},
		"host with a port":     {func(o *Options) { o.Host = "relay.test:25" }, "smtp.host", "smtp.port"},
		"a URL":                {func(o *Options) { o.Host = "smtp://relay.test" }, "smtp.host", "name or address"},
		"lines in the host":    {func(o *Options) { o.Host = "a\r\nb" }, "smtp.host", "name or address"},
		"tls":                  {func(o *Options) { o.TLS = "ssl" }, "smtp.tls", "starttls, tls or none"},
		"port":                 {func(o *Options) { o.Port = 70000 }, "smtp.port", "1 to 65535"},
		"plain":                {func(o *Options) { o.TLS = Plain }, "smtp.tls", "smtp.allow_plain"},
		"ca":                   {func(o *Options) { o.CA = "x" }, "smtp.ca", "PEM"},
		"user alone":           {func(o *Options) { o.User = "u" }, "smtp.password", "both or none"},
		"password alone":       {func(o *Options) { o.Password = "p" }, "smtp.user", "both or none"},
		"a zero byte":          {func(o *Options) { o.User, o.Password = "u", "p\x00q" }, "smtp.password", "zero byte"},
		"no from":              {func(o *Options) { o.From = "" }, "smtp.from", "missing"},
		"from with a name":     {func(o *Options) { o.From = "Us <us@postrider.test>" }, "smtp.from", "mail address"},
		"from beyond ASCII":    {func(o *Options) { o.From = "us@bücher.example" }, "smtp.from", "xn--"},
		"lines in the name":    {func(o *Options) { o.FromName = "a\r\nBcc: b" }, "smtp.from_name", "one line"},
		"reply to":             {func(o *Options) { o.ReplyTo = "x" }, "smtp.reply_to", "mail address"},
		"helo":                 {func(o *Options) { o.HELO = "a b" }, "smtp.helo", "host name"},
		"run url of no scheme": {func(o *Options) { o.RunURL = "example.com" }, "smtp.run_url", "https"},
		"run url of script":    {func(o *Options) { o.RunURL = "javascript:{run_id}" }, "smtp.run_url", "https"},
		"short timeout":        {func(o *Options) { o.Timeout = time.Millisecond }, "smtp.timeout", "1s to 10m"},
		"many connections":     {func(o *Options) { o.Connections = 101 }, "smtp.connections", "1 to 100"},
	} {
		o := Options{Host: "smtp.example.com", From: "alerts@postrider.test"}
		c.change(&o)
		s, err := NewSender(o)
		var fe *transport.FieldError
		switch {
		case c.field == ok && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.field == ok:
			s.Close()
		case !errors.As(err, &fe) || fe.Field != c.field || !strings.Contains(fe.Message, c.remedy):
			t.Errorf("%s: %v, want %s: …%s…", name, err, c.field, c.remedy)
		}
	}
}

func TestDefaults(t *testing.T) {
	for tls, port := range map[string]int{"": 587, StartTLS: 587, ImplicitTLS: 465, Plain: 25} {
		s := newSender(t, Options{Host: "localhost", From: "a@postrider.test", TLS: tls})
		if o := s.options; o.Port != port || o.Timeout != DefaultTimeout || o.Connections != DefaultConnections || o.HELO == "" {
			t.Errorf("%q: %+v", tls, o)
		}
	}
}

func TestPrepare(t *testing.T) {
	s := newSender(t, Options{Host: "localhost", From: "a@postrider.test"})
	for _, ep := range []*transport.Endpoint{{URL: "https://example.com"}, {Kind: transport.KindEmail}, {Kind: transport.KindEmail, Address: "x y@example.com"}} {
		if _, err := s.Prepare(ep); !errors.As(err, new(*transport.FieldError)) {
			t.Errorf("%+v: %v", ep, err)
		}
	}
}

// A password is shown by nothing that shows Options.
func TestPasswordIsMasked(t *testing.T) {
	o := Options{Host: "localhost", User: "u", Password: testPassword, From: "a@postrider.test"}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&shown, verb+verb, o, o.Password)
	}
	encoded, err := json.Marshal(o.Password)
	shown.Write(encoded)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("options", "password", o.Password)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("options", "password", o.Password)
	for _, secret := range []string{testPassword, fmt.Sprintf("%x", testPassword), fmt.Sprintf("%X", testPassword)} {
		if strings.Contains(shown.String(), secret) || err != nil {
			t.Errorf("%q is shown: %s, %v", secret, shown.String(), err)
		}
	}
}
