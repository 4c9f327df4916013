package journal

import (
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func FuzzReached(f *testing.F) {
	f.Add("150 1795347858943513883 77")
	f.Add("0 0 0")
	f.Add("1 -1 2")
	f.Add("1 2 3 4")
	f.Add("18446744073709551616 0 0")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readReached(text)
		if err != nil {
			return
		}
		if again, err := readReached(reachedText(r)); err != nil || again != r {
			t.Errorf("%q: %+v, then %+v, %v", text, r, again, err)
		}
	})
}

func TestReachedComesBackAsItWas(t *testing.T) {
	for _, r := range []transport.Reached{{}, {Event: 150, EventStored: time.Unix(1795347858, 943513883).UTC(), Deferred: 77}, {Deferred: 1 << 63}} {
		if got, err := readReached(reachedText(r)); err != nil || got != r {
			t.Errorf("%+v, %v; want %+v", got, err, r)
		}
	}
	for _, text := range []string{"", "1 2", "1 2 3 4", "1 2 x", "-1 0 0"} {
		if _, err := readReached(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}
