package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// With NATS away every change is refused at once, and is not there when NATS
// is back; made again it is there once.
func TestWhatIsRefusedIsNeverThere(t *testing.T) {
	nats := jettest.StartBare(t)
	s := openBare(t, nats)
	r, alerts := startRegistry(t, s), startAlerts(t, s)
	ep, another := create(t, r, jettest.Endpoint("acme", "https://example.com/1")), jettest.Endpoint("acme", "https://example.com/2")
	alert := createAlert(t, alerts, jettest.Alert("acme", "hot"))
	moreAlert := jettest.Alert("acme", "hot")
	revoked, err := s.Settings.Revoked(jettest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	replays, err := s.Replays(jettest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	answers, err := s.Settings.Answers(jettest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	edited, editedAlert := *ep, alert.Alert
	edited.Name, editedAlert.AlertName = "edited", "edited"
	event := transport.Event{Customer: "acme", Type: "a", ID: "e-1", Data: []byte(`1`)}
	large := event
	large.ID, large.Data = "e-2", []byte(`"`+strings.Repeat("x", 2<<20)+`"`)
	changes := map[string]func(ctx context.Context) error{
		"add an endpoint": func(ctx context.Context) error { _, err := r.CreateEndpoint(ctx, another); return err },
		"edit it":         func(ctx context.Context) error { _, err := r.UpdateEndpoint(ctx, &edited); return err },
		"remove it":       func(ctx context.Context) error { _, err := r.RemoveEndpoint(ctx, ep.ID); return err },
		"add a customer":  func(ctx context.Context) error { return r.CreateCustomer(ctx, &transport.Customer{ID: "new"}) },
		"add an alert":    func(ctx context.Context) error { _, err := alerts.CreateAlert(ctx, moreAlert); return err },
		"edit an alert": func(ctx context.Context) error {
			_, err := alerts.UpdateAlert(ctx, &editedAlert, alert.Revision)
			return err
		},
		"remove an alert": func(ctx context.Context) error { _, err := alerts.RemoveAlert(ctx, alert.ID); return err },
		"run alerts": func(ctx context.Context) error {
			_, err := s.Runs.StartRun(ctx, transport.RunKey{Customer: "acme", Type: "hot"}, false)
			return err
		},
		"revoke a token":  func(ctx context.Context) error { return revoked.Revoke(ctx, "jti", time.Time{}) },
		"note a replay":   func(ctx context.Context) error { return replays.Keep(ctx, "replay", []byte(`1`)) },
		"replay an event": func(ctx context.Context) error { _, err := s.Deferred.Replay(ctx, ep.ID, &event); return err },
		"keep an answer":  func(ctx context.Context) error { _, err := answers.Claim(ctx, "key", []byte(`1`)); return err },
		"publish by HTTP": func(ctx context.Context) error { _, err := s.Events.Submit(ctx, []transport.Event{event}); return err },
		"publish much":    func(ctx context.Context) error { _, err := s.Events.Submit(ctx, []transport.Event{large}); return err },
		"replay much":     func(ctx context.Context) error { _, err := s.Deferred.Replay(ctx, ep.ID, &large); return err },
		"store a payload": func(ctx context.Context) error { return s.Changes().PutPayload(ctx, "event-1", large.Data) },
		"purge the graves": func(ctx context.Context) error {
			_, err := s.Letters.PurgeDeadLetters(ctx, transport.LetterFilter{})
			return err
		},
	}
	before := lastOf(t, s)
	nats.Stop()
	jettest.Eventually(t, func() bool { return s.Changes().Away() != nil && s.Away() != nil })
	// No deadline: what waits for NATS would wait for ever.
	for name, change := range changes {
		if err := change(t.Context()); !errors.Is(err, transport.ErrUnavailable) || errors.Is(err, transport.ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	nats.Start()
	backAgain(t, s)
	if err := s.NATS().FlushTimeout(10 * time.Second); err != nil { // whatever was kept back has left by then
		t.Fatal(err)
	}
	for stream, last := range lastOf(t, s) {
		if last != before[stream] {
			t.Errorf("%s went on from %d to %d", stream, before[stream], last)
		}
	}
	for _, name := range []string{"add an endpoint", "add a customer", "add an alert", "publish by HTTP", "publish much"} {
		if err := changes[name](jettest.Context(t)); err != nil {
			t.Errorf("%s, again: %v", name, err)
		}
	}
	if n := len(r.Endpoints("acme")); n != 2 {
		jettest.Eventually(t, func() bool { return len(r.Endpoints("acme")) == 2 })
	}
}

// lastOf gives the last sequence of every stream.
func lastOf(t *testing.T, s *Store) map[string]uint64 {
	t.Helper()
	all, list := map[string]uint64{}, s.JetStream().ListStreams(jettest.Context(t))
	for info := range list.Info() {
		all[info.Config.Name] = info.State.LastSeq
	}
	if list.Err() != nil {
		t.Fatal(list.Err())
	}
	return all
}

// The connection is lost after a change was stored and before its answer: it
// is told as not known, and the same again makes no second.
func TestAChangeWhoseAnswerIsLost(t *testing.T) {
	server := jettest.StartBare(t)
	line := newDeafLine(t, strings.TrimPrefix(server.Server.ClientURL(), "nats://"))
	s := openEmbedded(t, externalOptions("nats://"+line.address))
	r := startRegistry(t, s)
	ep := create(t, r, jettest.Endpoint("acme", "https://example.com/1"))

	another := jettest.Endpoint("acme", "https://example.com/2")
	another.Profile = "custom" // no claim of its URL before
	line.deafen(`"stream":"KV_ENDPOINTS"`)
	if _, err := r.CreateEndpoint(t.Context(), another); !errors.Is(err, transport.ErrUnknown) {
		t.Fatalf("the answer was lost, and it says %v", err)
	}
	backAgain(t, s)
	if _, err := r.CreateEndpoint(jettest.Context(t), another); !errors.Is(err, transport.ErrConflict) {
		t.Errorf("the same again: %v", err)
	}
	jettest.Eventually(t, func() bool { return len(r.Endpoints("acme")) == 2 })

	edited := *ep
	edited.Name = "edited"
	line.deafen(`"stream":"KV_ENDPOINTS"`)
	if _, err := r.UpdateEndpoint(t.Context(), &edited); !errors.Is(err, transport.ErrUnknown) {
		t.Fatalf("the answer was lost, and it says %v", err)
	}
	backAgain(t, s)
	if _, err := r.UpdateEndpoint(jettest.Context(t), &edited); !errors.Is(err, transport.ErrConflict) {
		t.Errorf("the same again: %v", err)
	}

	event := []transport.Event{{Customer: "acme", Type: "a", ID: "e-1", Data: []byte(`1`)}}
	line.deafen(`"stream":"EVENTS"`)
	if _, err := s.Events.Submit(t.Context(), event); !errors.Is(err, transport.ErrUnknown) {
		t.Errorf("the answer was lost, and it says %v", err)
	}
}

// backAgain waits until both connections that were cut are there anew. Each
// notices the cut by itself, the one that nobody used meanwhile later than the
// other: only an answer tells that it is a new one.
func backAgain(t *testing.T, s *Store) {
	t.Helper()
	jettest.Eventually(t, func() bool {
		for _, nc := range []*nats.Conn{s.NATS(), s.Changes().JS.Conn()} {
			if nc.FlushTimeout(time.Second) != nil {
				return false
			}
		}
		return s.Ready() == nil && s.Changes().Away() == nil
	})
}

// deafLine passes connections on to a server. Deaf, it breaks them all instead
// of passing on an answer that holds some text.
type deafLine struct {
	address string
	mu      sync.Mutex
	text    string
	conns   []net.Conn
}

func newDeafLine(t *testing.T, to string) *deafLine {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	d := &deafLine{address: l.Addr().String()}
	t.Cleanup(func() { l.Close(); d.cut(); work.Wait() })
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", to)
			if err != nil {
				c.Close()
				continue
			}
			d.mu.Lock()
			d.conns = append(d.conns, c, s)
			d.mu.Unlock()
			work.Go(func() { _, _ = io.Copy(s, c); s.Close() })
			work.Go(func() { d.answers(c, s); c.Close() })
		}
	})
	return d
}

func (d *deafLine) deafen(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.text = text
}

func (d *deafLine) answers(to, from net.Conn) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		d.mu.Lock()
		lost := d.text != "" && bytes.Contains(buffer[:n], []byte(d.text))
		if lost {
			d.text = ""
		}
		d.mu.Unlock()
		if lost {
			d.cut()
			return
		}
		if _, werr := to.Write(buffer[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (d *deafLine) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		c.Close()
	}
	d.conns = nil
}
