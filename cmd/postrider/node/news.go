package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/telemetry"
)

// stateNews writes what changed about endpoints where it belongs: disabled ones
// into the registry, and all of it into the log, as events of the customer.
// What cannot be written now is tried again until it can; a kill may lose what
// was not written, but for that an endpoint is failing, see again.
type stateNews struct {
	registry newsRegistry
	submit   func(ctx context.Context, customer, what, id string, at time.Time, data []byte) error
	metrics  *telemetry.Telemetry
	log      *slog.Logger
	// pause is between two tries.
	pause time.Duration

	mu    sync.Mutex
	queue []transport.News
	wake  chan struct{}
}

// newsRegistry is what the stateNews needs of the registry.
type newsRegistry interface {
	Endpoint(id string) (*transport.Endpoint, bool)
	SetState(ctx context.Context, id, state, reason string) (uint64, error)
}

const newsPause = time.Second

func newStateNews(r newsRegistry, submit func(context.Context, string, string, string, time.Time, []byte) error,
	m *telemetry.Telemetry, log *slog.Logger) *stateNews {
	return &stateNews{registry: r, submit: submit, metrics: m, log: log, pause: newsPause, wake: make(chan struct{}, 1)}
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

func (r *stateNews) put(n transport.News) {
	r.mu.Lock()
	r.queue = append(r.queue, n)
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
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

// run writes the news until ctx ends, and then what is left.
func (r *stateNews) run(ctx context.Context) {
	for ctx.Err() == nil {
		r.writeAll(ctx)
		select {
		case <-r.wake:
		case <-ctx.Done():
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	r.writeAll(last)
}

func (r *stateNews) writeAll(ctx context.Context) {
	for n, some := r.first(); some; n, some = r.first() {
		if !r.write(ctx, &n) {
			return
		}
		r.mu.Lock()
		r.queue = r.queue[1:]
		r.mu.Unlock()
	}
}

func (r *stateNews) first() (transport.News, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		r.queue = nil
		return transport.News{}, false
	}
	return r.queue[0], true
}

// write tries until the news is written; false when ctx ended first.
func (r *stateNews) write(ctx context.Context, n *transport.News) bool {
	for told := false; ; told = true {
		err := r.try(ctx, n)
		if err == nil {
			return true
		}
		if !told && ctx.Err() == nil {
			r.log.Warn("an endpoint's change of state cannot be written; trying until it can",
				"endpoint", n.Endpoint, "state", n.What, "error", err)
		}
		select {
		case <-time.After(r.pause):
		case <-ctx.Done():
			return false
		}
	}
}

func (r *stateNews) try(ctx context.Context, n *transport.News) error {
	if n.What == transport.NewsDisabled {
		_, err := r.registry.SetState(ctx, n.Endpoint, transport.StateDisabled, n.Reason)
		if errors.Is(err, transport.ErrNotFound) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
	}
	data, err := json.Marshal(r.document(n))
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
