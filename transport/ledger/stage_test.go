package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// newStage runs a stage that probes every 10 ms and is closed with the test.
func newStage(t testing.TB, next transport.Sink, local *Local, r *Redis, o StageOptions) *Stage {
	t.Helper()
	o.Log = thisLog
	if o.ProbeEvery == 0 {
		o.ProbeEvery = 10 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := NewStage(next, local, r, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStageWithoutRedis(t *testing.T) {
	sink, h := newArrived(), &settled{}
	s := newStage(t, sink, NewLocal(0, nil), nil, StageOptions{})
	for seq, id := range []string{"a", "", "a", "b"} {
		s.Event(event(uint64(seq)+1, id, 0), h)
	}
	s.Due(&transport.Segment{}, h)
	for i, want := range []uint64{0, 0, 1, 0} { // arrived on this goroutine
		if ev := sink.events[i]; ev.Seq != uint64(i)+1 || ev.DuplicateOf != want {
			t.Errorf("event %d: sequence %d, duplicate of %d, want %d", i, ev.Seq, ev.DuplicateOf, want)
		}
	}
	if sink.dues != 1 || s.Ready() != nil {
		t.Errorf("%d segments, ready: %v", sink.dues, s.Ready())
	}
	for range 2 {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	s.Event(event(9, "z", 0), h)
	if acks, naks := h.counts(); acks != 4 || naks != 1 {
		t.Errorf("%d acked, %d handed back", acks, naks)
	}
}

// none is a sink that does nothing.
type none struct{ n atomic.Int64 }

func (n *none) Event(*transport.Event, transport.Handle) { n.n.Add(1) }
func (*none) Due(*transport.Segment, transport.Handle)   {}
func (*none) Passed(uint64)                              {}

func TestStageWithoutRedisAllocatesNothing(t *testing.T) {
	s := newStage(t, &none{}, NewLocal(0, nil), nil, StageOptions{})
	ev, h := event(1, "a", 0), &settled{}
	if n := testing.AllocsPerRun(100, func() { s.Event(ev, h) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestStageNeedsTheLogsNameWithRedis(t *testing.T) {
	r := newRedis(t, "redis://127.0.0.1:1", RedisOptions{})
	for _, log := range []string{"", strings.Repeat("x", 129)} {
		var field *transport.FieldError
		if _, err := NewStage(&none{}, NewLocal(0, nil), r, StageOptions{Log: log}); !errors.As(err, &field) {
			t.Errorf("log %q: %v", log, err)
		}
	}
}

func TestStageMarksAcrossNodes(t *testing.T) {
	url := startServer(t).url()
	first, second := newArrived(), newArrived()
	one := newStage(t, first, NewLocal(0, nil), newRedis(t, url, RedisOptions{}), StageOptions{})
	one.Event(event(5, "a", 0), &settled{})
	first.wait(t, 1)
	// The next owner of the log knows nothing by itself.
	two := newStage(t, second, NewLocal(0, nil), newRedis(t, url, RedisOptions{}), StageOptions{})
	for _, ev := range []*transport.Event{event(5, "a", 0), event(6, "", 0), event(7, "a", time.Hour), event(8, "b", 0)} {
		two.Event(ev, &settled{})
	}
	for i, want := range []uint64{0, 0, 5, 0} {
		if ev := second.wait(t, 4)[i]; ev.DuplicateOf != want {
			t.Errorf("sequence %d is marked as a duplicate of %d, want %d", ev.Seq, ev.DuplicateOf, want)
		}
	}
}

// TestStageKeepsOrder: several producers at once, redis-server killed and
// started again on the way; nothing is lost, each producer's order holds, and
// every second event is a duplicate of the one before it.
func TestStageKeepsOrder(t *testing.T) {
	const producers, each = 4, 6000
	server := startServer(t)
	log := make(lines, 1000)
	var fallback atomic.Int64
	sink := newArrived()
	s := newStage(t, sink, NewLocal(0, nil), newRedis(t, server.url(), RedisOptions{}), StageOptions{
		Logger: slog.New(log), OnFallback: func(n int) { fallback.Add(int64(n)) }})
	var seq atomic.Uint64
	publish := func(part int) {
		var done sync.WaitGroup
		for p := range producers {
			done.Go(func() {
				for i := part * each / 3; i < (part+1)*each/3; i++ {
					ev := event(seq.Add(1), fmt.Sprint("id", i/2), 0)
					ev.Customer = fmt.Sprint("p", p)
					s.Event(ev, &settled{})
				}
			})
		}
		done.Wait()
	}
	publish(0)
	sink.wait(t, producers*each/3)
	if n := fallback.Load(); n != 0 || s.Ready() != nil {
		t.Errorf("%d checked locally with Redis there; ready: %v", n, s.Ready())
	}
	server.kill()
	publish(1)
	log.wait(t, isAway)
	sink.wait(t, producers*each*2/3)
	if n := fallback.Load(); n != producers*each/3 {
		t.Errorf("%d checked locally, want %d", n, producers*each/3)
	}
	if err := s.Ready(); !errors.Is(err, transport.ErrUnavailable) || !strings.Contains(err.Error(), "deliveries go on") {
		t.Errorf("ready with Redis away: %v", err)
	}
	server.start()
	log.wait(t, isBack)
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
	publish(2)
	last := map[string]*transport.Event{}
	for _, ev := range sink.wait(t, producers*each) {
		was := last[ev.Customer]
		last[ev.Customer] = ev
		if was == nil {
			continue
		}
		if ev.Seq <= was.Seq {
			t.Fatalf("%s: sequence %d after %d", ev.Customer, ev.Seq, was.Seq)
		}
		if want := was.Seq; ev.ID == was.ID && ev.DuplicateOf != want || ev.ID != was.ID && ev.DuplicateOf != 0 {
			t.Fatalf("%s: sequence %d (%s) is marked as a duplicate of %d", ev.Customer, ev.Seq, ev.ID, ev.DuplicateOf)
		}
	}
	if n := fallback.Load(); n != producers*each/3 {
		t.Errorf("%d checked locally after Redis came back", n-producers*each/3)
	}
}

func TestStageKnowsTheLastMinutesWhenRedisGoes(t *testing.T) {
	server := startServer(t)
	r := newRedis(t, server.url(), RedisOptions{})
	check(t, r, thisLog, []uint64{0}, event(3, "old", 0))
	log, sink := make(lines, 10), newArrived()
	s := newStage(t, sink, NewLocal(0, nil), r, StageOptions{Logger: slog.New(log)})
	s.Event(event(5, "new", time.Hour), &settled{})
	s.Event(event(6, "old", time.Hour), &settled{})
	sink.wait(t, 2)
	server.kill()
	log.wait(t, isAway)
	s.Event(event(7, "new", time.Hour), &settled{})
	s.Event(event(8, "old", time.Hour), &settled{})
	s.Event(event(6, "old", time.Hour), &settled{})
	for i, want := range []uint64{0, 3, 5, 3, 3} {
		if ev := sink.wait(t, 5)[i]; ev.DuplicateOf != want {
			t.Errorf("event %d, sequence %d: duplicate of %d, want %d", i, ev.Seq, ev.DuplicateOf, want)
		}
	}
}

// TestStageDoesNotStall: a Redis that takes connections and says nothing costs
// one time-out, not one a batch.
func TestStageDoesNotStall(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	var asked atomic.Int32 // a time-out costs its connection, so each further one is a new one
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			t.Cleanup(func() { c.Close() })
		}
	}()
	sink, log := newArrived(), make(lines, 10)
	r := newRedis(t, "redis://"+silent.Addr().String(), RedisOptions{Timeout: 200 * time.Millisecond})
	s := newStage(t, sink, NewLocal(0, nil), r, StageOptions{Logger: slog.New(log)})
	for seq := range uint64(100) { // one by one: a batch each
		s.Event(event(seq+1, fmt.Sprint(seq), 0), &settled{})
		sink.wait(t, int(seq)+1)
	}
	if n := asked.Load(); n > 50 {
		t.Errorf("100 batches asked it %d times", n)
	}
	log.wait(t, isAway)
	if len(log) != 0 {
		t.Errorf("logged again: %s", <-log)
	}
}

func TestStageHandsBackWhatItHolds(t *testing.T) {
	sink := newArrived()
	sink.gate = make(chan struct{})
	s := newStage(t, sink, NewLocal(0, nil), newRedis(t, startServer(t).url(), RedisOptions{}), StageOptions{BatchMax: 4})
	h := &settled{}
	var published sync.WaitGroup
	for p := range 3 {
		published.Go(func() {
			for i := range 20 {
				s.Event(event(uint64(p*100+i+1), fmt.Sprint(p, i), 0), h)
			}
		})
	}
	sink.gate <- struct{}{} // the second event waits at the shard's door
	sink.wait(t, 1)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Close(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("closing while the shard is full: %v", err)
	}
	published.Wait() // nobody stays blocked
	close(sink.gate)
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	acks, naks := h.counts()
	if acks+naks != 60 || acks > 2 {
		t.Errorf("%d passed on, %d handed back, of 60", acks, naks)
	}
	s.Event(event(999, "late", 0), h)
	if _, late := h.counts(); late != naks+1 {
		t.Error("an event after Close was not handed back")
	}
}

func TestStageIsBounded(t *testing.T) {
	sink := newArrived()
	sink.gate = make(chan struct{})
	s := newStage(t, sink, NewLocal(0, nil), newRedis(t, startServer(t).url(), RedisOptions{}), StageOptions{BatchMax: 4})
	var taken atomic.Int64
	var done sync.WaitGroup
	done.Go(func() {
		for seq := range uint64(50) {
			s.Event(event(seq+1, "", 0), &settled{})
			taken.Add(1)
		}
	})
	sink.gate <- struct{}{}
	if n := taken.Load(); n > 1+2*4 {
		t.Errorf("%d taken with one passed on", n)
	}
	close(sink.gate)
	done.Wait()
	sink.wait(t, 50)
}

func BenchmarkStageWithRedis(b *testing.B) {
	r := newRedis(b, startServer(b, "--appendonly", "no").url(), RedisOptions{})
	sink := &none{}
	s := newStage(b, sink, NewLocal(0, nil), r, StageOptions{OnFallback: func(int) { b.Error("Redis is away") }})
	h := &settled{}
	var seq uint64
	for b.Loop() {
		seq++
		s.Event(event(seq, fmt.Sprintf("%032x", seq), 0), h)
	}
	b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkStageWithoutRedis(b *testing.B) {
	s := newStage(b, &none{}, NewLocal(0, nil), nil, StageOptions{})
	h := &settled{}
	var seq uint64
	for b.Loop() {
		seq++
		s.Event(event(seq, fmt.Sprintf("%032x", seq), 0), h)
	}
}
