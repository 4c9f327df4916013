package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// floodCustomer is who publishes beside the healthy endpoints' customer.
const floodCustomer = "flood"

// floods are the kinds of trouble that are one customer who publishes as fast as
// it is let, by NATS, with so many clients in a process of its own: what it
// publishes, and whether an endpoint of its own wants that.
var floods = map[string]struct {
	bytes  int // 0: a document of the bench
	id     string
	wanted bool
}{
	"flood":     {},
	"huge":      {bytes: 1_000_000},
	"tiny":      {bytes: 16},
	"wanted":    {wanted: true},
	"duplicate": {id: "the-same"},
}

// document is what a flood publishes; nil: documents of the bench.
func (s *ProducerSpec) document() []byte {
	if s.Bytes == 0 {
		return nil
	}
	const frame = len(`{"a":""}`)
	return []byte(`{"a":"` + strings.Repeat("x", max(0, s.Bytes-frame)) + `"}`)
}

// flood is one under way.
type flood struct {
	ended chan error
	out   []byte
}

// startFlood begins the flood of a run; nil where it has none.
func (o NeighboursOptions) startFlood(ctx context.Context, r *run, t Trouble, lasts time.Duration) (*flood, error) {
	kind, is := floods[t.Kind]
	if !is {
		return nil, nil
	}
	listens, is := r.producer.node.(interface{ ProducersURL() string })
	if !is || listens.ProducersURL() == "" {
		return nil, errors.New("bench: the node has no listener for producers, so that nobody can flood it")
	}
	if kind.wanted {
		if err := o.addFlooded(ctx, r); err != nil {
			return nil, err
		}
	}
	given, err := json.Marshal(ProducerSpec{Way: wayAsync, Clients: t.Endpoints, NATS: listens.ProducersURL(), Customer: floodCustomer,
		Type: "flood.event", Bytes: kind.bytes, ID: kind.id, For: lasts})
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	cmd, err := ownCommand(ctx, ProducerCommand, string(given))
	if err != nil {
		return nil, err
	}
	f := &flood{ended: make(chan error, 1)}
	go func() {
		var err error
		f.out, err = cmd.Output()
		f.ended <- err
	}()
	return f, nil
}

// addFlooded gives the customer who floods an endpoint that is well.
func (o NeighboursOptions) addFlooded(ctx context.Context, r *run) error {
	at, err := r.sink.open(ctx, inTrouble, sinkOptions{})
	if err != nil {
		return err
	}
	if err := at.behave(ctx, troubles["well"]); err != nil {
		return err
	}
	e := Case{FanOut: 1, Endpoints: 1, Synced: o.Synced, kind: inTrouble}.endpoint(0, at.url(0))
	e.Customer, e.Events = floodCustomer, []string{">"}
	return r.producer.node.AddEndpoint(ctx, e)
}

// end waits for it, and notes what was accepted.
func (f *flood) end(result *NeighboursResult) error {
	if f == nil {
		return nil
	}
	if err := <-f.ended; err != nil {
		return fmt.Errorf("bench: the flood: %w", err)
	}
	var p ProducerResult
	if err := json.Unmarshal(f.out, &p); err != nil {
		return fmt.Errorf("bench: the flood: %w", err)
	}
	result.Published, result.Tried = p.Accepted, p.Accepted+p.Refused
	return nil
}
