package runs

import (
	"cmp"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// Identify gives the id of a detection. What it says is read when alerts are run
// over it; customers share the log.
func Identify(m *nats.Msg) (_, id string, err error) {
	if !jsontext.Valid(jsontext.Trim(m.Data)) {
		return "", "", &transport.FieldError{Field: "data", Message: "not valid JSON; publish one JSON object a message"}
	}
	id, err = transport.EventID(cmp.Or(strings.TrimSpace(m.Header.Get(jetstream.MsgIDHeader)), strings.TrimSpace(m.Header.Get(jet.HeaderID))))
	return "", id, err
}
