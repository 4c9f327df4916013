package jet

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func TestAReplayOfAnEventIsParkedDueNow(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := testContext(t)
	ev := testLetter(5, "acme", endpointA, "").Event
	first, err := s.Replay(ctx, endpointA, ev)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Replay(ctx, endpointA, ev)
	if err != nil || second == first {
		t.Fatalf("replays %d and %d, %v", first, second, err)
	}
	p := s.Parker(newCutter())
	defer shutWith(t, p.Close)
	list, err := p.List(ctx, endpointA)
	if err != nil || len(list) != 2 || list[0].Place != (transport.Place{Replay: first, Seq: 5}) || list[1].Replay != second {
		t.Errorf("parked %+v, %v", list, err)
	}
}

func TestEventsOfACustomer(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := testContext(t)
	began := time.Now()
	for i := range 30 {
		customer := []string{"acme", "beta", "acme2"}[i%3]
		if _, err := s.Submit(ctx, []transport.Event{{Customer: customer, Type: "a.b", Data: []byte(`{}`)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SubmitOps(ctx, "acme", "endpoint.failing", "o-1", time.Now(), []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	seqs := func(from, to uint64, most int) (got []uint64) {
		err := s.EventsOf(ctx, "acme", from, to, func(ev *transport.Event) bool {
			if ev.Customer != "acme" || ev.Stored.IsZero() || len(ev.Data) == 0 {
				t.Errorf("%+v", ev)
			}
			got = append(got, ev.Seq)
			return len(got) < most
		})
		if err != nil {
			t.Error(err)
		}
		return got
	}
	if got := seqs(1, 31, 100); !slices.Equal(got, []uint64{1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31}) {
		t.Errorf("all: %d", got)
	}
	if got := seqs(5, 13, 100); !slices.Equal(got, []uint64{7, 10, 13}) {
		t.Errorf("between: %d", got)
	}
	if got := seqs(1, 31, 2); !slices.Equal(got, []uint64{1, 4}) {
		t.Errorf("two: %d", got)
	}
	if err := s.EventsOf(ctx, ">", 1, 31, nil); err == nil {
		t.Error("a customer that is none")
	}
	for at, want := range map[time.Time]uint64{began.Add(-time.Hour): 1, {}: 1, time.Now().Add(time.Hour): 32} {
		if seq, err := s.EventAt(ctx, at); seq != want || err != nil {
			t.Errorf("at %s: %d, %v, want %d", at, seq, err, want)
		}
	}
}

func TestRecordsComeBack(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := testContext(t)
	r, err := s.Replays(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Kept(ctx, "r-1.job"); !errors.Is(err, transport.ErrNotFound) {
		t.Error(err)
	}
	for _, key := range []string{"r-1.job", "r-1.plan.0", "r-2.job"} {
		if err := r.Keep(ctx, key, []byte("before")); err != nil {
			t.Fatal(err)
		}
		if err := r.Keep(ctx, key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Drop(ctx, "r-2.job"); err != nil {
		t.Fatal(err)
	}
	if err := r.Drop(ctx, "r-9.job"); err != nil {
		t.Error(err)
	}
	keys, err := r.Keys(ctx)
	slices.Sort(keys)
	if data, kerr := r.Kept(ctx, "r-1.plan.0"); string(data) != "r-1.plan.0" || kerr != nil || err != nil || !slices.Equal(keys, []string{"r-1.job", "r-1.plan.0"}) {
		t.Errorf("%q (%v), keys %q (%v)", data, kerr, keys, err)
	}
}
