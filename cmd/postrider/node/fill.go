package node

import (
	"context"
	"sync"
	"time"

	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/telemetry"
)

const (
	// fillKept is how long an answer about the streams counts: however many
	// scrape, the server is asked no more often.
	fillKept = 5 * time.Second
	// fillTime bounds what a scrape waits for the server.
	fillTime = 2 * time.Second
)

// fill is how full the streams are, and how far behind the log the node is, as
// was asked last.
type fill struct {
	mu      sync.Mutex
	at      time.Time
	streams []telemetry.StreamFill
	lag     telemetry.LogLag
}

// stateOfStreams is what a fill knows.
type stateOfStreams struct {
	streams []telemetry.StreamFill
	lag     telemetry.LogLag
}

// now asks where the last answer is too old. While NATS is away nothing is told.
func (f *fill) now(n *Node) stateOfStreams {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := n.now(); f.at.IsZero() || now.Sub(f.at) > fillKept {
		f.at, f.streams, f.lag = now, nil, telemetry.LogLag{}
		f.ask(n)
	}
	return stateOfStreams{f.streams, f.lag}
}

func (f *fill) ask(n *Node) {
	if n.store.Ready() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), fillTime)
	defer cancel()
	routed := n.routedTo() // before the log's end is asked: never too little
	for _, s := range n.store.Fill(ctx) {
		f.streams = append(f.streams, telemetry.StreamFill{Name: s.Name, Messages: s.Messages, Bytes: s.Bytes, MaxBytes: s.MaxBytes})
		if s.Name == jet.StreamEvents && s.LastSeq > routed {
			f.lag.Events = s.LastSeq - routed
		}
	}
	if f.lag.Events == 0 {
		return
	}
	if at, err := n.store.StoredAt(ctx, routed+1); err == nil && !at.IsZero() {
		f.lag.Age = max(0, n.now().Sub(at))
	}
}
