package email

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postrider/postrider/transport"
)

// Question is the one mail that an unconfirmed mailbox gets.
type Question struct {
	// ID is the mail's own; At is its Date.
	ID string
	At time.Time
	// Name is the customer's, the one text in it that others chose.
	Name string
	// Link confirms, until then.
	Link  string
	Until time.Time
}

// Ask makes one attempt to give the relay the mail that asks the owner of ep,
// an endpoint of kind email, for a confirmation. It ends as Send does.
func (s *Sender) Ask(ctx context.Context, ep *transport.Endpoint, q *Question) transport.Answer {
	t, err := s.Prepare(ep)
	if err != nil {
		return refusal(transport.ReasonUnrenderable, err.Error())
	}
	ev := &transport.Event{ID: q.ID, Customer: ep.Customer, Time: q.At}
	l := s.question(ep.Customer, t.address, q)
	return t.once(ctx, func(limited context.Context) transport.Answer { return t.deliver(limited, l, ev) })
}

func (s *Sender) question(customer, address string, q *Question) *letter {
	name := plainName(q.Name, customer)
	n := &notice{
		Title: "Confirm this mail address",
		Lead: fmt.Sprintf("%s has named %s as an address for its alerts and notices. Nothing of them is sent here before you confirm that it may be.",
			name, address),
		Link: &link{Label: "Confirm this address", URL: safeURL(q.Link)},
		Facts: []fact{{"Customer", name}, {"Address", address},
			{"Until", moment(q.Until, s.zone(customer))}},
		Advice: []string{"If you expect these mails, open the link and confirm. What waits for this address is sent then.",
			"If you do not, do nothing: without a confirmation nothing comes but this question, a few times at most."},
	}
	return &letter{Subject: n.Title, notice: n, Footer: []string{"Sent to " + address + " for " + customer + "."}}
}

// maxPlainName is in characters.
const maxPlainName = 60

// plainName is a customer's name for a mail to a stranger, or its id where the
// name is more than a name: mail programs make links of what looks like a host.
func plainName(name, id string) string {
	name = strings.Join(strings.Fields(name), " ")
	if name == "" || utf8.RuneCountInString(name) > maxPlainName {
		return id
	}
	for at, r := range name {
		switch {
		case unicode.In(r, unicode.L, unicode.M, unicode.Nd), strings.ContainsRune(" &'+,-()", r):
		case r == '.' && (at+1 == len(name) || name[at+1] == ' ' || name[at+1] == ','):
		default:
			return id
		}
	}
	return name
}
