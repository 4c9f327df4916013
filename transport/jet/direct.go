package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What a direct get is answered with, beside the message's own headers.
const (
	headerStatus   = "Status"
	statusNotFound = "404"
	// mostGets is how many are under way at a time: more cost no less each.
	mostGets = 256
)

// gets are direct gets under way, each answered on a subject of its own below one
// that is subscribed once: a request each would make it a channel and a timer.
type gets struct {
	once sync.Once
	room chan struct{} // a place for each

	mu     sync.Mutex
	inbox  string
	sub    *nats.Subscription
	number uint64
	asked  map[string]func(*nats.Msg)
}

// Messages reads messages of a stream by their sequences, many at a time, and
// tells each that is there, by its place in seqs, in any order. One that is not
// told is not there, as far as the server that answered knows: on a stream with
// replicas that may be one that is behind.
func (c *Conn) Messages(ctx context.Context, stream string, seqs []uint64, each func(i int, m *jetstream.RawStreamMsg)) error {
	ctx, cancel := context.WithTimeout(ctx, APITimeout)
	defer cancel()
	ctx, unlink, err := c.Linked(ctx)
	if err != nil {
		return err
	}
	defer unlink()
	c.gets.once.Do(func() { c.gets.room = make(chan struct{}, mostGets) })
	answers := make(chan got, len(seqs))
	var asked []string
	defer func() { c.gets.forget(asked) }()
	for i, seq := range seqs {
		select {
		case c.gets.room <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("reading %s: %w", stream, ctx.Err())
		}
		reply, err := c.gets.ask(c.nc, func(m *nats.Msg) {
			<-c.gets.room
			answers <- got{i, m}
		})
		if err != nil {
			<-c.gets.room
			return err
		}
		asked = append(asked, reply)
		if err := c.nc.PublishRequest("$JS.API.DIRECT.GET."+stream, reply, []byte(`{"seq":`+strconv.FormatUint(seq, 10)+`}`)); err != nil {
			return err
		}
	}
	for range seqs {
		select {
		case a := <-answers:
			m, err := readDirect(a.answer)
			if err != nil {
				return fmt.Errorf("message %d of %s: %w", seqs[a.place], stream, err)
			}
			if m != nil {
				each(a.place, m)
			}
		case <-ctx.Done():
			return fmt.Errorf("reading %s: %w", stream, ctx.Err())
		}
	}
	return nil
}

// got is an answer to the get of that place.
type got struct {
	place  int
	answer *nats.Msg
}

// ask gives the subject on which the answer is to come.
func (g *gets) ask(nc *nats.Conn, answered func(*nats.Msg)) (reply string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sub == nil {
		g.inbox, g.asked = nc.NewInbox()+".", map[string]func(*nats.Msg){}
		if g.sub, err = nc.Subscribe(g.inbox+"*", g.answered); err != nil {
			return "", err
		}
		if err := g.sub.SetPendingLimits(-1, -1); err != nil { // room bounds them
			return "", err
		}
	}
	g.number++
	reply = g.inbox + strconv.FormatUint(g.number, 36)
	g.asked[reply] = answered
	return reply, nil
}

func (g *gets) answered(m *nats.Msg) {
	g.mu.Lock()
	told := g.asked[m.Subject]
	delete(g.asked, m.Subject)
	g.mu.Unlock()
	if told != nil {
		told(m)
	}
}

// forget drops those that nobody waits for any more, with the room they have.
func (g *gets) forget(replies []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, reply := range replies {
		if g.asked[reply] != nil {
			delete(g.asked, reply)
			<-g.room
		}
	}
}

// readDirect reads the answer to a direct get; nil where there is no such message.
func readDirect(answer *nats.Msg) (*jetstream.RawStreamMsg, error) {
	h := answer.Header
	switch status := h.Get(headerStatus); {
	case status == statusNotFound:
		return nil, nil
	case h.Get(jetstream.StreamHeader) == "":
		return nil, fmt.Errorf("%w: %s %s", errNotGot, status, h.Get("Description"))
	}
	seq, err := strconv.ParseUint(h.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return nil, errNotGot
	}
	at, err := time.Parse(time.RFC3339Nano, h.Get(jetstream.TimeStampHeaer))
	if err != nil {
		return nil, errNotGot
	}
	m := &jetstream.RawStreamMsg{Subject: h.Get(jetstream.SubjectHeader), Sequence: seq, Time: at, Data: answer.Data, Header: h}
	for _, own := range []string{jetstream.StreamHeader, jetstream.SequenceHeader, jetstream.TimeStampHeaer, jetstream.SubjectHeader, jetstream.LastSequenceHeader} {
		h.Del(own)
	}
	return m, nil
}

var errNotGot = errors.New("the answer to a direct get is none")
