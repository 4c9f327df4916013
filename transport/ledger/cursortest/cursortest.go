// Package cursortest is what every kind of ledger.Cursors promises, as a test:
// transport/ledger runs it on a real Redis, transport/jet on JetStream.
//
// It may import transport, transport/ledger and testing.
package cursortest

import (
	"errors"
	"math"
	"strconv"
	"sync"
	"testing"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/ledger"
)

// Run checks cursors of which none has moved yet. restart kills what keeps them
// and starts it again: what was moved must be there afterwards.
func Run(t *testing.T, c ledger.Cursors, restart func()) {
	t.Run("a cursor moves by compare-and-set", func(t *testing.T) { moves(t, c) })
	t.Run("of many at once one succeeds", func(t *testing.T) { race(t, c) })
	t.Run("many are read in their order", func(t *testing.T) { many(t, c) })
	restart()
	at(t, c, "acme.hot", math.MaxUint64)
	at(t, c, "race.hot", 1)
	at(t, c, "globex.normal", 0)
}

func at(t *testing.T, c ledger.Cursors, key string, want uint64) {
	t.Helper()
	got, err := c.Read(t.Context(), []string{key})
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%s is at %v, %v; want %d", key, got, err, want)
	}
}

func moves(t *testing.T, c ledger.Cursors) {
	ctx := t.Context()
	at(t, c, "acme.hot", 0)
	for _, step := range []struct {
		from, to uint64
		conflict bool
	}{
		{0, 10, false},
		{0, 10, false}, // again: it is there
		{0, 20, true},
		{11, 20, true},
		{10, 1<<53 + 1, false},
		{1 << 53, 5, true}, // not the same, though close
		{1<<53 + 1, 7, false},
		{7, math.MaxUint64, false},
	} {
		err := c.Move(ctx, "acme.hot", step.from, step.to)
		if step.conflict != errors.Is(err, transport.ErrConflict) || !step.conflict && err != nil {
			t.Errorf("%d → %d: %v", step.from, step.to, err)
		}
	}
	at(t, c, "acme.hot", math.MaxUint64)
	at(t, c, "acme.normal", 0)
}

func race(t *testing.T, c ledger.Cursors) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var won []uint64
	for n := range uint64(16) {
		all.Go(func() {
			err := c.Move(t.Context(), "race.hot", 0, 100+n)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won = append(won, 100+n)
			} else if !errors.Is(err, transport.ErrConflict) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Fatalf("%v all succeeded", won)
	}
	at(t, c, "race.hot", won[0])
	if err := c.Move(t.Context(), "race.hot", won[0], 1); err != nil {
		t.Error(err)
	}
}

func many(t *testing.T, c ledger.Cursors) {
	const n = 2500
	keys := make([]string, n)
	for i := range keys {
		keys[i] = "customer-" + strconv.Itoa(i) + ".normal"
		if i%100 == 0 {
			if err := c.Move(t.Context(), keys[i], 0, uint64(i)+1); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := c.Read(t.Context(), keys)
	if err != nil || len(got) != n {
		t.Fatalf("%d read, %v", len(got), err)
	}
	for i, place := range got {
		if want := uint64(i) + 1; i%100 == 0 && place != want || i%100 != 0 && place != 0 {
			t.Errorf("%s is at %d", keys[i], place)
		}
	}
	if none, err := c.Read(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("no keys: %v, %v", none, err)
	}
}
