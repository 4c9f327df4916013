package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

const (
	// StreamRuns holds the schedules of runs, schedules.<customer>.<type>, and
	// what they and people trigger, runs.<customer>.<type>.
	StreamRuns = "RUNS"

	subjectTriggers  = "runs."
	subjectSchedules = "schedules."
	triggersConsumer = "runner"
	// triggersWaiting bounds what one subject holds: a node that was away for
	// long finds a handful of triggers, which are one run.
	triggersWaiting = 8
	// triggersInHand bounds what is pulled and not settled.
	triggersInHand = 16384

	// headerAnswerTo is where a trigger by hand hears of its run.
	headerAnswerTo = "Postrider-Answer-To"
)

// runsConfig: message schedules refuse an age and DiscardNew. A trigger is gone
// once a run's record stands for it.
func runsConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              StreamRuns,
		Description:       "Postrider: when alerts run",
		Subjects:          []string{subjectTriggers + ">", subjectSchedules + ">"},
		Storage:           jetstream.FileStorage,
		Retention:         jetstream.WorkQueuePolicy,
		MaxMsgsPerSubject: triggersWaiting,
		Duplicates:        100 * time.Millisecond,
		AllowMsgSchedules: true,
		AllowRollup:       true,
		AllowDirect:       true,
	}
}

// Trigger says that a customer's alerts of a type are due.
type Trigger struct {
	Key     transport.RunKey
	id      transport.RunTrigger
	store   *Store
	msg     jetstream.Msg
	settled sync.Once
	held    *heldTriggers
}

// Settle drops the trigger: a record stands for it, or there is nothing to run.
// One that is not settled comes again.
func (t *Trigger) Settle() {
	t.settled.Do(func() {
		t.held.drop(t)
		if err := t.msg.Ack(); err != nil {
			t.store.log.Debug("a trigger's ack did not leave; it will come again", "subject", t.msg.Subject(), "err", err)
		}
	})
}

// ID is what the trigger is known by; one that comes again has the same.
func (t *Trigger) ID() transport.RunTrigger { return t.id }

// Tell lets whoever triggered the run by hand know of it; nil: there is nothing
// to run.
func (t *Trigger) Tell(run *transport.Run) { t.answer(triggerAnswer{Run: run}) }

// Delay lets whoever triggered the run by hand know why it has no record yet.
func (t *Trigger) Delay(why string) { t.answer(triggerAnswer{Delay: why}) }

func (t *Trigger) answer(a triggerAnswer) {
	to := t.msg.Headers().Get(headerAnswerTo)
	if to == "" {
		return
	}
	if err := t.store.nc.Publish(to, jet.CompactJSON(a)); err != nil {
		t.store.log.Debug("a run's state did not leave", "customer", t.Key.Customer, "err", err)
	}
}

// triggerAnswer is what a run came to, or why there is none yet.
type triggerAnswer struct {
	Run   *transport.Run `json:"run"`
	Delay string         `json:"delay,omitempty"`
}

// heldTriggers keeps those that are not settled from coming again.
type heldTriggers struct {
	mu  sync.Mutex
	all map[*Trigger]bool
}

func (h *heldTriggers) drop(t *Trigger) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, t)
}

func (h *heldTriggers) keep() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for t := range h.all {
		_ = t.msg.InProgress() // one that does not leave: the trigger comes again, and is one with this one
	}
}

// Triggers gives what becomes due to take, from one goroutine, until ctx ends.
// It comes back by itself after NATS was away.
func (s *Store) Triggers(ctx context.Context, take func(*Trigger)) error {
	held := &heldTriggers{all: map[*Trigger]bool{}}
	cons, err := s.js.CreateOrUpdateConsumer(ctx, StreamRuns, jetstream.ConsumerConfig{
		Durable: triggersConsumer, FilterSubject: subjectTriggers + ">", AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: jet.AckWait, MaxDeliver: -1, MaxAckPending: triggersInHand,
	})
	if err != nil {
		return fmt.Errorf("consumer of %s: %w", StreamRuns, jet.Unavailable(err))
	}
	running, err := cons.Consume(func(m jetstream.Msg) { s.takeTrigger(m, held, take) }, jetstream.PullHeartbeat(2*time.Second),
		jetstream.PullExpiry(10*time.Second))
	if err != nil {
		return fmt.Errorf("consumer of %s: %w", StreamRuns, jet.Unavailable(err))
	}
	defer running.Stop()
	progress := time.NewTicker(jet.AckWait / 3)
	defer progress.Stop()
	for {
		select {
		case <-progress.C:
			held.keep()
		case <-running.Closed():
			return fmt.Errorf("consumer of %s: %w: it ended", StreamRuns, transport.ErrUnavailable)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Store) takeTrigger(m jetstream.Msg, held *heldTriggers, take func(*Trigger)) {
	customer, alertType, found := strings.Cut(strings.TrimPrefix(m.Subject(), subjectTriggers), ".")
	if !found || transport.CheckCustomer(customer) != nil {
		s.log.Error("a trigger of no customer was dropped", "subject", m.Subject())
		_ = m.Term() // it would be dropped again
		return
	}
	meta, err := m.Metadata()
	if err != nil {
		s.log.Error("a trigger that JetStream did not deliver was dropped", "subject", m.Subject(), "err", err)
		return
	}
	t := &Trigger{Key: transport.RunKey{Customer: customer, Type: alertType}, store: s,
		id: transport.RunTrigger{Seq: meta.Sequence.Stream, At: meta.Timestamp.UTC()}, msg: m, held: held}
	held.mu.Lock()
	held.all[t] = true
	held.mu.Unlock()
	take(t)
}

// StartRun triggers a run of a key at once, and gives its record when that is
// made, or with wait when it is done or has failed and is to be tried again; nil
// where no active alert takes part. A run that has no id is stored and will be
// made: its Error tells what it waits for, or it is not known when ctx ends.
func (s *Store) StartRun(ctx context.Context, key transport.RunKey, wait bool) (*transport.Run, error) {
	if err := transport.CheckCustomer(key.Customer); err != nil {
		return nil, err
	}
	fault := func(err error) error {
		return fmt.Errorf("starting a run of %s: %w", key.Customer, jet.Unavailable(err))
	}
	inbox := s.nc.NewInbox()
	answers, err := s.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fault(err)
	}
	defer func() { _ = answers.Unsubscribe() }()
	m := nats.NewMsg(subjectTriggers + key.String())
	m.Header.Set(headerAnswerTo, inbox)
	if _, err := s.changes.Publish(ctx, m); err != nil {
		return nil, fault(err)
	}
	run := &transport.Run{Customer: key.Customer, Type: key.Type}
	for {
		m, err := answers.NextMsgWithContext(ctx)
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return run, nil
		}
		if err != nil {
			return nil, fault(err)
		}
		var a triggerAnswer
		if json.Unmarshal(m.Data, &a) != nil {
			continue
		}
		if a.Delay != "" {
			run.Error = a.Delay
			return run, nil
		}
		if run = a.Run; run == nil || !wait || run.State == transport.RunDone || run.Error != "" {
			return run, nil
		}
	}
}
