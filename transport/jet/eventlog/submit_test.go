package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// inLog reads message seq of EVENTS as the shard's reader will.
func inLog(t *testing.T, s *Store, seq uint64) *transport.Event {
	t.Helper()
	ctx := jettest.Context(t)
	stream, err := s.js.Stream(ctx, shard.Events())
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetMsg(ctx, seq)
	if err != nil {
		t.Fatal(err)
	}
	ev, letter, err := decodeInbound(ctx, &inbound{Shard: shard, Subject: m.Subject, Header: m.Header, Data: m.Data, Seq: m.Sequence, Stored: m.Time}, s.conn.GetPayload)
	if err != nil || letter != nil {
		t.Fatalf("message %d: %+v, %v", seq, letter, err)
	}
	return ev
}

func TestSubmit(t *testing.T) {
	o := embeddedOptions(t)
	o.SyncInterval = 0
	s := openEmbedded(t, o)
	at := time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.UTC)
	trace := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	evs := []transport.Event{
		{Customer: "acme", Type: "access.granted", ID: "evt 1", Time: at, Traceparent: trace, Data: []byte(`{"a":1}`)},
		{Customer: "acme", Type: "access.denied", Data: []byte(`[]`)},
		{Customer: "beta", Type: "x", Data: []byte(`{"uuid":"u-1","event_type":"access"}`)},
	}
	got, err := s.Submit(jettest.Context(t), evs)
	if err != nil {
		t.Fatal(err)
	}
	want := []transport.Receipt{{ID: "evt%201", Seq: 1}, {ID: "EVENTS-7-2", Seq: 2}, {ID: "u-1", Seq: 3}}
	for i, w := range want {
		if got[i] != w {
			t.Errorf("receipt %d: %+v, want %+v", i, got[i], w)
		}
		ev := inLog(t, s, w.Seq)
		if ev.ID != w.ID || ev.Customer != evs[i].Customer || ev.Type != evs[i].Type || !bytes.Equal(ev.Data, evs[i].Data) {
			t.Errorf("in the log: %+v", ev)
		}
	}
	if ev := inLog(t, s, 1); !ev.Time.Equal(at) || ev.Traceparent != trace || !ev.IDGiven {
		t.Errorf("in the log: %+v", ev)
	}
	if one, err := s.Submit(jettest.Context(t), evs[1:2]); err != nil || one[0] != (transport.Receipt{ID: "EVENTS-7-4", Seq: 4}) {
		t.Errorf("one by itself: %+v, %v", one, err)
	}
}

func TestSubmitRefuses(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ok := transport.Event{Customer: "acme", Type: "a", Data: []byte(`1`)}
	with := func(change func(*transport.Event)) []transport.Event {
		ev := ok
		change(&ev)
		return []transport.Event{ev}
	}
	for name, c := range map[string]struct {
		evs   []transport.Event
		field string
	}{
		"none":           {nil, "events"},
		"too many":       {make([]transport.Event, 1001), "events"},
		"customer":       {with(func(e *transport.Event) { e.Customer = "a b" }), "customer"},
		"empty token":    {with(func(e *transport.Event) { e.Type = "a..b" }), "type"},
		"wildcard":       {with(func(e *transport.Event) { e.Type = "a.>" }), "type"},
		"ours":           {with(func(e *transport.Event) { e.Type = "ops.endpoint.failing" }), "type"},
		"long id":        {with(func(e *transport.Event) { e.ID = strings.Repeat("i", 257) }), "id"},
		"id with a line": {with(func(e *transport.Event) { e.ID = "a\r\nNats-Rollup: all" }), "id"},
		"not JSON":       {with(func(e *transport.Event) { e.Data = []byte("{") }), "data"},
		"no data":        {with(func(e *transport.Event) { e.Data = nil }), "data"},
		"9 MiB":          {with(func(e *transport.Event) { e.Data = jettest.BigDocument(9 << 20) }), "data"},
		"uuid too long": {with(func(e *transport.Event) {
			e.Data = []byte(`{"event_type":"x","uuid":"` + strings.Repeat("u", 300) + `"}`)
		}), "data.uuid"},
		"one of two": {append([]transport.Event{ok}, with(func(e *transport.Event) { e.Type = "" })...), "events[1].type"},
	} {
		if _, err := s.Submit(jettest.Context(t), c.evs); jettest.FieldName(err) != c.field {
			t.Errorf("%s: %v; want a FieldError of %s", name, err, c.field)
		}
	}
	if got := jettest.StreamState(t, s.js, shard.Events()).LastSeq; got != 0 {
		t.Errorf("%d were stored all the same", got)
	}
}

func TestSubmitBigPayload(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	for _, n := range []int{1<<20 - 2000, 1<<20 - 300, 1 << 20, 1<<20 + 1, 8 << 20} {
		data := jettest.BigDocument(n)
		got, err := s.Submit(jettest.Context(t), []transport.Event{
			{Customer: "acme", Type: "a", Data: []byte(`"small"`)}, {Customer: "acme", Type: "a", ID: "big", Data: data}})
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		ev := inLog(t, s, got[1].Seq)
		if !bytes.Equal(ev.Data, data) || ev.ID != "big" || (ev.Object != "") != (n > 1<<20-600) {
			t.Errorf("%d bytes came back as %d, object %q", n, len(ev.Data), ev.Object)
		}
	}
}

func TestPayloads(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	data := jettest.BigDocument(3 << 20)
	if err := s.conn.PutPayload(ctx, "a/b c.>", data); err != nil {
		t.Fatal(err)
	}
	if got, err := s.conn.GetPayload(ctx, "a/b c.>"); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for range 2 {
		if err := s.conn.DeletePayload(ctx, "a/b c.>"); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"a/b c.>", "never"} {
		if _, err := s.conn.GetPayload(ctx, name); !errors.Is(err, transport.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	info, err := s.js.Stream(ctx, "OBJ_"+jet.BucketPayloads)
	if err != nil {
		t.Fatal(err)
	}
	if state := info.CachedInfo().State; state.Bytes > 10_000 {
		t.Errorf("%d bytes are left behind", state.Bytes)
	}
}

func TestSubmitConcurrently(t *testing.T) {
	o := embeddedOptions(t)
	o.SyncInterval = 0
	s := openEmbedded(t, o)
	ctx := jettest.Context(t)
	var mu sync.Mutex
	seqs := map[uint64]string{}
	var wg sync.WaitGroup
	for g := range 50 {
		wg.Go(func() {
			for i := range 20 {
				id := fmt.Sprintf("%d-%d", g, i)
				got, err := s.Submit(ctx, []transport.Event{
					{Customer: "acme", Type: "a", ID: id, Data: []byte(`1`)}, {Customer: "acme", Type: "b", ID: id + "b", Data: []byte(`2`)}})
				if err != nil {
					t.Error(err)
					return
				}
				if got[1].Seq != got[0].Seq+1 {
					t.Errorf("a call's events lie at %d and %d", got[0].Seq, got[1].Seq)
				}
				mu.Lock()
				seqs[got[0].Seq], seqs[got[1].Seq] = id, id+"b"
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seqs) != 2000 {
		t.Fatalf("%d sequences for 2000 events", len(seqs))
	}
	for _, seq := range []uint64{1, 2, 777, 1500, 2000} {
		if ev := inLog(t, s, seq); ev.ID != seqs[seq] {
			t.Errorf("message %d is %q, the receipt said %q", seq, ev.ID, seqs[seq])
		}
	}
}
