package ledger

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/certificates"
)

// DefaultRedisWindow is how long Redis remembers event ids.
const DefaultRedisWindow = 72 * time.Hour

// RedisOptions are what NewRedis needs beyond the URL and the window.
type RedisOptions struct {
	// Prefix of all keys; empty: "postrider:". Two installations that share a
	// Redis must not share a prefix: an id seen by one is a duplicate to the other.
	Prefix string
	// Timeout bounds one batch, connecting included; 0: 500 ms.
	Timeout time.Duration
	// TLS is for own CAs or client certificates with rediss://; nil: the
	// system's CAs. Certificates are always verified.
	TLS *tls.Config
	// Files are the same, read anew for each connection; TLS is not looked at
	// where any is named.
	Files certificates.Client
	// Now is the clock for events without a time of the log, and for pauses
	// after a failure; nil: time.Now.
	Now func() time.Time
}

// Redis remembers event ids for all nodes, under
//
//	<prefix>dedup:<customer>:<hash of customer and id>  →  "<sequence> <log time, ms> <log>"
//
// with the window as expiry. The log's name in the value tells a redelivery
// from a duplicate: sequences are compared only within one log. An id that
// another log saw earlier (a data folder made anew, another stream) is still
// the same producer's id: its event is a duplicate. Who makes a log anew and
// wants the old ids again gives another prefix or deletes "<prefix>dedup:*".
//
// An id takes about 230 bytes of Redis: 1,000 events a second with ids make
// 60 GB in 72 hours. With maxmemory set, the policy volatile-ttl forgets the
// oldest ids first; with noeviction a full Redis counts as away.
//
// It needs SET NX PX and GET: Redis 2.6.12 or later, and what speaks like it.
// It is safe for concurrent use.
type Redis struct {
	client  redis.UniversalClient
	prefix  string
	window  time.Duration
	timeout time.Duration
	now     func() time.Time
}

// NewRedis makes a client and does not connect yet. The URL is
// redis://[user:password@]host[:port][/db], with rediss:// for TLS, and
// redis+cluster:// or rediss+cluster:// for a Redis Cluster, whose further
// nodes may follow as ?addr=host:port&addr=…. A window of 0 is
// DefaultRedisWindow. Errors are *transport.FieldError and never show the URL.
func NewRedis(url string, window time.Duration, o RedisOptions) (*Redis, error) {
	quieten()
	if window <= 0 {
		window = DefaultRedisWindow
	}
	if o.Prefix == "" {
		o.Prefix = "postrider:"
	}
	if o.Timeout <= 0 {
		o.Timeout = 500 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	client, err := dial(url, o)
	if err != nil {
		return nil, err
	}
	return &Redis{client: client, prefix: o.Prefix, window: window, timeout: o.Timeout, now: o.Now}, nil
}

// Close closes the connections.
func (r *Redis) Close() error { return r.client.Close() }

// Probe tells whether Redis takes writes now. Its error wraps
// transport.ErrUnavailable.
func (r *Redis) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if err := r.client.Set(ctx, r.prefix+"probe", 1, time.Minute).Err(); err != nil {
		return unavailable(err)
	}
	return nil
}

// claim is one event's id on its way through Redis.
type claim struct {
	ev    *transport.Event
	key   string
	value []byte
	set   *redis.BoolCmd
	get   *redis.StringCmd
	first uint64
}

// Check sets DuplicateOf on those events, in order of their log, whose
// customer's id Redis knows from an earlier event, and remembers the others.
// It leaves events whose producer gave no id alone. After an error, which wraps
// transport.ErrUnavailable, no event was touched, and calling it again is safe.
// One round trip; one or two more where ids are known already.
func (r *Redis) Check(ctx context.Context, log string, events []*transport.Event) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	claims := r.claims(log, events)
	known, err := r.setNew(ctx, claims)
	if err == nil && len(known) > 0 {
		err = r.compare(ctx, log, known)
	}
	if err != nil {
		return unavailable(err)
	}
	for _, c := range known {
		if c.first != 0 {
			c.ev.DuplicateOf = c.first
		}
	}
	return nil
}

func (r *Redis) claims(log string, events []*transport.Event) []claim {
	claims := make([]claim, 0, len(events))
	for _, ev := range events {
		if ev.IDGiven {
			m := mark{seq: ev.Seq, at: stored(ev, r.now()), log: log}
			claims = append(claims, claim{ev: ev, key: r.key(ev), value: m.encode()})
		}
	}
	return claims
}

func (r *Redis) key(ev *transport.Event) string {
	k := keyOf(ev.Customer, ev.ID)
	return fmt.Sprintf("%sdedup:%s:%016x%016x", r.prefix, ev.Customer, k[0], k[1])
}

// setNew marks the ids that are new and returns the claims whose id was known.
func (r *Redis) setNew(ctx context.Context, claims []claim) ([]*claim, error) {
	pipe := r.client.Pipeline()
	for i := range claims {
		claims[i].set = pipe.SetNX(ctx, claims[i].key, claims[i].value, r.window)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	var known []*claim
	for i := range claims {
		if !claims[i].set.Val() {
			known = append(known, &claims[i])
		}
	}
	return known, nil
}

// compare finds the first of each known id. What is out of date by the log's
// time, has expired meanwhile or cannot be read gives way to the new event.
func (r *Redis) compare(ctx context.Context, log string, known []*claim) error {
	pipe := r.client.Pipeline()
	for _, c := range known {
		c.get = pipe.Get(ctx, c.key)
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	renew := r.client.Pipeline()
	for _, c := range known {
		text, err := c.get.Bytes()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		m, ok := decodeMark(text)
		at := stored(c.ev, r.now())
		switch {
		case !ok || !within(m.at, at, r.window) && m.at < at:
			renew.Set(ctx, c.key, c.value, r.window)
		case within(m.at, at, r.window) && m.before(log, c.ev.Seq, at):
			c.first = m.seq
		}
	}
	if renew.Len() == 0 {
		return nil
	}
	_, err := renew.Exec(ctx)
	return err
}

func unavailable(err error) error {
	return fmt.Errorf("redis: %w: %w", transport.ErrUnavailable, err)
}
