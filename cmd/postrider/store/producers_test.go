package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/jet/publisher"
)

func producer(t testing.TB, s *Store) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc := jettest.Connect(t, s.ClientURL())
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return nc, js
}

// TestAnIdIsTheCustomers: JetStream's own dedup knows no customers, so that of
// two customers' events with one id one would be lost.
func TestAnIdIsTheCustomers(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	_, js := producer(t, s)
	for i, c := range []struct {
		subject, id string
		seq         uint64
		duplicate   bool
	}{
		{"events.acme.a", "1", 1, false}, {"events.zeta.a", "1", 2, false}, {"events.acme.b", "1", 1, true},
		{"events.zeta.a", " 1 ", 2, true}, {"events.acme.a", "2", 3, false}, {"events.acme.a", "", 4, false}, {"events.acme.a", "", 5, false},
	} {
		m := nats.NewMsg(c.subject)
		m.Data = []byte(`{}`)
		if c.id != "" {
			m.Header.Set(jetstream.MsgIDHeader, c.id)
		}
		ack, err := js.PublishMsg(ctx, m)
		if err != nil || ack.Sequence != c.seq || ack.Duplicate != c.duplicate || ack.Stream != jet.StreamEvents {
			t.Errorf("%d: %+v, %v", i, ack, err)
		}
	}
	stream, err := s.JetStream().Stream(ctx, jet.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetMsg(ctx, 2)
	if err != nil || m.Subject != "events.zeta.a" || m.Header.Get(jet.HeaderID) != "1" || m.Header.Get(jetstream.MsgIDHeader) != "" {
		t.Errorf("stored: %+v, %v", m, err)
	}
}

// TestIdsAreKnownAfterAStart: what was acknowledged before is a duplicate after.
func TestIdsAreKnownAfterAStart(t *testing.T) {
	o := embeddedOptions(t)
	s := openEmbedded(t, o)
	ctx := jettest.Context(t)
	_, js := producer(t, s)
	for _, subject := range []string{"events.acme.a", "detections.x"} {
		for i := range 3 {
			if _, err := js.Publish(ctx, subject, []byte(`{}`), jetstream.WithMsgID(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	jettest.ShutWith(t, s.Close)
	s = openEmbedded(t, o)
	_, js = producer(t, s)
	for _, subject := range []string{"events.acme.a", "detections.x"} {
		ack, err := js.Publish(ctx, subject, []byte(`{}`), jetstream.WithMsgID("1"))
		if err != nil || !ack.Duplicate || ack.Sequence != 2 {
			t.Errorf("%s: %+v, %v", subject, ack, err)
		}
	}
	if ack, err := js.Publish(ctx, "events.zeta.a", []byte(`{}`), jetstream.WithMsgID("1")); err != nil || ack.Duplicate {
		t.Errorf("another's: %+v, %v", ack, err)
	}
}

// TestRefusalsSayWhatToDo: as errors that clients know, and without a reply as
// before: a dead letter where the document is at fault.
func TestRefusalsSayWhatToDo(t *testing.T) {
	o := embeddedOptions(t)
	var mu sync.Mutex
	counted := map[string]int{}
	o.NotTaken = func(stream, reason string, n int) {
		mu.Lock()
		defer mu.Unlock()
		counted[stream+" "+reason] += n
	}
	s := openEmbedded(t, o)
	ctx := jettest.Context(t)
	nc, js := producer(t, s)
	for _, c := range []struct {
		subject, data, header, value string
		code                         jetstream.ErrorCode
		says                         string
	}{
		{"events.acme", `{}`, "", "", 10003, "not events.<customer>.<type>"},
		{"events.acme.ops.x", `{}`, "", "", 10003, "published by Postrider alone"},
		{"events.acme.a", `{'a'}`, "", "", 10003, "not_json"},
		{"events.acme.a", `{}`, "Nats-Msg-Id", strings.Repeat("a", 300), 10003, "at most 256"},
		{"events.acme.a", `{}`, "Nats-Expected-Stream", "OTHER", 10060, "this is EVENTS"},
		{"events.acme.a", `{}`, "Nats-TTL", "1s", 10166, "leave it out"},
		{"events.acme.a", `"` + strings.Repeat("x", 1<<20) + `"`, "", "", 10054, "publish it by HTTP"},
		{"events.acme.a", `{}`, "X", strings.Repeat("x", 64<<10), 10097, "put it into the document"},
		{"detections.a", `{`, "", "", 10003, "not valid JSON"},
	} {
		m := nats.NewMsg(c.subject)
		m.Data = []byte(c.data)
		if c.header != "" {
			m.Header.Set(c.header, c.value)
		}
		_, err := js.PublishMsg(ctx, m)
		var api *jetstream.APIError
		if !errors.As(err, &api) || api.ErrorCode != c.code || !strings.Contains(api.Description, c.says) {
			t.Errorf("%.40s %.20s %s: %v", c.subject, c.data, c.header, err)
		}
	}
	if got := jettest.StreamState(t, s.JetStream(), jet.StreamEvents); got.LastSeq != 0 {
		t.Errorf("stored: %+v", got)
	}
	m := nats.NewMsg("events.acme.a")
	m.Header.Set("Nats-Rollup", "all")
	for _, m := range []*nats.Msg{m, {Subject: "events.acme.a", Data: []byte(`{'a'}`)}, {Subject: "events.acme", Data: []byte(`{}`)}} {
		if err := nc.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	jettest.Eventually(t, func() bool { return jettest.StreamState(t, s.JetStream(), jet.StreamEvents).LastSeq == 2 })
	mu.Lock()
	defer mu.Unlock()
	want := map[string]int{"EVENTS subject": 2, "EVENTS document": 2, "EVENTS header": 4, "EVENTS size": 1, "DETECTIONS document": 1}
	if fmt.Sprint(counted) != fmt.Sprint(want) {
		t.Errorf("counted %v, want %v", counted, want)
	}
}

// TestClientsMayLook: some clients ask which stream takes a subject before they
// publish. They are told that, and nothing of what is in it.
func TestClientsMayLook(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	_, js := producer(t, s)
	if _, err := js.Publish(ctx, "events.acme.a", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	for subject, want := range map[string]string{"events.acme.a": jet.StreamEvents, "events.>": jet.StreamEvents, "detections.*": jet.StreamDetections} {
		if name, err := js.StreamNameBySubject(ctx, subject); err != nil || name != want {
			t.Errorf("%s: %s, %v", subject, name, err)
		}
	}
	if name, err := js.StreamNameBySubject(ctx, "due.0.x"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("due: %s, %v", name, err)
	}
	stream, err := js.Stream(ctx, jet.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	info := stream.CachedInfo()
	if info.Config.Name != jet.StreamEvents || fmt.Sprint(info.Config.Subjects) != "[events.>]" || info.State.Msgs != 0 || info.State.LastSeq != 0 {
		t.Errorf("%+v", info)
	}
	if account, err := js.AccountInfo(ctx); err != nil || account.Store != 0 || account.Streams != 2 {
		t.Errorf("%+v, %v", account, err)
	}
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := stream.GetMsg(short, 1); err == nil {
		t.Error("a producer reads")
	}
}

// TestThePublisherFallsBack: batches are the node's alone, so the Publisher
// publishes each event by itself, in order.
func TestThePublisherFallsBack(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	p, err := publisher.Connect(s.ClientURL(), publisher.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	events := make([]publisher.Event, 2500)
	for i := range events {
		events[i] = publisher.Event{Customer: "acme", Type: "a", ID: fmt.Sprint(i), Data: fmt.Append(nil, i)}
	}
	if err := p.PublishAll(ctx, events); err != nil {
		t.Fatal(err)
	}
	stream, err := s.JetStream().Stream(ctx, jet.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{1, 1000, 1001, 2500} {
		if m, err := stream.GetMsg(ctx, seq); err != nil || string(m.Data) != fmt.Sprint(seq-1) {
			t.Errorf("message %d: %v, %v", seq, m, err)
		}
	}
	if got := jettest.StreamState(t, s.JetStream(), jet.StreamEvents).LastSeq; got != 2500 {
		t.Errorf("%d are stored", got)
	}
}
