package jet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// Mirrored is a bucket that a Mirror follows. Its functions are called from one
// goroutine.
type Mirrored struct {
	Bucket jetstream.KeyValue
	Keys   string // those that are followed, with wildcards
	// Apply takes one entry in, which may be one that was taken in before. An
	// error ends a full reading; of a change it is logged, and the change is
	// passed over.
	Apply func(jetstream.KeyValueEntry) error
	// Forget drops, after a full reading, what it did not show: it was removed
	// while nobody watched, and so long ago that not even the mark is left. The
	// bucket was at revision then. nil: nothing is dropped.
	Forget func(seen map[string]bool, revision uint64)
}

// Mirror keeps in memory what buckets hold, on every node alike: it reads all,
// bucket by bucket, then follows the changes. A watcher stays silent for long
// after a server's restart and reports nothing, so all is read anew after each
// reconnect.
type Mirror struct {
	conn *Conn
	what string // for people, e.g. "the alerts"
	of   []Mirrored

	mu      sync.Mutex
	applied []uint64      // by bucket: the revision that is in effect
	moved   chan struct{} // closed and made anew whenever one of them grows
	loading bool          // started, or reading all again
	stopped bool
	quit    chan struct{}
	done    chan struct{} // nil until Start
}

// NewMirror is one of buckets, in the order in which they are read.
func NewMirror(conn *Conn, what string, of ...Mirrored) *Mirror {
	return &Mirror{conn: conn, what: what, of: of, applied: make([]uint64, len(of)), moved: make(chan struct{}), quit: make(chan struct{})}
}

var (
	// errLost ends one watch; another is made.
	errLost = errors.New("the watch ended")
	errQuit = errors.New("the store is closed")
)

// Start returns once all is read, and goes on until Stop. It is called once.
func (m *Mirror) Start(ctx context.Context) error {
	m.mu.Lock()
	if m.done != nil || m.stopped {
		m.mu.Unlock()
		return fmt.Errorf("%s were read before, or their store is closed", m.what)
	}
	m.done, m.loading = make(chan struct{}), true
	m.mu.Unlock()
	loaded := make(chan error, 1)
	go m.watch(loaded)
	select {
	case err := <-loaded:
		return err
	case <-ctx.Done():
		m.Stop()
		return fmt.Errorf("reading %s: %w", m.what, ctx.Err())
	}
}

// Stop ends the watch and waits for it. Calling it again is fine.
func (m *Mirror) Stop() {
	m.mu.Lock()
	if !m.stopped {
		m.stopped = true
		close(m.quit)
	}
	done := m.done
	m.mu.Unlock()
	if done != nil {
		<-done
	}
}

// Started tells whether Start was called.
func (m *Mirror) Started() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done != nil
}

// Ready is nil, or tells that all is still being read.
func (m *Mirror) Ready() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loading {
		return fmt.Errorf("%s are still being read", m.what)
	}
	return nil
}

// Wait returns nil once a bucket's revision is in effect on this node: Apply has
// returned from it. Buckets are counted as they were given, from 0 on.
func (m *Mirror) Wait(ctx context.Context, bucket int, revision uint64) error {
	for {
		m.mu.Lock()
		reached, moved := m.applied[bucket] >= revision, m.moved
		m.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the change to take effect: %w", ctx.Err())
		case <-m.quit:
			return fmt.Errorf("waiting for the change to take effect: %w: the store is closed", transport.ErrUnavailable)
		}
	}
}

func (m *Mirror) reached(bucket int, revision uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if revision > m.applied[bucket] {
		m.applied[bucket] = revision
		close(m.moved)
		m.moved = make(chan struct{})
	}
}

func (m *Mirror) setLoading(loading bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loading = loading
}

// watch tells loaded once that all was read, or why that cannot be.
func (m *Mirror) watch(loaded chan<- error) {
	defer close(m.done)
	back, stop := m.conn.Reconnects()
	defer stop()
	for first := true; ; {
		err := m.watchOnce(back, func() {
			if first {
				first = false
				loaded <- nil
			}
		})
		if errors.Is(err, errQuit) {
			return
		}
		if first && !errors.Is(err, transport.ErrUnavailable) && !errors.Is(err, errLost) {
			loaded <- err
			return
		}
		m.setLoading(true)
		m.conn.log.Warn("reading "+m.what+" again", "because", err)
		select {
		case <-time.After(250 * time.Millisecond):
		case <-back:
		case <-m.quit:
			return
		}
	}
}

// change is an entry of one of the buckets.
type change struct {
	bucket int
	entry  jetstream.KeyValueEntry
}

// watchOnce reads all, calls loaded, and follows the changes until something
// breaks.
func (m *Mirror) watchOnce(back <-chan struct{}, loaded func()) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-m.quit:
			cancel()
		case <-ctx.Done():
		}
	}()
	var forwards sync.WaitGroup
	defer forwards.Wait()
	defer cancel()
	changes := make(chan change)
	for i := range m.of {
		w, err := m.read(ctx, i, back)
		if err != nil {
			return err
		}
		defer func() { _ = w.Stop() }() // as in read
		forwards.Go(func() { forward(ctx, i, w, changes) })
	}
	m.setLoading(false)
	loaded()
	return m.follow(changes, back)
}

// forward passes a watcher's entries on, and its end as none.
func forward(ctx context.Context, bucket int, w jetstream.KeyWatcher, to chan<- change) {
	for {
		var e jetstream.KeyValueEntry
		select {
		case e = <-w.Updates():
		case <-ctx.Done():
			return
		}
		select {
		case to <- change{bucket, e}:
		case <-ctx.Done():
			return
		}
		if e == nil {
			return
		}
	}
}

// read takes in what a bucket has, and gives the watcher of what follows.
func (m *Mirror) read(ctx context.Context, bucket int, back <-chan struct{}) (w jetstream.KeyWatcher, err error) {
	b := &m.of[bucket]
	revision, err := m.conn.LastSequence(ctx, "KV_"+b.Bucket.Bucket())
	if err == nil {
		w, err = b.Bucket.Watch(ctx, b.Keys)
	}
	if err != nil {
		return nil, fmt.Errorf("watching %s: %w", b.Bucket.Bucket(), Unavailable(err))
	}
	seen := map[string]bool{}
	for {
		select {
		case e, ok := <-w.Updates():
			switch {
			case !ok:
				err = errLost
			case e == nil:
				if b.Forget != nil {
					b.Forget(seen, revision)
				}
				m.reached(bucket, revision)
				return w, nil
			default:
				seen[e.Key()] = true
				err = b.Apply(e)
				m.reached(bucket, e.Revision())
			}
		case <-back:
			err = errLost
		case <-m.quit:
			err = errQuit
		}
		if err != nil {
			_ = w.Stop() // one that cannot be stopped ended with its connection
			return nil, err
		}
	}
}

// follow applies changes. What cannot be taken stays as it was.
func (m *Mirror) follow(changes <-chan change, back <-chan struct{}) error {
	for {
		select {
		case c := <-changes:
			if c.entry == nil {
				return errLost
			}
			if err := m.of[c.bucket].Apply(c.entry); err != nil {
				m.conn.log.Error("a change of "+m.what+" is not taken", "err", err)
			}
			m.reached(c.bucket, c.entry.Revision())
		case <-back:
			return errLost
		case <-m.quit:
			return errQuit
		}
	}
}
