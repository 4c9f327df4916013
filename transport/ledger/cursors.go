package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/transport"
)

// Cursors are how far runs of alerts have come: a sequence of the log of
// detections for each key. RedisCursors are one kind; a node without Redis has
// them in JetStream (transport/jet). cursortest tells what all promise.
type Cursors interface {
	// Read gives where the keys' cursors are, in their order, 0 where one has
	// not moved yet.
	Read(ctx context.Context, keys []string) ([]uint64, error)
	// Move takes a cursor from one place to another. It is
	// transport.ErrConflict where the cursor is elsewhere, and fine where it is
	// there already: so a repeat does no harm. Of many at once one succeeds.
	Move(ctx context.Context, key string, from, to uint64) error
}

// RedisCursors keeps cursors in Redis, under
//
//	<prefix>cursor:{<key>}:<log>  →  "<sequence>"
//
// without expiry. The log's name in the key sets those of a log that was made
// anew apart, whose sequences begin again. After a call that failed, calls in
// the next pause fail at once, with the same error: a Redis that is away costs
// nobody a timeout each. Errors wrap transport.ErrUnavailable.
//
// It is safe for concurrent use.
type RedisCursors struct {
	redis *Redis
	log   string
	told  func(error)

	mu     sync.Mutex
	fault  error
	failed time.Time
}

// cursorPause is how long Redis is not asked after it failed.
const cursorPause = 500 * time.Millisecond

// NewRedisCursors keeps the cursors of runs over log, a name such that a log
// made anew has another one, 1 to 128 bytes. told, if not nil, hears of each
// call: its error, or nil. r stays the caller's to close.
func NewRedisCursors(r *Redis, log string, told func(error)) (*RedisCursors, error) {
	if log == "" || len(log) > 128 {
		return nil, &transport.FieldError{Field: "log", Message: "is needed with Redis, 1 to 128 bytes: give the stream's name and creation time"}
	}
	if told == nil {
		told = func(error) {}
	}
	return &RedisCursors{redis: r, log: log, told: told}, nil
}

func (c *RedisCursors) key(key string) string {
	return c.redis.prefix + "cursor:{" + key + "}:" + c.log
}

// cursorsAtOnce is how many cursors one round trip reads.
const cursorsAtOnce = 1000

// Read implements Cursors, with a round trip for a thousand keys.
func (c *RedisCursors) Read(ctx context.Context, keys []string) ([]uint64, error) {
	at := make([]uint64, 0, len(keys))
	for from := 0; from < len(keys); from += cursorsAtOnce {
		part := keys[from:min(from+cursorsAtOnce, len(keys))]
		err := c.call(ctx, func(ctx context.Context) (err error) {
			at, err = c.read(ctx, at, part)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("reading cursors: %w", err)
		}
	}
	return at, nil
}

func (c *RedisCursors) read(ctx context.Context, at []uint64, keys []string) ([]uint64, error) {
	pipe := c.redis.client.Pipeline()
	gets := make([]*redis.StringCmd, len(keys))
	for i, key := range keys {
		gets[i] = pipe.Get(ctx, c.key(key))
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return at, err
	}
	for i, get := range gets {
		text, err := get.Result()
		if errors.Is(err, redis.Nil) {
			text, err = "0", nil
		}
		if err != nil {
			return at, err
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return at, fmt.Errorf("%s holds no sequence; delete it, and the runs' records stand for it: %w", c.key(keys[i]), err)
		}
		at = append(at, n)
	}
	return at, nil
}

// moveCursor compares texts: numbers in Lua are exact to 2^53 only.
var moveCursor = redis.NewScript(`
local at = redis.call('GET', KEYS[1]) or '0'
if at == ARGV[2] then return 1 end
if at ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`)

// Move implements Cursors.
func (c *RedisCursors) Move(ctx context.Context, key string, from, to uint64) error {
	moved := false
	err := c.call(ctx, func(ctx context.Context) (err error) {
		moved, err = moveCursor.Run(ctx, c.redis.client, []string{c.key(key)},
			strconv.FormatUint(from, 10), strconv.FormatUint(to, 10)).Bool()
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("cursor %s: %w", key, err)
	case !moved:
		return fmt.Errorf("cursor %s: %w", key, transport.ErrConflict)
	}
	return nil
}

// call asks Redis within its time limit, unless it failed a moment ago.
func (c *RedisCursors) call(ctx context.Context, do func(context.Context) error) error {
	if err := c.resting(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, c.redis.timeout)
	defer cancel()
	err := do(limited)
	if errors.Is(err, redis.Nil) {
		err = nil // a script's false
	}
	if err != nil {
		err = unavailable(err)
	}
	if ctx.Err() != nil {
		return err // the caller's doing
	}
	c.mu.Lock()
	c.fault, c.failed = err, c.redis.now()
	c.mu.Unlock()
	c.told(err)
	return err
}

func (c *RedisCursors) resting() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fault != nil && c.redis.now().Sub(c.failed) < cursorPause {
		return c.fault
	}
	return nil
}

// Ready is nil, or why Redis failed at the last call.
func (c *RedisCursors) Ready() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault
}
