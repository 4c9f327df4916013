package memory

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Memories keeps what endpoints must remember, in the bucket MEMORY: under the
// endpoint's id one JSON document, which is gone where there is nothing to
// remember. What is remembered in turn of one endpoint is stored in that order.
type Memories struct {
	store *Store
	out   *jet.Outbox
	ids   jet.PublishIDs

	mu        sync.Mutex
	busy      map[string]*keeping // endpoints with a write under way
	revisions map[string]uint64   // what is known to be stored, by endpoint
	closed    bool
}

// keeping is one endpoint's write under way, and the one that follows.
type keeping struct {
	memories *Memories
	endpoint string
	parcel   *jet.Parcel        // the write under way
	waiters  []transport.Waiter // of it

	follows bool
	next    rememberedJSON
	later   []transport.Waiter // of the next one
}

// rememberedJSON is a message of the bucket.
type rememberedJSON struct {
	Endpoint string `json:"endpoint"`
	Customer string `json:"customer,omitempty"`
	transport.Memory
}

// Memories starts a keeper of memories. A shard has one at a time.
func (s *Store) Memories() *Memories {
	m := &Memories{store: s, out: s.conn.NewOutbox("memories of endpoints"),
		ids: jet.PublishIDs{Prefix: s.conn.PublishID("memory")}, busy: map[string]*keeping{}, revisions: map[string]uint64{}}
	m.out.Guard, m.out.Renew = s.fence.OfMemory(), m.renew
	return m
}

// Remember stores r in place of what was remembered of its endpoint before, and
// tells w (nil is fine) when that, or something younger, is durable. It does
// not wait for NATS, and tries until it can. After Close it does nothing.
func (m *Memories) Remember(r transport.Remembered, w transport.Waiter) {
	m.keep(rememberedJSON{Endpoint: r.Endpoint, Customer: r.Customer, Memory: r.Memory}, w)
}

// Forget drops what is remembered of an endpoint that was removed.
func (m *Memories) Forget(endpoint string) { m.keep(rememberedJSON{Endpoint: endpoint}, nil) }

func (m *Memories) keep(r rememberedJSON, w transport.Waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	k := m.busy[r.Endpoint]
	if k == nil {
		k = &keeping{memories: m, endpoint: r.Endpoint}
		m.busy[r.Endpoint] = k
		if w != nil {
			k.waiters = []transport.Waiter{w}
		}
		m.send(k, &r)
		return
	}
	k.follows, k.next = true, r
	if w != nil {
		k.later = append(k.later, w)
	}
}

// send has the outbox store one memory. The lock is held.
func (m *Memories) send(k *keeping, r *rememberedJSON) {
	msg := nats.NewMsg(subjectMemory + jet.SubjectWord(r.Endpoint))
	msg.Header.Set(jet.HeaderMsgID, m.ids.Next())
	if r.IsZero() {
		msg.Header.Set(jet.HeaderKVOperation, "DEL")
	} else {
		msg.Data = jet.CompactJSON(r)
	}
	expect(msg, m.revisions[r.Endpoint])
	k.parcel = &jet.Parcel{Msg: msg, Waiters: []transport.Waiter{k}}
	m.out.Add(k.parcel)
}

// expect has msg stored in place of a revision alone, so that what an owner of
// before sends late does not replace what the next one has stored.
func expect(msg *nats.Msg, revision uint64) {
	msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(revision, 10))
}

// renew has a message that was refused replace what is there: this node owns the
// shard, or the outbox would not have sent it.
func (m *Memories) renew(ctx context.Context, p *jet.Parcel) {
	there, err := m.store.conn.LeaderLast(ctx, streamMemory, p.Msg.Subject)
	switch {
	case err != nil: // it is refused once more
	case there == nil:
		expect(p.Msg, 0)
	default:
		expect(p.Msg, there.Sequence)
	}
}

// Done ends the write under way; it is the outbox's to call.
func (k *keeping) Done() {
	m := k.memories
	m.mu.Lock()
	m.revisions[k.endpoint] = k.parcel.Seq
	told := k.waiters
	if k.waiters, k.later = k.later, nil; k.follows {
		k.follows = false
		m.send(k, &k.next)
	} else {
		delete(m.busy, k.endpoint)
	}
	m.mu.Unlock()
	for _, w := range told {
		w.Done()
	}
}

// Flush returns when all that was remembered so far is durable, or with ctx's error.
func (m *Memories) Flush(ctx context.Context) error {
	for {
		if err := m.out.Flush(ctx); err != nil {
			return err
		}
		m.mu.Lock()
		idle := len(m.busy) == 0
		m.mu.Unlock()
		if idle {
			return nil
		}
	}
}

// Close flushes and stops. Where ctx ends first, what could not be written is
// dropped and its waiters are never told. Calling it again is fine.
func (m *Memories) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	err := m.Flush(ctx)
	m.out.Stop()
	return err
}

// Pending is the number of memories not yet durable, and why the last try
// failed, nil where it did not.
func (m *Memories) Pending() (memories uint64, fault error) {
	_, fault = m.out.Pending()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.busy {
		if memories++; k.follows {
			memories++
		}
	}
	return memories, fault
}

// Load gives what is remembered, by endpoint, of endpoints that are gone too.
// It is for the start: what is being stored may be missing.
func (m *Memories) Load(ctx context.Context) (map[string]transport.Memory, error) {
	all := map[string]transport.Memory{}
	w := jet.Sweep{Stream: streamMemory, Subject: subjectMemory + ">"}
	err := m.store.conn.Sweep(ctx, w, func(msg *jetstream.RawStreamMsg) error {
		m.loaded(msg)
		if msg.Header.Get(jet.HeaderKVOperation) != "" {
			return nil
		}
		var r rememberedJSON
		if err := json.Unmarshal(msg.Data, &r); err != nil || r.Endpoint == "" {
			m.store.log.Error("what an endpoint remembered cannot be read; it begins afresh", "key", msg.Subject, "err", err)
			return nil
		}
		all[r.Endpoint] = r.Memory
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading what endpoints remember: %w", jet.Unavailable(err))
	}
	return all, nil
}

func (m *Memories) loaded(msg *jetstream.RawStreamMsg) {
	m.mu.Lock()
	defer m.mu.Unlock()
	endpoint := jet.EndpointOfWord(strings.TrimPrefix(msg.Subject, subjectMemory))
	m.revisions[endpoint] = max(m.revisions[endpoint], msg.Sequence)
}

// BucketMemory holds what endpoints must remember.
const BucketMemory = "MEMORY"

// The bucket as JetStream keeps it.
const (
	streamMemory  = "KV_" + BucketMemory
	subjectMemory = "$KV." + BucketMemory + "."
)
