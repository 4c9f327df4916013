package natsbench

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// consumeAhead is how many events a consumer has asked for at most.
const consumeAhead = 500

// Dial connects a client of whatever kind without a socket, from the server's own
// process.
func (s *Server) Dial() (*nats.Conn, error) {
	nc, err := nats.Connect("", nats.InProcessServer(s.srv))
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	return nc, nil
}

// Connect connects without a socket, from the server's own process.
func (s *Server) Connect() (*Producer, error) {
	return connect("", nats.InProcessServer(s.srv))
}

// Consume reads the first n events of the stream by a pull consumer and
// acknowledges each, the last one in a way that is answered.
func (p *Producer) Consume(ctx context.Context, n uint64) error {
	js, err := jetstream.New(p.nc)
	if err != nil {
		return fmt.Errorf("JetStream client: %w", err)
	}
	consumer, err := js.CreateConsumer(ctx, Stream, jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 10 * consumeAhead})
	if err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	defer func() { _ = js.DeleteConsumer(context.WithoutCancel(ctx), Stream, consumer.CachedInfo().Name) }()
	messages, err := consumer.Messages(jetstream.PullMaxMessages(consumeAhead))
	if err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	defer messages.Stop()
	for ; n > 0; n-- {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err == nil && n > 1 {
			err = m.Ack()
		} else if err == nil {
			err = m.DoubleAck(ctx)
		}
		if err != nil {
			return fmt.Errorf("consuming, %d events before the end: %w", n, err)
		}
	}
	return nil
}
