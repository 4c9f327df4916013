package jet

import (
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// Options say where JetStream is and how it keeps things.
type Options struct {
	// URL of an external server or cluster; empty: a server is embedded.
	URL string
	// Credentials is a NATS credentials file for URL, or empty.
	Credentials string
	// DataDir holds the embedded server's files.
	DataDir string
	// Listen is the host:port where the embedded server takes producers;
	// empty: none. AnyPort takes a free port where it is occupied.
	Listen  string
	AnyPort bool
	// User and Password, or Token, are asked of producers; without them (and
	// without TLS client checks) only loopback may be listened on.
	User, Password, Token string
	TLSCert, TLSKey       string
	// TLSCA is a PEM file; where set, producers must show a certificate it signed.
	TLSCA string
	// SyncInterval is how long the embedded server may keep writes unsynced;
	// 0: each write is synced before it is acknowledged.
	SyncInterval time.Duration
	// Connections bounds the producers connected to Listen at once; 0: 1,024.
	Connections int
	// Refused is told of each producer that Connections refused; nil: nobody.
	Refused func()
	// MaxPayload is the embedded server's message limit in bytes; 0: 1 MiB.
	MaxPayload int32
	// MaxStore bounds the embedded server's disk use in bytes; 0: the free disk less 10 %.
	MaxStore int64
	// EventsKeep and AttemptsKeep: how long acked events and the journal are
	// kept; 0: 7 days.
	EventsKeep, AttemptsKeep time.Duration
	// DetectionsKeep is how long detections are kept; 0: 30 days.
	DetectionsKeep time.Duration
	// DeadLettersKeep is how long dead letters are kept; 0: for ever.
	DeadLettersKeep time.Duration
	// Window is the most events of a shard in hand; 0: 16384.
	Window int
	// DedupTime is how far back Recover looks for event ids; 0: 2 minutes.
	DedupTime time.Duration
	// MasterKey seals secrets and header values in the registry: 32 bytes.
	MasterKey []byte
	// PreviousMasterKey opens what was sealed before MasterKey was; empty: none.
	PreviousMasterKey []byte
	// NodeID names this node run in publish ids; empty: random.
	NodeID string
	// NotTaken is told of n messages of producers that the embedded server did
	// not store, of which stream (empty: not known), and why; nil: nobody.
	NotTaken func(stream, reason string, n int)
	// Unreadable is told why a document of the log was buried unread; nil: nobody.
	Unreadable func(reason string)
	Logger     *slog.Logger
	// Journaled is told of each try to write a batch of the journal: its
	// records, how long it took, and the error; nil: nobody.
	Journaled func(records int, took time.Duration, err error)
	// LostTail is told of each stream that Recover found without its end; nil:
	// nobody.
	LostTail func(transport.LostTail)
	// ListenLater leaves the door to producers closed until Listen is called.
	ListenLater bool
	// Now is the node's clock; nil: time.Now.
	Now func() time.Time
}

// Store is everything Postrider keeps in JetStream: on one connection, and one
// for changes.
type Store struct {
	opts Options
	nc   *nats.Conn
	js   jetstream.JetStream
	log  *slog.Logger
	now  func() time.Time

	embedded *embedded // nil with an external server

	clock      serverClock
	watchClock time.Duration // how often the server's clock is looked at

	vault     *vault
	endpoints jetstream.KeyValue
	customers jetstream.KeyValue
	payloads  jetstream.ObjectStore
	alerts    jetstream.KeyValue
	runs      jetstream.KeyValue
	cursors   jetstream.KeyValue
	registry  *Registry
	// alertRegistry has the alerts, as registry has the endpoints.
	alertRegistry *Alerts
	producers     producers
	submits       *publisher.Committer
	moves         *publisher.Costs
	reached       progress
	reconnects    reconnects
	link          link
	changes       changes
	closing       sync.Once
	closed        error
}

// Names of the streams and buckets of a node with one shard.
const (
	StreamEvents      = transport.StreamEvents
	StreamDeferred    = transport.StreamDeferred
	StreamAttempts    = transport.StreamAttempts
	StreamDeadLetters = "DEADLETTERS"
	BucketEndpoints   = "ENDPOINTS"
	BucketCustomers   = "CUSTOMERS"
	BucketPayloads    = "PAYLOADS"
	BucketMemory      = "MEMORY"

	consumerName = "shard"
	shard        = 0
)

// Subjects.
const (
	subjectEvents      = "events.>"
	subjectOps         = "ops.>"
	subjectFill        = "fill.>"        // fill.<shard>: in the places of what was lost
	subjectPark        = "park.>"        // see parked
	subjectDue         = "due.>"         // see parked
	subjectAttempts    = "attempts.>"    // attempts.<shard>
	subjectDeadLetters = "deadletters.>" // deadletters.<customer|_>.<endpoint|_>
)

// Headers of ours on messages.
const (
	headerID     = publisher.HeaderID      // an event id set by us where Nats-Msg-Id would refuse a whole batch
	headerObject = "Postrider-Object"      // the payload is in BucketPayloads under this name
	headerTime   = publisher.HeaderTime    // RFC 3339 time of an event published by HTTP
	headerCloud  = "Postrider-Cloud-Event" // the attributes of a CloudEvent published by HTTP, as JSON
	headerData   = "Postrider-Data"        // "json": the document is data, though it looks like a CloudEvent
)
