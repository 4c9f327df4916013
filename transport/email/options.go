package email

import (
	"crypto/x509"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// How the connection to the relay is encrypted.
const (
	// StartTLS: plain at first, TLS before anything else is said; port 587.
	StartTLS = "starttls"
	// ImplicitTLS: TLS from the first byte; port 465.
	ImplicitTLS = "tls"
	// Plain: no TLS; port 25. To loopback alone, unless AllowPlain.
	Plain = "none"
)

// Defaults where an option is not set.
const (
	DefaultTimeout     = 30 * time.Second
	DefaultConnections = 4
)

// Options are a Sender's settings; Host and From are required.
type Options struct {
	// Host is the relay's name or address; the name its certificate is for.
	Host string
	// Port is 587, 465 or 25, after TLS, where 0.
	Port int
	// TLS is StartTLS (where empty), ImplicitTLS or Plain.
	TLS string
	// CA holds certificates (PEM) that are trusted besides the system's.
	CA string
	// User signs in with Password, by AUTH PLAIN or LOGIN; empty: nobody signs in.
	User     string
	Password Password
	// AllowPlain allows Plain to hosts other than loopback: mails, and User's
	// password, then cross the network in clear.
	AllowPlain bool
	// From is the sender's address, in the header and in the envelope; bounces go there.
	From, FromName string
	// ReplyTo is where answers go; empty: to From.
	ReplyTo string
	// HELO is the name this machine gives; empty: its host name.
	HELO string
	// Timeout is the limit of an attempt at an endpoint that has none of its
	// own, waiting for a connection included; DefaultTimeout where 0.
	Timeout time.Duration
	// Connections is how many to the relay may be open at once;
	// DefaultConnections where 0.
	Connections int
	// RunURL is where a run can be looked at, {run_id} in place of its id;
	// empty: mails have no such link.
	RunURL string
	// Zone gives a customer's time zone; nil, or a nil zone, is UTC.
	Zone func(customer string) *time.Location
}

// Password is a string that no fmt verb, log line or encoder shows.
type Password string

// String masks.
func (p Password) String() string {
	if p == "" {
		return ""
	}
	return "[password]"
}

// GoString masks, for %#v.
func (p Password) GoString() string { return p.String() }

// Format masks under every verb.
func (p Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// MarshalText masks in JSON and slog.
func (p Password) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

func wrong(setting, message string) error {
	return &transport.FieldError{Field: "smtp." + setting, Message: message}
}

// complete checks o and fills in what is not set.
func (o *Options) complete() error {
	for _, check := range []func() error{o.completeRelay, o.completeUser, o.completeAddresses, o.completeHELO, o.completeLimits} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) completeRelay() error {
	ports := map[string]int{StartTLS: 587, ImplicitTLS: 465, Plain: 25}
	if o.TLS == "" {
		o.TLS = StartTLS
	}
	port, known := ports[o.TLS]
	if o.Port == 0 {
		o.Port = port
	}
	switch {
	case !validHost(o.Host):
		return wrong("host", "not the name or address of an SMTP relay; give one such as smtp.example.com, the port in smtp.port")
	case !known:
		return wrong("tls", "not a kind of encryption; choose starttls, tls or none")
	case o.Port < 1 || o.Port > 65535:
		return wrong("port", "not a port; give 1 to 65535, or 0 for the usual one")
	case o.TLS == Plain && !o.AllowPlain && !isLoopback(o.Host):
		return wrong("tls", "none sends mails in clear, which is for a relay on this machine; choose starttls or tls, or set smtp.allow_plain")
	}
	return nil
}

func (o *Options) completeUser() error {
	switch {
	case o.User == "" && o.Password != "":
		return wrong("user", "missing, and smtp.password is set; set both or none")
	case o.User != "" && o.Password == "":
		return wrong("password", "missing, and smtp.user is set; set both or none")
	case strings.ContainsRune(o.User, 0) || strings.ContainsRune(string(o.Password), 0):
		return wrong("password", "smtp.user or smtp.password has a zero byte, which SMTP cannot carry")
	}
	return nil
}

func (o *Options) completeAddresses() (err error) {
	if o.From, err = transport.CheckAddress("smtp.from", o.From); err != nil {
		return err
	}
	if !ascii(o.From) {
		return wrong("from", "has letters beyond ASCII, which not every relay takes; give the domain in its ASCII form (xn--…)")
	}
	if o.ReplyTo != "" {
		if o.ReplyTo, err = transport.CheckAddress("smtp.reply_to", o.ReplyTo); err != nil {
			return err
		}
	}
	if o.FromName != line(o.FromName, 100) {
		return wrong("from_name", "not one line of at most 100 characters; give a plain name such as Acme alerts")
	}
	if o.RunURL != "" && safeURL(strings.ReplaceAll(o.RunURL, runIDMark, "x")) == "" {
		return wrong("run_url", "not an http or https URL; give one such as https://example.com/runs/{run_id}")
	}
	return nil
}

func (o *Options) completeHELO() error {
	if o.HELO != "" {
		if !validHost(o.HELO) {
			return wrong("helo", "not a host name; give this machine's name such as node1.example.com")
		}
		return nil
	}
	o.HELO = "localhost"
	if name, err := os.Hostname(); err == nil && validHost(name) {
		o.HELO = name
	}
	return nil
}

func (o *Options) completeLimits() error {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Connections == 0 {
		o.Connections = DefaultConnections
	}
	switch {
	case o.Timeout < time.Second || o.Timeout > 10*time.Minute:
		return wrong("timeout", "not from 1s to 10m")
	case o.Connections < 1 || o.Connections > 100:
		return wrong("connections", "not from 1 to 100")
	}
	return nil
}

// roots are the system's certificates and o.CA.
func (o *Options) roots() (*x509.CertPool, error) {
	if o.CA == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(o.CA)) {
		return nil, wrong("ca", "holds no certificate in PEM form; give a file that begins with -----BEGIN CERTIFICATE-----")
	}
	return pool, nil
}

// validHost takes names and literal addresses, without brackets.
func validHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	_, err := url.Parse("smtp://" + host)
	return err == nil && host != "" && len(host) <= 253 && !strings.ContainsAny(host, ":/@?#[]%\\<>\" \t\r\n") && host[0] != '-'
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
