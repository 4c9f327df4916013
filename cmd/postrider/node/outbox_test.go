package node

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errNever = errors.New("never")

// testOutbox is an outbox of words whose store fails as it is told, and what
// was written.
type testOutbox struct {
	*outbox[string]
	mu      sync.Mutex // guards what is below
	fail    error
	tries   int
	written []string
	log     strings.Builder
}

func withOutbox(t *testing.T, most int, f func(o *testOutbox)) *testOutbox {
	t.Helper()
	o := &testOutbox{}
	synctest.Test(t, func(t *testing.T) {
		o.outbox = newOutbox(outboxOptions[string]{
			what: "a word", which: func(w string) []any { return []any{"word", w} }, most: most,
			never: func(err error) bool { return errors.Is(err, errNever) },
			log:   slog.New(slog.NewTextHandler(&o.log, nil)),
			write: func(ctx context.Context, w string) error {
				o.mu.Lock()
				defer o.mu.Unlock()
				o.tries++
				if err := ctx.Err(); err != nil {
					return err
				}
				if o.fail != nil {
					return o.fail
				}
				o.written = append(o.written, w)
				return nil
			},
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { o.run(ctx); close(ended) }()
		f(o)
		cancel()
		<-ended
	})
	return o
}

func (o *testOutbox) failWith(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail = err
}

func (o *testOutbox) tried() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tries
}

func (o *testOutbox) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.written)
}

func (o *testOutbox) putAll(words ...string) {
	for _, w := range words {
		o.put(w)
	}
}

func TestAnOutboxWritesInOrderUntilItIsWritten(t *testing.T) {
	o := withOutbox(t, 0, func(o *testOutbox) {
		o.failWith(errors.New("away"))
		o.putAll("one", "two", "three")
		time.Sleep(5 * outboxPause)
		synctest.Wait()
		if len(o.all()) > 0 || o.tried() < 5 {
			t.Errorf("%d tries, written %q", o.tried(), o.all())
		}
		o.failWith(nil)
		time.Sleep(outboxPause)
		synctest.Wait()
		if want := []string{"one", "two", "three"}; !slices.Equal(o.all(), want) {
			t.Errorf("written %q", o.all())
		}
	})
	if told := strings.Count(o.log.String(), "trying until it can"); told != 1 || !strings.Contains(o.log.String(), "word=one") {
		t.Errorf("it was told %d times: %s", told, o.log.String())
	}
}

// One that is queued is not queued again; the one that is being written is, as
// it may be about what was before.
func TestAnOutboxHoldsAnItemOnce(t *testing.T) {
	o := withOutbox(t, 0, func(o *testOutbox) {
		o.failWith(errors.New("away"))
		o.put("one")
		synctest.Wait()
		o.putAll("one", "two", "one", "two")
		o.failWith(nil)
	})
	if want := []string{"one", "one", "two"}; !slices.Equal(o.all(), want) {
		t.Errorf("written %q", o.all())
	}
}

func TestAnOutboxIsBounded(t *testing.T) {
	o := withOutbox(t, 2, func(o *testOutbox) {
		o.failWith(errors.New("away"))
		o.putAll("one", "two", "three")
		synctest.Wait()
		o.failWith(nil)
	})
	if want := []string{"one", "two"}; !slices.Equal(o.all(), want) {
		t.Errorf("written %q", o.all())
	}
}

func TestWhatCanNeverBeWrittenIsGivenUp(t *testing.T) {
	o := withOutbox(t, 0, func(o *testOutbox) {
		o.failWith(errNever)
		o.put("one")
		synctest.Wait()
		o.failWith(nil)
		o.put("two")
		synctest.Wait()
	})
	if want := []string{"two"}; !slices.Equal(o.all(), want) || !strings.Contains(o.log.String(), "level=ERROR") {
		t.Errorf("written %q: %s", o.all(), o.log.String())
	}
}

// The end writes what is left, and does not wait for what stays away.
func TestAnOutboxEnds(t *testing.T) {
	o := withOutbox(t, 0, func(o *testOutbox) {
		o.failWith(errors.New("away"))
		o.putAll("one", "two")
		synctest.Wait()
	})
	if len(o.all()) > 0 {
		t.Errorf("written %q", o.all())
	}
	o = withOutbox(t, 0, func(o *testOutbox) {
		o.failWith(errors.New("away"))
		o.putAll("one", "two")
		synctest.Wait()
		o.failWith(nil)
	})
	if want := []string{"one", "two"}; !slices.Equal(o.all(), want) {
		t.Errorf("written %q", o.all())
	}
}
