package deadletters

import (
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestPurgedDeadLetters(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	var letters []*transport.DeadLetter
	for i := range uint64(40) {
		d := jettest.Letter(i+1, []string{"acme", "beta"}[i%2], jettest.EndpointA, []string{"gone", "panic"}[i/2%2])
		d.At = jettest.Time.Add(time.Duration(i) * time.Minute)
		letters = append(letters, d)
	}
	bury(t, s, letters...)
	ctx := jettest.Context(t)
	left := uint64(40)
	for _, c := range []struct {
		f    transport.LetterFilter
		want uint64
	}{
		{transport.LetterFilter{Customer: "nobody"}, 0},
		{transport.LetterFilter{Customer: "acme", Reason: "gone", From: jettest.Time, To: jettest.Time.Add(8 * time.Minute)}, 2},
		{transport.LetterFilter{Reason: "gone", From: jettest.Time.Add(30 * time.Minute)}, 4},
		{transport.LetterFilter{Customer: "acme", Endpoint: jettest.EndpointA, Limit: 1, Before: 3}, 16},
		{transport.LetterFilter{Endpoint: jettest.EndpointA}, 18},
	} {
		n, err := s.CountDeadLetters(ctx, c.f)
		if n != c.want || err != nil {
			t.Errorf("%+v: %d counted, %v, want %d", c.f, n, err, c.want)
		}
		if n, err = s.PurgeDeadLetters(ctx, c.f); n != c.want || err != nil {
			t.Errorf("%+v: %d purged, %v, want %d", c.f, n, err, c.want)
		}
		if left -= c.want; jettest.StreamState(t, s.js, shard.DeadLetters()).Msgs != left {
			t.Errorf("%+v: %d left, want %d", c.f, jettest.StreamState(t, s.js, shard.DeadLetters()).Msgs, left)
		}
	}
	for _, f := range []transport.LetterFilter{{Customer: "*"}, {Endpoint: "a.>"}} {
		if n, err := s.PurgeDeadLetters(ctx, f); err == nil {
			t.Errorf("%+v: purged %d", f, n)
		}
	}
}

func TestDeadLettersByTime(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	var letters []*transport.DeadLetter
	for i := range uint64(5) {
		d := jettest.Letter(i+1, "acme", jettest.EndpointA, "gone")
		d.At = jettest.Time.Add(time.Duration(i) * time.Minute)
		letters = append(letters, d)
	}
	bury(t, s, letters...)
	page, _, err := s.DeadLetters(jettest.Context(t), transport.LetterFilter{From: jettest.Time.Add(time.Minute), To: jettest.Time.Add(3 * time.Minute)})
	got := ""
	for _, d := range page {
		got += fmt.Sprint(d.ID, " ")
	}
	if got != "3 2 " || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

func TestDeadLettersHaveAnAgeWhereOneIsAskedFor(t *testing.T) {
	o := embeddedOptions(t)
	for _, keep := range []time.Duration{0, 24 * time.Hour, 0} {
		s := openKept(t, o, keep)
		stream, err := s.js.Stream(jettest.Context(t), shard.DeadLetters())
		if err != nil || stream.CachedInfo().Config.MaxAge != keep {
			t.Errorf("kept for %s, want %s (%v)", stream.CachedInfo().Config.MaxAge, keep, err)
		}
		jettest.ShutWith(t, s.conn.Close)
	}
}
