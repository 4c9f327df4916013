package node

import (
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// How often the owner of a mailbox is asked to confirm.
const (
	// askAgain is the least time between two mails that ask, askRest the one
	// after the last of mostAsks.
	askAgain = 24 * time.Hour
	askRest  = 30 * 24 * time.Hour
	mostAsks = 5
	// askFailed is the time after a try that the relay did not take; it doubles
	// up to askFailedMost.
	askFailed     = 10 * time.Minute
	askFailedMost = 2 * time.Hour
	// asksInAnHour bounds what one customer has others asked.
	asksInAnHour = 100
	// linkAge is how long a link can be used.
	linkAge = 7 * 24 * time.Hour
)

// trustedAddress tells whether an address is of one of the domains; subdomains
// of them do not count.
func trustedAddress(address string, domains []string) bool {
	domain := address[strings.LastIndexByte(address, '@')+1:]
	return slices.ContainsFunc(domains, func(d string) bool { return strings.EqualFold(d, domain) })
}

// askAt tells when the owner of a mailbox is asked next; not at all, false,
// where he has confirmed, or was asked and nothing waits. What was asked for
// the first time is asked again only for what waits.
func askAt(c transport.Consent, waits bool) (time.Time, bool) {
	switch {
	case !c.Confirmed.IsZero():
		return time.Time{}, false
	case c.At.IsZero():
		return time.Time{}, true
	case c.Mails >= mostAsks:
		return c.At.Add(askRest), waits
	case !c.Accepted:
		return c.At.Add(min(askFailed<<min(c.Failed, 10), askFailedMost)), true
	}
	return c.At.Add(askAgain), waits
}

// asking is what is kept of a try before it is made: whoever dies after it has
// counted it.
func asking(c *transport.Consent, at time.Time) {
	if c.Mails >= mostAsks {
		c.Mails = 0
	}
	c.Mails, c.At, c.Accepted = c.Mails+1, at, false
}

// wasAsked is what is kept of it after. A mailbox that is not there counts as
// asked: it is not tried again before the next mail is due.
func wasAsked(c *transport.Consent, class transport.Class) {
	if class == transport.Delivered || class == transport.Gone {
		c.Accepted, c.Failed = true, 0
		return
	}
	c.Mails, c.Failed = max(0, c.Mails-1), c.Failed+1
}
