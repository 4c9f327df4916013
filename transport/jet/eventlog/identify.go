package eventlog

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
)

// Identify reads an event as Consume will, and gives its customer and the id
// that its producer gave it. Only what is too large for a message has its payload
// elsewhere, and producers may not say so.
func Identify(m *nats.Msg) (customer, id string, err error) {
	ev, letter, err := decodeInbound(context.Background(), &inbound{Subject: m.Subject, Header: m.Header, Data: m.Data}, noPayload)
	switch {
	case err != nil:
		return "", "", err
	case letter != nil:
		return letter.Customer, "", errors.New(letter.Reason + ": " + letter.Detail)
	case ev.IDGiven:
		id = ev.ID
	}
	return ev.Customer, id, nil
}

func noPayload(context.Context, string) ([]byte, error) { return nil, transport.ErrNotFound }
