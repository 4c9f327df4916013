package config

import (
	"net/url"
	"regexp"
	"strings"
)

// Email is who may be sent mails. docs/email.md tells how a mailbox is confirmed.
type Email struct {
	Confirm        bool     `koanf:"confirm" default:"false" help:"A mailbox gets a link first, which its owner opens to confirm; until then nothing else is sent to it, and what comes for it waits. Needs http.public_url."`
	TrustedDomains []string `koanf:"trusted_domains" help:"Domains whose mailboxes need not confirm, for example example.com; a list. Subdomains do not count: name them too."`
}

// mailDomain is a domain as it stands after the @, in any case and script.
var mailDomain = regexp.MustCompile(`^[\pL\pM\p{Nd}]([\pL\pM\p{Nd}-]*[\pL\pM\p{Nd}])?(\.[\pL\pM\p{Nd}]([\pL\pM\p{Nd}-]*[\pL\pM\p{Nd}])?)*$`)

func (v *validation) email() {
	e, public := v.c.Email, v.c.HTTP.PublicURL
	if public != "" && !isPublicURL(public) {
		v.fail("http.public_url", "%.80q is not an address such as https://hooks.example.com, without user, query and fragment, of at most 500 bytes", URL(public).String())
	}
	if e.Confirm && public == "" {
		v.fail("email.confirm", "needs http.public_url, where the links in mails lead to; set it to the address at which others reach this node, for example https://hooks.example.com")
	}
	for _, domain := range e.TrustedDomains {
		if len(domain) > 253 || !mailDomain.MatchString(domain) {
			v.fail("email.trusted_domains", "has %.80q, which is not a domain such as example.com; subdomains are named each, without * and @", domain)
		}
	}
}

func isPublicURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && len(text) <= 500 &&
		!strings.ContainsAny(text, "?#<>\"\\^`{|} \t") && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f })
}
