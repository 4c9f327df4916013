package admin

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// aside is a server that is looked at beside a node.
type aside struct {
	conn *jet.Conn
	nc   *nats.Conn
	js   jetstream.JetStream
}

func open(ctx context.Context, o jet.Options) (*aside, error) {
	c, err := jet.OpenAside(ctx, o)
	if err != nil {
		return nil, err
	}
	return &aside{conn: c, nc: c.NATS(), js: c.JetStream()}, nil
}
