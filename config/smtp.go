package config

import (
	"strconv"
	"time"
)

// SMTP is the relay that mails leave by. docs/email.md tells what is sent.
type SMTP struct {
	Host        string        `koanf:"host" help:"SMTP relay that mails leave by, name or address; empty: no mail is sent."`
	Port        int           `koanf:"port" default:"0" help:"Its port; 0: 587 for starttls, 465 for tls, 25 for none."`
	TLS         string        `koanf:"tls" default:"starttls" oneof:"starttls,tls,none" help:"How the connection to it is encrypted; none is for a relay on this machine, unless smtp.allow_plain. Certificates are always verified."`
	CA          string        `koanf:"ca" help:"CA file (PEM) trusted for it besides the system's."`
	User        string        `koanf:"user" help:"User to sign in as, by AUTH PLAIN or LOGIN; empty: nobody signs in."`
	Password    Secret        `koanf:"password" help:"Password of smtp.user."`
	AllowPlain  bool          `koanf:"allow_plain" default:"false" help:"Allows smtp.tls none to other machines: mails, and the password, then cross the network in clear."`
	From        string        `koanf:"from" help:"Address that mails come from; bounces go there. Required with smtp.host."`
	FromName    string        `koanf:"from_name" default:"Postrider" help:"Name beside smtp.from."`
	ReplyTo     string        `koanf:"reply_to" help:"Address for answers; empty: smtp.from."`
	HELO        string        `koanf:"helo" help:"Name that this machine gives the relay; empty: its host name."`
	Timeout     time.Duration `koanf:"timeout" default:"30s" help:"Limit of an attempt at a mailbox that has none of its own, waiting for a connection included, 1s to 10m."`
	Connections int           `koanf:"connections" default:"4" help:"Most connections to the relay at once, 1 to 100."`
	RunURL      string        `koanf:"run_url" help:"Where a reader can look at a whole run, {run_id} in place of its id, for example https://example.com/runs/{run_id}; empty: mails have no such link."`
}

// smtp checks what goes together; addresses and names are the sender's to check.
func (v *validation) smtp() {
	s := v.c.SMTP
	switch {
	case s.Host != "" && s.From == "":
		v.fail("smtp.from", "is empty, and smtp.host is set; give the address that mails come from, for example alerts@example.com")
	case s.Host == "" && s.From != "":
		v.fail("smtp.host", "is empty, and smtp.from is set; give the relay, or leave out both")
	}
	if (s.User == "") != (s.Password == "") {
		v.fail("smtp.user", "smtp.user and smtp.password go together; set both or none")
	}
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	v.between("smtp.port", int64(s.Port), 0, 65535, whole)
	v.between("smtp.connections", int64(s.Connections), 1, 100, whole)
	v.between("smtp.timeout", int64(s.Timeout), int64(time.Second), int64(10*time.Minute), func(n int64) string { return durationText(time.Duration(n)) })
}
