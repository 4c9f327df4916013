package node

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

const (
	// letterGather is how long the first dead letters of an endpoint are
	// gathered, letterPause the least time between two events about it.
	letterGather = time.Second
	letterPause  = time.Minute
	letterLook   = time.Second
)

// letterNews tells customers of their dead letters, as ops.deadletter.created:
// at most one event for an endpoint in a minute, with how many there were. What
// was given up because the endpoint was removed or disabled is no news, and
// neither are ops events themselves. What cannot be written now is tried again,
// with what came meanwhile added: so this is no outbox.
type letterNews struct {
	registry newsRegistry
	submit   submitOps
	now      func() time.Time
	log      *slog.Logger

	mu     sync.Mutex
	counts map[string]*letterCount // by endpoint
	wake   chan struct{}
}

// letterCount is what was given up for one endpoint and not told yet. It stays,
// empty, until the next event may be told.
type letterCount struct {
	letterDocument
	customer string
	due      time.Time
}

// letterDocument is the data of ops.deadletter.created: how many letters, why,
// since when, and of which event the last one was.
type letterDocument struct {
	Endpoint  string         `json:"endpoint"`
	Name      string         `json:"name"`
	Count     int            `json:"count"`
	Reasons   map[string]int `json:"reasons"`
	EventID   string         `json:"event_id"`
	EventType string         `json:"event_type"`
	Reason    string         `json:"reason"`
	Since     time.Time      `json:"since"`
	Time      time.Time      `json:"time"`
}

func newLetterNews(r newsRegistry, submit submitOps, now func() time.Time, log *slog.Logger) *letterNews {
	return &letterNews{registry: r, submit: submit, now: now, log: log, counts: map[string]*letterCount{}, wake: make(chan struct{}, 1)}
}

// record takes one record of the journal; it does not block.
func (l *letterNews) record(r *transport.Record) {
	if r.Kind != transport.DeadLettered || r.Endpoint == "" || strings.HasPrefix(r.EventType, "ops.") ||
		r.Reason == transport.ReasonEndpointRemoved || r.Reason == transport.ReasonEndpointDisabled {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts[r.Endpoint]
	if c == nil {
		c = &letterCount{customer: r.Customer, due: l.now().Add(letterGather)}
		l.counts[r.Endpoint] = c
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	if c.Count == 0 {
		c.Since, c.Reasons = r.At.UTC(), map[string]int{}
	}
	c.Count++
	c.Reasons[r.Reason]++
	c.EventID, c.EventType, c.Reason, c.Time = r.EventID, r.EventType, r.Reason, r.At.UTC()
}

// run tells what is due until ctx ends, and then what is left.
func (l *letterNews) run(ctx context.Context) {
	look := time.NewTicker(letterLook)
	defer look.Stop()
	for ctx.Err() == nil {
		tick := look.C
		if l.idle() {
			tick = nil
		}
		select {
		case <-l.wake:
		case <-tick:
			l.tell(ctx, false)
		case <-ctx.Done():
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	l.tell(last, true)
}

func (l *letterNews) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.counts) == 0
}

// tell writes what is due, or all. After the first failure the rest waits.
func (l *letterNews) tell(ctx context.Context, all bool) {
	for _, c := range l.take(all) {
		if err := l.write(ctx, c); err != nil {
			l.log.Warn("dead letters cannot be told of; trying again", "endpoint", c.Endpoint, "letters", c.Count, "error", err)
			l.giveBack(c)
		}
	}
}

// take gives what is due, and forgets endpoints of which nothing came for a while.
func (l *letterNews) take(all bool) (due []*letterCount) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for id, c := range l.counts {
		switch {
		case !all && now.Before(c.due):
		case c.Count == 0:
			delete(l.counts, id)
		default:
			told := *c
			told.Endpoint = id
			due = append(due, &told)
			*c = letterCount{customer: c.customer, due: now.Add(letterPause)}
		}
	}
	return due
}

// giveBack adds what could not be told to what came meanwhile.
func (l *letterNews) giveBack(untold *letterCount) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts[untold.Endpoint]
	if c == nil || c.Count == 0 {
		untold.due = l.now()
		l.counts[untold.Endpoint] = untold
		return
	}
	for reason, n := range untold.Reasons {
		c.Reasons[reason] += n
	}
	c.Count, c.Since, c.due = c.Count+untold.Count, untold.Since, l.now()
}

func (l *letterNews) write(ctx context.Context, c *letterCount) error {
	if ep, there := l.registry.Endpoint(c.Endpoint); there {
		c.Name = ep.Name
	}
	data, err := json.Marshal(&c.letterDocument)
	if err != nil {
		return err
	}
	id := fmt.Sprintf("ops-%s-deadletter-%d", c.Endpoint, c.Since.UnixNano())
	return l.submit(ctx, c.customer, "deadletter.created", id, c.Time, data)
}
