package store

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/deferred"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/jet/journal"
)

func audit(t testing.TB, s *Store, o journal.AuditOptions) *transport.Audit {
	t.Helper()
	a, err := s.Audit(jettest.Context(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// audited is a shard with six events, told in the comments below, and two endpoints.
func audited(t testing.TB) *Store {
	s := openEmbedded(t, embeddedOptions(t))
	for range 6 {
		jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
	}
	skip := jettest.OutcomeOf(transport.Skipped, 2, jettest.EndpointB)
	journalAll(t, s, jettest.FanOutOf(1, "1", jettest.EndpointA, jettest.EndpointB), jettest.TriedRecord(1, 1, transport.Failed))
	journalAll(t, s, jettest.TriedRecord(1, 2, transport.Delivered), jettest.TriedRecord(1, 2, transport.Delivered), // twice: a crash
		jettest.OutcomeOf(transport.DeadLettered, 1, jettest.EndpointB),
		jettest.FanOutOf(2, "2", jettest.EndpointA, jettest.EndpointB), skip, // A parked
		jettest.FanOutOf(3, "3", jettest.EndpointA)) // in hand
	journalAll(t, s, &transport.Record{Kind: transport.Skipped, Seq: 4, Customer: "acme", At: time.Now(), Reason: transport.ReasonDuplicate},
		&transport.Record{Kind: transport.Tried, Seq: 1, Replay: 9, Customer: "acme", Endpoint: jettest.EndpointB, At: time.Now(), Number: 1,
			Answer: transport.Answer{Class: transport.Delivered}}) // a replay, delivered; 5 and 6 nobody wanted
	parkOne(t, s, jettest.EndpointA, 2, time.Now().Add(time.Hour))
	replay := jettest.Entry(1, time.Now().Add(time.Hour))
	replay.Replay = 10
	parkAll(t, s, jettest.EndpointB, replay)
	return s
}

func holding(pairs ...transport.Pair) journal.AuditOptions {
	return journal.AuditOptions{Held: func() []transport.Pair { return pairs }, Routed: func() uint64 { return 6 }}
}

var third = transport.Pair{Seq: 3, Endpoint: jettest.EndpointA}

func TestAuditAddsUp(t *testing.T) {
	s := audited(t)
	want := &transport.Audit{Cut: 6, Events: 6, Duplicates: 1, Unrouted: 2, OK: true, Endpoints: []transport.EndpointAudit{
		{Endpoint: jettest.EndpointA, Customer: "acme", Owed: 3, Delivered: 1, Waiting: 2, Repeated: 1},
		{Endpoint: jettest.EndpointB, Customer: "acme", Owed: 4, Delivered: 1, DeadLettered: 1, Skipped: 1, Waiting: 1},
	}}
	if got := audit(t, s, holding(third)); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	// Without a shard, what is above the ack floor comes again: it waits.
	if got := audit(t, s, journal.AuditOptions{}); !got.OK || got.Endpoints[0].Waiting != 2 {
		t.Errorf("%+v", got)
	}
	if got := audit(t, s, journal.AuditOptions{Customer: "other"}); !got.OK || len(got.Endpoints) != 0 || got.Events != 0 {
		t.Errorf("%+v", got)
	}
	if got := audit(t, s, journal.AuditOptions{From: time.Now().Add(time.Hour)}); !got.OK || len(got.Endpoints) != 0 {
		t.Errorf("%+v", got)
	}
	if got := audit(t, s, journal.AuditOptions{To: time.Now().Add(-time.Hour)}); !got.OK || got.Cut != 0 || len(got.Endpoints) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestAuditFindsALoss(t *testing.T) {
	drop := func(stream string, seq uint64) func(*testing.T, *Store) {
		return func(t *testing.T, s *Store) {
			st, err := s.JetStream().Stream(jettest.Context(t), stream)
			if err != nil {
				t.Fatal(err)
			}
			if err := st.DeleteMsg(jettest.Context(t), seq); err != nil {
				t.Fatal(err)
			}
		}
	}
	o := holding(third)
	for _, c := range []struct {
		name  string
		spoil func(*testing.T, *Store)
		opts  journal.AuditOptions
		seen  func(*transport.Audit) bool
	}{
		{"a lease that is nowhere", func(*testing.T, *Store) {}, holding(), func(a *transport.Audit) bool { return a.Endpoints[0].Missing == 1 }},
		{"a parked segment gone", drop(jet.StreamDeferred, 1), o, func(a *transport.Audit) bool { return a.Endpoints[0].Missing == 1 }},
		{"a journal message gone", drop(jet.StreamAttempts, 2), o, func(a *transport.Audit) bool { return a.JournalGaps == 1 }},
		{"the journal's last message gone", drop(jet.StreamAttempts, 3), o, func(a *transport.Audit) bool { return a.JournalGaps == 1 }},
		{"an outcome of what was not owed", func(t *testing.T, s *Store) { journalAll(t, s, jettest.TriedRecord(6, 1, transport.Delivered)) }, o,
			func(a *transport.Audit) bool { return a.Endpoints[0].Unowed == 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := audited(t)
			c.spoil(t, s)
			if a := audit(t, s, c.opts); a.OK || !c.seen(a) {
				t.Errorf("%+v", a)
			}
		})
	}
}

// shardOfSorts routes each event to two endpoints: one is delivered to, the
// other parks first and delivers what comes due.
type shardOfSorts struct {
	j    *journal.Journal
	p    *deferred.Parker
	mu   sync.Mutex
	held map[transport.Pair]bool
}

func (s *shardOfSorts) hold(p transport.Pair) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[p] = true
}

// settle lets go of a pair once its outcome is durable, and acks after the last.
type settle struct {
	s    *shardOfSorts
	pair transport.Pair
	all  *jettest.Countdown
	h    transport.Handle
}

func (w settle) Done() {
	w.s.mu.Lock()
	delete(w.s.held, w.pair)
	w.s.mu.Unlock()
	if w.all.Done(); w.all.Reached() {
		w.h.Ack()
	}
}

func (s *shardOfSorts) Event(ev *transport.Event, h transport.Handle) {
	a, b := transport.Pair{Seq: ev.Seq, Endpoint: jettest.EndpointA}, transport.Pair{Seq: ev.Seq, Endpoint: jettest.EndpointB}
	s.hold(a)
	s.hold(b)
	s.j.Append(jettest.FanOutOf(ev.Seq, ev.ID, jettest.EndpointA, jettest.EndpointB), nil)
	all := jettest.NewCountdown(2)
	s.j.Append(jettest.TriedRecord(ev.Seq, 1, transport.Delivered), settle{s, a, all, h})
	e := transport.Entry{Event: ev, Hop: 1, Due: time.Now()}
	if ev.Seq%2 == 0 {
		e.Due, e.At = time.Time{}, time.Now().Add(time.Hour) // comes back by being recalled
	}
	s.p.Park("acme", jettest.EndpointB, e, settle{s, b, all, h})
}

func (s *shardOfSorts) Passed(uint64) {}

func (s *shardOfSorts) Due(seg *transport.Segment, h transport.Handle) {
	all := jettest.NewCountdown(len(seg.Entries))
	for _, e := range seg.Entries {
		pair := transport.Pair{Seq: e.Event.Seq, Endpoint: seg.Endpoint}
		s.hold(pair)
		r := jettest.TriedRecord(pair.Seq, 1, transport.Delivered)
		r.Endpoint = seg.Endpoint
		s.j.Append(r, settle{s, pair, all, h})
	}
}

func (s *shardOfSorts) pairs() (all []transport.Pair) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.held {
		all = append(all, p)
	}
	return all
}

func TestAuditIsExactUnderLoad(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	shard := &shardOfSorts{j: s.Attempts.Journal(), p: s.Deferred.Parker(newCutter()), held: map[transport.Pair]bool{}}
	c, _ := startConsuming(t, s, shard)
	ctx, stop := context.WithCancel(t.Context())
	var publisher sync.WaitGroup
	recalls, enough := context.WithCancel(t.Context())
	var recaller sync.WaitGroup
	recaller.Go(func() {
		for recalls.Err() == nil {
			told := jettest.NewCountdown(1)
			shard.p.Recall(jettest.EndpointB, 500, transport.Place{}, told)
			told.Wait(t)
		}
	})
	n := 0
	publisher.Go(func() {
		for ctx.Err() == nil {
			if _, err := s.JetStream().Publish(context.Background(), "events.acme.x", []byte(`{}`)); err != nil {
				t.Error(err)
				return
			}
			n++
		}
	})
	for range 15 {
		a := audit(t, s, journal.AuditOptions{Held: shard.pairs, Routed: c.Routed})
		if !a.OK {
			t.Fatalf("%+v", a)
		}
	}
	stop()
	publisher.Wait()
	var a *transport.Audit
	jettest.Eventually(t, func() bool {
		a = audit(t, s, journal.AuditOptions{Held: shard.pairs, Routed: c.Routed})
		return !a.OK || a.Cut == uint64(n) && a.Endpoints[0].Waiting+a.Endpoints[1].Waiting == 0
	})
	if !a.OK || a.Events != uint64(n) || a.Endpoints[0].Delivered != uint64(n) || a.Endpoints[1].Delivered != uint64(n) {
		t.Errorf("%d published: %+v", n, a)
	}
	t.Logf("%d events", n)
	enough()
	recaller.Wait()
	jettest.ShutWith(t, shard.p.Close)
	jettest.ShutWith(t, shard.j.Close)
}
