package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/telemetry"
)

// stateNews writes what changed about endpoints where it belongs: disabled ones
// into the registry, and all of it into the log, as events of the customer. A
// kill may lose what was not written, but for that an endpoint is failing, see
// again.
type stateNews struct {
	*outbox[transport.News]
	registry newsRegistry
	submit   submitOps
	metrics  *telemetry.Telemetry
}

// submitOps stores an event about the customer's own things, ops.<what>, in the
// log, once for an id.
type submitOps func(ctx context.Context, customer, what, id string, at time.Time, data []byte) error

// newsRegistry is what the stateNews needs of the registry.
type newsRegistry interface {
	Endpoint(id string) (*transport.Endpoint, bool)
	SetState(ctx context.Context, id, state, reason string) (uint64, error)
}

func newStateNews(r newsRegistry, submit submitOps, m *telemetry.Telemetry, log *slog.Logger) *stateNews {
	s := &stateNews{registry: r, submit: submit, metrics: m}
	s.outbox = newOutbox(outboxOptions[transport.News]{
		what: "an endpoint's change of state", write: s.write, log: log,
		which: func(n transport.News) []any { return []any{"endpoint", n.Endpoint, "state", n.What} },
	})
	return s
}

// Tell takes a piece of news; it does not block.
func (r *stateNews) Tell(n transport.News) {
	if n.What != transport.NewsDisabled { // the registry's change tells that
		state := transport.StateActive
		if n.What == transport.NewsFailing {
			state = transport.StateFailing
		}
		r.metrics.StateChange(n.Customer, n.Endpoint, state, n.Reason)
	}
	r.put(n)
}

// again tells once more which endpoints began to fail within the time given:
// the node may have been killed between what it remembered and what it told.
// The event has the same id, so that whoever was told is not told twice.
func (r *stateNews) again(memories map[string]transport.Memory, now time.Time, within time.Duration) {
	for id, m := range memories {
		ep, there := r.registry.Endpoint(id)
		if !there || m.FailingSince.IsZero() || now.Sub(m.FailingSince) > within {
			continue
		}
		r.put(transport.News{Endpoint: id, Customer: ep.Customer, What: transport.NewsFailing,
			Reason: m.Reason, Since: m.FailingSince, At: m.FailingSince})
	}
}

func (r *stateNews) write(ctx context.Context, n transport.News) error {
	if n.What == transport.NewsDisabled {
		_, err := r.registry.SetState(ctx, n.Endpoint, transport.StateDisabled, n.Reason)
		if errors.Is(err, transport.ErrNotFound) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
	}
	data, err := json.Marshal(r.document(&n))
	if err != nil {
		return err
	}
	at := n.At
	if n.What == transport.NewsFailing {
		at = n.Since // what is remembered
	}
	id := fmt.Sprintf("ops-%s-%s-%d", n.Endpoint, n.What, at.UnixNano())
	return r.submit(ctx, n.Customer, "endpoint."+n.What, id, n.At, data)
}

// newsDocument is the data of ops.endpoint.failing, recovered and disabled. Kind
// and retries, what the words for people depend on, are absent where the endpoint
// is gone.
type newsDocument struct {
	Endpoint string    `json:"endpoint"`
	Name     string    `json:"name"`
	Kind     string    `json:"kind,omitempty"`
	Retries  *bool     `json:"retries,omitempty"`
	State    string    `json:"state"`
	Reason   string    `json:"reason"`
	Time     time.Time `json:"time"`
}

func (r *stateNews) document(n *transport.News) newsDocument {
	d := newsDocument{Endpoint: n.Endpoint, State: n.What, Reason: n.Reason, Time: n.At.UTC()}
	if n.What == transport.NewsRecovered {
		d.State = transport.StateActive
	}
	if ep, there := r.registry.Endpoint(n.Endpoint); there {
		d.Name, d.Kind, d.Retries = ep.Name, cmp.Or(ep.Kind, kindWebhook), &ep.Delivery.Retries
	}
	return d
}

// kindWebhook is the kind of endpoints that have none of their own.
const kindWebhook = "webhook"
