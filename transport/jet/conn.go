package jet

import (
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Conn is the connection to JetStream, embedded or elsewhere, and one for
// changes; and what all that keep something there share.
type Conn struct {
	opts Options
	nc   *nats.Conn
	js   jetstream.JetStream
	log  *slog.Logger
	now  func() time.Time

	embedded *embedded // nil with an external server

	vault      *Vault // nil beside a node
	payloads   jetstream.ObjectStore
	reconnects reconnects
	link       link
	gets       gets
	changes    Changes
	dialled    int // connections of this process in the producers' account
	closing    sync.Once
	closed     error
}

// NATS is the node's connection.
func (c *Conn) NATS() *nats.Conn { return c.nc }

// JetStream is JetStream by the node's connection.
func (c *Conn) JetStream() jetstream.JetStream { return c.js }

// Log is where what happens is told.
func (c *Conn) Log() *slog.Logger { return c.log }

// Now is the node's clock.
func (c *Conn) Now() time.Time { return c.now() }

// Vault seals what must not be readable at rest.
func (c *Conn) Vault() *Vault { return c.vault }

// Changes is the connection for what somebody waits for.
func (c *Conn) Changes() *Changes { return &c.changes }

// Embedded tells that the server is in this process.
func (c *Conn) Embedded() bool { return c.embedded != nil }

// Listens tells that the embedded server is to take producers.
func (c *Conn) Listens() bool { return c.embedded != nil && c.embedded.listens }

// DialProducers makes a connection of this process in the producers' account,
// which sees what they publish. It is called before Listen.
func (c *Conn) DialProducers(options ...nats.Option) (*nats.Conn, error) {
	c.dialled++
	return nats.Connect("", append(append(c.connOptions(), options...), nats.InProcessServer(c.embedded.srv),
		nats.UserInfo(gateUser, c.embedded.admits.nodePassword))...)
}
