package jet

import (
	"context"
	"errors"
	"time"
)

// asideTimeout bounds the wait of a command for an external server.
const asideTimeout = 5 * time.Second

// OpenAside connects to o's server beside no node: it makes no streams, and
// lets no producer in.
func OpenAside(ctx context.Context, o Options) (*Conn, error) {
	o.Listen = ""
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Conn{opts: o, log: o.Logger, now: o.Now}
	if err := s.connectAside(ctx); err != nil {
		return nil, errors.Join(err, s.CloseAside(ctx))
	}
	return s, nil
}

// connectAside does not wait for a server that is away for as long as a node does.
func (c *Conn) connectAside(ctx context.Context) error {
	if c.opts.URL == "" {
		return c.startEmbedded(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	return c.connectExternal(ctx)
}

// CloseAside closes it, where ctx is over too.
func (c *Conn) CloseAside(ctx context.Context) error {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), APITimeout)
	defer cancel()
	return c.Close(closing)
}
