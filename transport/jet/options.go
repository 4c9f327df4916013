package jet

import (
	"log/slog"
	"time"

	"github.com/postrider/postrider/transport/certificates"
)

// Options say where JetStream is and how it keeps things.
type Options struct {
	// URL of an external server or cluster; empty: a server is embedded.
	URL string
	// Credentials is a NATS credentials file for URL, or empty.
	Credentials string
	// NKey is a file with the seed of an nkey to sign in with at URL, or empty.
	NKey string
	// TLS is for a URL with a CA of its own, or that asks for a certificate; the
	// files are read at each connection. With it the connection is always TLS.
	TLS certificates.Client
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
	// Staging is a folder in memory where the embedded server puts batches together,
	// StagingAuto, or StagingOff; empty: StagingOff.
	Staging string
	// Connections bounds the producers connected to Listen at once; 0: 1,024.
	Connections int
	// Refused is told of each producer that Connections refused; nil: nobody.
	Refused func()
	// MaxPayload is the embedded server's message limit in bytes; 0: 1 MiB.
	MaxPayload int32
	// MaxStore bounds the embedded server's disk use in bytes; 0: the free disk less 10 %.
	MaxStore int64
	// MasterKey seals secrets and header values in the registry: 32 bytes.
	MasterKey []byte
	// PreviousMasterKey opens what was sealed before MasterKey was; empty: none.
	PreviousMasterKey []byte
	// NodeID names this node run in publish ids; empty: random.
	NodeID string
	Logger *slog.Logger
	// Now is the node's clock; nil: time.Now.
	Now func() time.Time
}
