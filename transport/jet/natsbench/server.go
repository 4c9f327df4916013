package natsbench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Server is JetStream alone, with one stream of events.
type Server struct{ srv *server.Server }

// Stream is the name of the server's one stream, of events.>.
const Stream = "EVENTS"

// startPatience bounds the start.
const startPatience = time.Minute

// Serve starts one on any port of loopback, with its files in dir; synced: each
// message is synced before it is acknowledged.
func Serve(ctx context.Context, dir string, synced bool) (*Server, error) {
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: dir, SyncAlways: synced, SyncInterval: 2 * time.Minute})
	if err != nil {
		return nil, fmt.Errorf("NATS server: %w", err)
	}
	srv.Start()
	s := &Server{srv}
	if !srv.ReadyForConnections(startPatience) {
		return nil, errors.Join(errors.New("the NATS server did not start"), s.Close())
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) prepare(ctx context.Context) error {
	nc, err := nats.Connect(s.URL())
	if err != nil {
		return fmt.Errorf("connecting to NATS: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("JetStream client: %w", err)
	}
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: Stream, Subjects: []string{"events.>"}, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardNew, Duplicates: 100 * time.Millisecond, AllowDirect: true})
	return err
}

// URL is where producers connect.
func (s *Server) URL() string { return s.srv.ClientURL() }

// Close stops it.
func (s *Server) Close() error {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
	return nil
}
