package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	stdmail "net/mail"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/postrider/postrider/transport"
)

// Characters of a subject.
const maxSubject = 150

// message is l as it goes to the relay: the same bytes at every attempt.
func (s *Sender) message(l *letter, ev *transport.Event, endpoint, address string) ([]byte, error) {
	html, err := l.html()
	if err != nil {
		return nil, err
	}
	text := l.text()
	// A boundary made from what it bounds cannot stand in it.
	boundary := sha256.Sum256([]byte(text + html))
	m := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithBoundary(hex.EncodeToString(boundary[:16])))
	from := &stdmail.Address{Name: s.options.FromName, Address: s.options.From}
	m.SetAddrHeaderFromMailAddress(mail.HeaderFrom, from)
	m.SetAddrHeaderFromMailAddress(mail.HeaderTo, &stdmail.Address{Address: address})
	if s.options.ReplyTo != "" {
		m.SetAddrHeaderFromMailAddress(mail.HeaderReplyTo, &stdmail.Address{Address: s.options.ReplyTo})
	}
	m.Subject(line(l.Subject, maxSubject))
	m.SetMessageIDWithValue(transport.MailID(ev.ID, endpoint) + "@" + domainOf(s.options.From))
	m.SetDateWithValue(ev.Time.UTC())
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Postrider-Event-ID", line(ev.ID, transport.MaxEventID))
	m.SetBodyString(mail.TypeTextPlain, text)
	m.AddAlternativeString(mail.TypeTextHTML, html)
	var out bytes.Buffer
	if _, err := m.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("write the mail: %w", err)
	}
	return out.Bytes(), nil
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
