package runs

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// readAll gives the sequences from from to to, and checks that they come in order.
func readAll(t testing.TB, s *Store, from, to uint64) (seqs []uint64) {
	t.Helper()
	err := s.ReadDetections(jettest.Context(t), from, to, func(raws []transport.RawDetection) error {
		for _, raw := range raws {
			if n := len(seqs); n > 0 && raw.Seq <= seqs[n-1] {
				t.Errorf("%d comes after %d", raw.Seq, seqs[n-1])
			}
			if want := fmt.Sprintf(`{"n":%d}`, raw.Seq); string(raw.Data) != want || raw.Subject != "detections.cam1" || time.Since(raw.Stored) > time.Minute {
				t.Errorf("%d: %s on %s at %s", raw.Seq, raw.Data, raw.Subject, raw.Stored)
			}
			seqs = append(seqs, raw.Seq)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

func seeMany(t testing.TB, s *Store, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		if _, err := s.js.PublishAsync("detections.cam1", fmt.Appendf(nil, `{"n":%d}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	<-s.js.PublishAsyncComplete()
}

func TestReadDetections(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	if got := readAll(t, s, 1, 100); len(got) != 0 {
		t.Errorf("of an empty log %v", got)
	}
	seeMany(t, s, 1, 1000)
	stream, err := s.js.Stream(ctx, jet.StreamDetections)
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{500, 998, 999, 1000} { // as if by age, in the middle and at the end
		if err := stream.DeleteMsg(ctx, seq); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Purge(ctx, jetstream.WithPurgeSequence(11)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to    uint64
		n           int
		first, last uint64
	}{
		{1, 1000, 986, 11, 997}, {11, 11, 1, 11, 11}, {499, 501, 2, 499, 501}, {990, 5000, 8, 990, 997},
		{500, 500, 0, 0, 0}, {1, 10, 0, 0, 0}, {998, 1000, 0, 0, 0}, {20, 19, 0, 0, 0}, {1001, 2000, 0, 0, 0},
	} {
		got := readAll(t, s, c.from, c.to)
		if len(got) != c.n || c.n > 0 && (got[0] != c.first || got[c.n-1] != c.last) {
			t.Errorf("from %d to %d: %d", c.from, c.to, len(got))
		}
	}
	if last, err := s.LastDetection(ctx); err != nil || last != 1000 {
		t.Errorf("the last one is %d, %v", last, err)
	}
	stop := errors.New("enough")
	if err := s.ReadDetections(ctx, 1, 1000, func([]transport.RawDetection) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("take's own error: %v", err)
	}
}

func TestDetectionsOfAPeriod(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	seeMany(t, s, 1, 10)
	cut := time.Now()
	seeMany(t, s, 11, 20)
	count := func(from, to time.Time) (n int) {
		t.Helper()
		err := s.Detections(jettest.Context(t), from, to, func(stored time.Time, _ []byte) error {
			if stored.Before(from) || !stored.Before(to) {
				t.Errorf("one of %s", stored)
			}
			n++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	hour := time.Hour
	if a, b, all, none := count(cut.Add(-hour), cut), count(cut, cut.Add(hour)), count(cut.Add(-hour), cut.Add(hour)), count(cut.Add(hour), cut.Add(2*hour)); a != 10 || b != 10 || all != 20 || none != 0 {
		t.Errorf("%d, %d, %d, %d", a, b, all, none)
	}
}

// Following goes on over a server's restart: nothing is left out, nothing comes twice.
func TestFollowDetections(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	seeMany(t, s, 1, 5)
	ctx, cancel := context.WithCancel(jettest.Context(t))
	seqs, ended := make(chan uint64, 1000), make(chan error, 1)
	go func() {
		ended <- s.FollowDetections(ctx, 3, func(raws []transport.RawDetection) error {
			for _, raw := range raws {
				seqs <- raw.Seq
			}
			return nil
		})
	}()
	want := uint64(3)
	upTo := func(last uint64) {
		t.Helper()
		for ; want <= last; want++ {
			if got := jettest.Receive(t, seqs, "a detection"); got != want {
				t.Fatalf("%d came, want %d", got, want)
			}
		}
	}
	upTo(5)
	seeMany(t, s, 6, 6)
	upTo(6)
	back, stop := s.conn.Reconnects()
	defer stop()
	b.Stop()
	b.Start()
	jettest.Receive(t, back, "the connection")
	seeMany(t, s, 7, 700)
	upTo(700)
	cancel()
	if err := jettest.Receive(t, ended, "the end"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
