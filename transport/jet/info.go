package jet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// Info is what a node tells of where and how it keeps things. It holds no
// password.
type Info struct {
	Embedded bool `json:"embedded"`
	// URL is where producers connect; empty where an embedded server listens
	// to nobody.
	URL           string `json:"url"`
	ServerVersion string `json:"server_version"`
	// Sync is "always", how long writes may stay unsynced (e.g. "2m0s"), or
	// "by the server" with an external one.
	Sync string `json:"sync"`
	// MaxStore bounds the embedded server's disk use in bytes, 0 where unknown.
	MaxStore int64        `json:"max_store"`
	Streams  []StreamInfo `json:"streams"`
}

// StreamInfo is a stream's state; Error is set in place of it where the server
// did not tell.
type StreamInfo struct {
	Name     string `json:"name"`
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`
	MaxBytes int64  `json:"max_bytes"`
	FirstSeq uint64 `json:"first_seq"`
	LastSeq  uint64 `json:"last_seq"`
	Error    string `json:"error,omitempty"`
}

// infoTimeout bounds Info: it is asked by people.
const infoTimeout = 2 * time.Second

// Info asks the server for the streams' state, for at most 2 s in all.
func (c *Conn) Info() Info {
	info := Info{
		Embedded:      c.embedded != nil,
		URL:           c.ClientURL(),
		ServerVersion: c.nc.ConnectedServerVersion(),
		Sync:          "by the server",
	}
	if c.embedded != nil {
		info.MaxStore = c.embedded.maxStore
		info.Sync = "always"
		if c.opts.SyncInterval != 0 {
			info.Sync = c.opts.SyncInterval.String()
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), infoTimeout)
	defer cancel()
	for _, name := range []string{StreamEvents, StreamDeferred, StreamAttempts, StreamDeadLetters} {
		info.Streams = append(info.Streams, c.streamInfo(ctx, name))
	}
	return info
}

func (c *Conn) streamInfo(ctx context.Context, name string) StreamInfo {
	return streamInfo(ctx, c.js, name)
}

func streamInfo(ctx context.Context, js jetstream.JetStream, name string) StreamInfo {
	stream, err := js.Stream(ctx, name)
	if err != nil {
		return StreamInfo{Name: name, Error: err.Error()}
	}
	i := stream.CachedInfo()
	return StreamInfo{Name: name, Messages: i.State.Msgs, Bytes: i.State.Bytes, MaxBytes: i.Config.MaxBytes,
		FirstSeq: i.State.FirstSeq, LastSeq: i.State.LastSeq}
}

// ClientURL is where producers connect: the embedded server's listener, empty
// where there is none, or Options.URL without user and password.
func (c *Conn) ClientURL() string {
	if c.embedded != nil {
		return c.embedded.url()
	}
	return Redact(c.opts.URL)
}

// Producers is the number of connections to the embedded server's listener.
func (c *Conn) Producers() int {
	if c.embedded == nil {
		return 0
	}
	return max(0, c.embedded.admits.producers.NumLocalConnections()-c.dialled)
}

// Ready is nil, or an error naming what is missing. It sends nothing.
func (c *Conn) Ready() error {
	if err := c.Broken(); err != nil {
		return err
	}
	if status := c.nc.Status(); status != nats.CONNECTED {
		return fmt.Errorf("NATS at %s is away: %s", Redact(c.whereabouts()), status)
	}
	return c.changes.Away()
}

// Broken is an error that only a restart of the process can mend: the embedded
// server has stopped, or JetStream or one of the streams takes no more writes
// after an error of the disk.
func (c *Conn) Broken() error {
	if c.embedded == nil {
		return nil
	}
	if missing := c.embedded.missing(); missing != "" {
		return errors.New(missing)
	}
	return nil
}

// WhyBroken names a broken store as the reason of err, which then tells of an
// answer that did not come.
func (c *Conn) WhyBroken(err error) error {
	broken := c.Broken()
	if broken == nil || !publisher.Unavailable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", transport.ErrUnavailable, broken)
}

func (c *Conn) whereabouts() string {
	if c.embedded != nil {
		return "the embedded server"
	}
	return c.opts.URL
}

// MaxPayload is the most bytes of a message that is stored. The embedded server
// itself takes a little more.
func (c *Conn) MaxPayload() int64 {
	if c.embedded != nil {
		return int64(c.opts.MaxPayload)
	}
	return c.nc.MaxPayload()
}
