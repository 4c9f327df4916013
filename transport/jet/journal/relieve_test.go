package journal

import (
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// The journal's oldest records go before their age, and never those that are
// needed to take the shard.
func TestTheJournalIsShortened(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	write := func(from, to int) {
		t.Helper()
		for i := from; i <= to; i++ {
			if err := s.WriteNow(jettest.Context(t), []*transport.Record{jettest.TriedRecord(uint64(i), 1, transport.Delivered)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(1, 20)
	needed := time.Now()
	write(21, 30)
	for _, c := range []struct {
		needed         time.Time
		part           float64
		dropped, first uint64
	}{
		{time.Time{}, 0.5, 0, 1}, {needed, 0.1, 3, 4}, {needed, 0.9, 17, 21}, {needed, 0.9, 0, 21}, {time.Now().Add(time.Hour), 0.5, 5, 26}, {time.Now().Add(time.Hour), 1, 4, 30},
	} {
		dropped, err := s.Relieve(jettest.Context(t), c.needed, c.part)
		if err != nil {
			t.Fatal(err)
		}
		left := journaled(t, s)
		if dropped != c.dropped || left[0].Seq != c.first || left[len(left)-1].Seq != 30 {
			t.Errorf("%+v: dropped %d, begins with %d", c, dropped, left[0].Seq)
		}
	}
	closeStore(t, s)
}
