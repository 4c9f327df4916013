package jet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// APITimeout is how long a request to JetStream's API may take where the
// caller's context sets no limit.
const APITimeout = 10 * time.Second

// subjectsTimeout is the same for a page of a stream's subjects: the server sorts
// all of them for it.
const subjectsTimeout = 30 * time.Second

func (o Options) withDefaults() (Options, error) {
	if o.MaxPayload == 0 {
		o.MaxPayload = 1 << 20
	}
	if o.Connections == 0 {
		o.Connections = 1024
	}
	if o.Refused == nil {
		o.Refused = func() {}
	}
	if o.NodeID == "" {
		o.NodeID = RandomToken(8)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.URL == "" && o.DataDir == "" {
		return o, &transport.FieldError{Field: "data", Message: "no data folder; give one, or the URL of a NATS server"}
	}
	return o, nil
}

// RandomToken is n random bytes in hex.
func RandomToken(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails, by its contract
	return hex.EncodeToString(b)
}

// Open connects to the server of o.URL, or embeds one on o.DataDir. A server
// that is not there yet is waited for until ctx ends; an unfit one (older than
// 2.14, without JetStream, refusing the credentials) is an error at once.
// Wrong options are *transport.FieldError.
func Open(ctx context.Context, o Options) (*Conn, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	vault, err := NewVault(o.MasterKey, o.PreviousMasterKey)
	if err != nil {
		return nil, err
	}
	s := &Conn{opts: o, log: o.Logger, now: o.Now, vault: vault}
	connect := s.connectExternal
	if o.URL == "" {
		connect = s.startEmbedded
	}
	if err := connect(ctx); err != nil {
		// What was opened so far is closed even where ctx is over.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), APITimeout)
		defer cancel()
		return nil, errors.Join(err, s.Close(closing))
	}
	return s, nil
}

// Listen lets producers in, where the server is embedded and Options.Listen says
// where. It is called once, when all streams are there.
func (c *Conn) Listen() error {
	if !c.Listens() {
		return nil
	}
	return c.embedded.listen()
}

// use takes the connection that everything else works on.
func (c *Conn) use(nc *nats.Conn) error {
	c.nc = nc
	c.link.up()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(APITimeout))
	if err != nil {
		return fmt.Errorf("JetStream client: %w", err)
	}
	c.js = js
	return nil
}

// connOptions are those of the node's connection, wherever the server is: it
// comes back by itself for ever.
func (c *Conn) connOptions() []nats.Option {
	return []nats.Option{
		nats.Name("postrider " + c.opts.NodeID),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			c.link.down()
			if err != nil {
				c.log.Warn("NATS connection lost; reconnecting", "err", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			c.log.Info("NATS connection is back", "server", nc.ConnectedServerName())
			c.link.up()
			c.reconnects.tell()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			if errors.Is(err, nats.ErrConsumerNotActive) {
				// A watcher that missed its heartbeats: it is made anew at the
				// reconnecting that follows, and says so where it cannot.
				c.log.Debug("a watcher hears nothing", "subject", subject)
				return
			}
			c.log.Warn("NATS reports an error", "err", err, "subject", subject)
		}),
	}
}

// Close drains the connection and shuts the embedded
// server down, waiting for its files to be closed. Calling it again is fine.
// The error tells that ctx ended before all was drained; all is closed anyway.
func (c *Conn) Close(ctx context.Context) error {
	c.closing.Do(func() { c.closed = c.close(ctx) })
	return c.closed
}

func (c *Conn) close(ctx context.Context) error {
	var err error
	c.changes.close()
	if c.nc != nil {
		err = drain(ctx, c.nc)
	}
	if c.embedded != nil {
		c.embedded.shutdown()
	}
	return err
}

func drain(ctx context.Context, nc *nats.Conn) error {
	defer nc.Close()
	if nc.IsClosed() {
		return nil
	}
	gone := nc.StatusChanged(nats.CLOSED)
	if err := nc.Drain(); err != nil {
		if errors.Is(err, nats.ErrConnectionReconnecting) || errors.Is(err, nats.ErrConnectionClosed) {
			return nil // nothing to drain to
		}
		return fmt.Errorf("draining the NATS connection: %w", err)
	}
	for !nc.IsClosed() {
		select {
		case <-gone:
		case <-ctx.Done():
			return fmt.Errorf("draining the NATS connection: %w", ctx.Err())
		}
	}
	return nil
}

// Reconnects gives a channel that holds a value after each time the connection
// was lost and is back (several are told as one), until stop is called.
func (c *Conn) Reconnects() (back <-chan struct{}, stop func()) { return c.reconnects.listen() }

// reconnects tells whoever asked that the connection was lost and is back.
type reconnects struct {
	mu    sync.Mutex
	heard map[chan struct{}]bool
}

// listen gives a channel that holds a value after a reconnect (several are
// told as one), until stop is called.
func (r *reconnects) listen() (c <-chan struct{}, stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ch := make(chan struct{}, 1)
	if r.heard == nil {
		r.heard = map[chan struct{}]bool{}
	}
	r.heard[ch] = true
	return ch, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.heard, ch)
	}
}

func (r *reconnects) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ch := range r.heard {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
