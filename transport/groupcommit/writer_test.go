package groupcommit_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/transport/groupcommit"
)

var (
	errAway    = errors.New("the disk is away")
	errStopped = errors.New("stopped")
)

type item struct {
	groupcommit.Mark
	n int
}

// disk stores groups of at most most items, each after a while.
type disk struct {
	most  int
	takes time.Duration
	// refuses tells of an item whether it is not stored now.
	refuses func(n int) bool

	mu      sync.Mutex
	stored  []int
	groups  [][]int
	changes []int
}

func (d *disk) writer(ordered bool) *groupcommit.Writer[*item] {
	return groupcommit.New(groupcommit.Policy[*item]{
		Next: func(group, queue []*item, _ bool) (next, rest []*item, _ time.Duration) {
			n := min(d.most, len(queue))
			if ordered && n > 0 {
				n = 1
			}
			return append(group, queue[:n]...), queue[n:], 0
		},
		Commit: d.commit, Ordered: ordered, What: "the test", Stopped: errStopped,
		Changed: func(left int, _ error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.changes = append(d.changes, left)
		},
	})
}

func (d *disk) commit(_ context.Context, group []*item) (left []*item, err error) {
	time.Sleep(d.takes)
	d.mu.Lock()
	defer d.mu.Unlock()
	var ns []int
	for _, it := range group {
		ns = append(ns, it.n)
		if d.refuses != nil && d.refuses(it.n) {
			left, err = append(left, it), errAway
			continue
		}
		d.stored = append(d.stored, it.n)
	}
	d.groups = append(d.groups, ns)
	return left, err
}

func (d *disk) has() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.stored)
}

func numbers(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

func TestWhatComesMeanwhileGoesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{most: 10, takes: time.Second}
		w := d.writer(false)
		defer w.Stop()
		w.Put(&item{n: 1})
		synctest.Wait()
		for n := 2; n <= 15; n++ {
			w.Put(&item{n: n})
		}
		if err := w.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := [][]int{{1}, numbers(2, 11), numbers(12, 15)}; !slices.EqualFunc(d.groups, want, slices.Equal[[]int]) {
			t.Errorf("stored as %v", d.groups)
		}
	})
}

// Nothing of an ordered writer passes what is not stored yet, and it says twice
// what happens: at the first failure and when all is stored again.
func TestOrderedHoldsUntilItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		d := &disk{most: 10, takes: time.Millisecond, refuses: func(n int) bool {
			if n == 2 {
				tries++
			}
			return n == 2 && tries <= 5
		}}
		w := d.writer(true)
		defer w.Stop()
		for n := 1; n <= 5; n++ {
			w.Put(&item{n: n})
		}
		if err := w.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !slices.Equal(d.has(), numbers(1, 5)) || tries != 6 || !slices.Equal(d.changes, []int{1, 0}) {
			t.Errorf("stored %v, tried %d times, told %v", d.has(), tries, d.changes)
		}
	})
}

// What one item is refused holds up none of the others, and it is tried until it
// is taken.
func TestUnorderedGoesOnBesideWhatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mended bool
		d := &disk{most: 10, takes: time.Millisecond}
		d.refuses = func(n int) bool { return n == 1 && !mended }
		w := d.writer(false)
		defer w.Stop()
		w.Put(&item{n: 1})
		for n := 2; n <= 40; n++ {
			w.Put(&item{n: n})
			time.Sleep(10 * time.Millisecond)
		}
		synctest.Wait()
		if got := d.has(); !slices.Equal(got, numbers(2, 40)) {
			t.Fatalf("beside what fails: %v", got)
		}
		if items, fault := w.Pending(); items != 1 || !errors.Is(fault, errAway) {
			t.Errorf("%d pending, %v", items, fault)
		}
		d.mu.Lock()
		mended = true
		d.mu.Unlock()
		if err := w.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if items, fault := w.Pending(); items != 0 || fault != nil {
			t.Errorf("%d pending, %v", items, fault)
		}
	})
}

// A flush waits for what was put before it, and no longer.
func TestFlushWaitsForWhatWasPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{most: 1, takes: time.Second}
		w := d.writer(false)
		defer w.Stop()
		began := time.Now()
		for n := 1; n <= 3; n++ {
			w.Put(&item{n: n})
		}
		stop := make(chan struct{})
		go func() {
			for n := 4; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Second):
					w.Put(&item{n: n})
				}
			}
		}()
		if err := w.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		close(stop)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("waited %v", took)
		}
	})
}

func TestWhatIsNotStoredIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{most: 2, refuses: func(n int) bool { return n < 3 }}
		w := d.writer(false)
		for n := 1; n <= 3; n++ {
			w.Put(&item{n: n})
		}
		synctest.Wait()
		flushed := make(chan error, 1)
		go func() { flushed <- w.Flush(context.Background()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errAway) || !strings.HasPrefix(err.Error(), "the test is not written yet") {
			t.Errorf("a flush that nothing comes of: %v", err)
		}
		var left []int
		for _, it := range w.Stop() {
			left = append(left, it.n)
		}
		slices.Sort(left)
		if !slices.Equal(left, []int{1, 2}) && !slices.Equal(left, []int{1, 2, 3}) {
			t.Errorf("given back: %v", left)
		}
		if err := <-flushed; !errors.Is(err, errStopped) {
			t.Errorf("a flush as the writer stops: %v", err)
		}
		if w.Put(&item{n: 4}) {
			t.Error("it takes an item when it has stopped")
		}
		if again := w.Stop(); len(again) != 0 {
			t.Errorf("given back a second time: %v", again)
		}
	})
}

// Whatever fails and whenever: each item is stored once, in order where that is
// asked for, and in no group beyond its bound.
func TestEachItemIsStoredOnce(t *testing.T) {
	for seed := range uint64(50) {
		for _, ordered := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) { storedOnce(t, seed, ordered) })
		}
	}
}

func storedOnce(t *testing.T, seed uint64, ordered bool) {
	dice := rand.New(rand.NewPCG(seed, 1))
	d := &disk{most: 1 + dice.IntN(8), takes: time.Duration(dice.IntN(20)) * time.Millisecond}
	odds := dice.Float64() / 2
	d.refuses = func(int) bool { return dice.Float64() < odds }
	w := d.writer(ordered)
	defer w.Stop()
	const n = 200
	puts := rand.New(rand.NewPCG(seed, 2))
	for i := range n {
		w.Put(&item{n: i})
		if puts.IntN(4) == 0 {
			time.Sleep(time.Duration(puts.IntN(30)) * time.Millisecond)
		}
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := d.has()
	if !ordered {
		slices.Sort(got)
	}
	if !slices.Equal(got, numbers(0, n-1)) {
		t.Fatalf("seed %d, ordered %v: stored %v", seed, ordered, got)
	}
	for _, g := range d.groups {
		if len(g) > d.most {
			t.Fatalf("seed %d: %d in a group of at most %d", seed, len(g), d.most)
		}
	}
}
