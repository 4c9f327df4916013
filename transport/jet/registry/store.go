package registry

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// Options say what the registry asks others.
type Options struct {
	// LastDetection is the sequence of the last detection that was ever stored:
	// a new alert matches those after it.
	LastDetection func(context.Context) (uint64, error)
}

// Store is the buckets of what people have set up.
type Store struct {
	opts    Options
	conn    *jet.Conn
	js      jetstream.JetStream
	vault   *jet.Vault
	changes *jet.Changes
	log     *slog.Logger
	now     func() time.Time

	endpoints jetstream.KeyValue
	customers jetstream.KeyValue
	alerts    jetstream.KeyValue
	registry  *Registry
	watched   *Alerts
}

// Open makes the buckets where they are not there. Registry and Alerts know
// nothing before they are started.
func Open(ctx context.Context, conn *jet.Conn, o Options) (*Store, error) {
	s := &Store{opts: o, conn: conn, js: conn.JetStream(), vault: conn.Vault(), changes: conn.Changes(), log: conn.Log(), now: conn.Now}
	for _, b := range []struct {
		kv                *jetstream.KeyValue
		name, description string
	}{
		{&s.endpoints, jet.BucketEndpoints, "Postrider: endpoints"},
		{&s.customers, BucketCustomers, "Postrider: customers"},
		{&s.alerts, BucketAlerts, "Postrider: alerts"},
	} {
		var err error
		if *b.kv, err = conn.Bucket(ctx, b.name, b.description); err != nil {
			return nil, err
		}
	}
	s.registry, s.watched = newRegistry(s), newAlerts(s)
	return s, nil
}

// Registry is the store's one registry.
func (s *Store) Registry() *Registry { return s.registry }

// Alerts are the store's one.
func (s *Store) Alerts() *Alerts { return s.watched }

// Close ends the watching.
func (s *Store) Close() {
	s.registry.stop()
	s.watched.stop()
}
