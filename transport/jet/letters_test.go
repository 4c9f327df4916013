package jet

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func testLetter(seq uint64, customer, endpoint, reason string) *transport.DeadLetter {
	return &transport.DeadLetter{Customer: customer, Endpoint: endpoint, Reason: reason, Detail: "three attempts",
		At: testTime, LastAnswer: []byte("<no>"),
		Tries: []transport.Try{{At: testTime, Took: 1500 * time.Millisecond, Status: 500, Class: transport.Failed, Reason: "status"}},
		Event: &transport.Event{Seq: seq, ID: "e", IDGiven: true, Customer: customer, Type: "access.granted", Source: "/s",
			Time: testTime, Stored: testTime, Data: []byte(`{"b" :"<&>",  "a":1}`)}}
}

func bury(t testing.TB, s *Store, letters ...*transport.DeadLetter) {
	t.Helper()
	g := s.Graveyard()
	w := newCountdown(len(letters))
	for _, d := range letters {
		g.Bury(d, w)
	}
	w.wait(t)
	shutWith(t, g.Close)
}

func TestLetterComesBackAsItWas(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	want := testLetter(5, "acme", endpointA, transport.ReasonExhausted)
	want.Replay = 3
	binary := testLetter(6, "acme", endpointA, transport.ReasonExhausted)
	binary.LastAnswer = []byte{0xff, 0}
	bury(t, s, want, binary)
	for i, want := range []*transport.DeadLetter{want, binary} {
		got, err := s.DeadLetter(testContext(t), uint64(i+1))
		want.ID = uint64(i + 1)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n got %+v %+v\nwant %+v %+v", err, got, got.Event, want, want.Event)
		}
	}
	if _, err := s.DeadLetter(testContext(t), 99); !errors.Is(err, transport.ErrNotFound) {
		t.Errorf("a letter that is not there: %v", err)
	}
	bury(t, s, want) // the same pair again, as after a crash
	if n := streamState(t, s, StreamDeadLetters).Msgs; n != 2 {
		t.Errorf("%d letters", n)
	}
}

func TestLetterIsJSONThatPeopleCanRead(t *testing.T) {
	l, data := newLetterJSON(testLetter(5, "acme", "e1", "retries_exhausted"))
	got := encodeLetter(l, data)
	const want = `{"reason":"retries_exhausted","detail":"three attempts","at":"2026-03-01T12:00:00.123456789Z","customer":"acme","endpoint":"e1",` +
		`"tries":[{"at":"2026-03-01T12:00:00.123456789Z","took":"1.5s","status":500,"class":"failed","reason":"status"}],"last_answer":"<no>",` +
		`"event":{"seq":5,"id":"e","id_given":true,"type":"access.granted","source":"/s","time":"2026-03-01T12:00:00.123456789Z",` +
		`"stored":"2026-03-01T12:00:00.123456789Z","data":{"b" :"<&>",  "a":1}}}`
	if string(got) != want || !json.Valid(got) {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestLetterOfALargeEventRefersToAnObject(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	d := testLetter(5, "acme", endpointA, transport.ReasonExhausted)
	d.Event.Data = sampleDocument(1<<20 - 10)
	bury(t, s, d)
	got, err := s.DeadLetter(testContext(t), 1)
	if err != nil || got.Event.Object == "" || got.Event.Data != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	data, err := s.GetPayload(testContext(t), got.Event.Object)
	if err != nil || string(data) != string(d.Event.Data) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestListingLetters(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	var all []*transport.DeadLetter
	for i := range 700 {
		customer, endpoint, reason := "acme", endpointA, transport.ReasonExpired
		if i%7 == 0 {
			customer, endpoint = "other", endpointB
		}
		if i == 3 {
			reason = transport.ReasonPanic
		}
		all = append(all, testLetter(uint64(i+1), customer, endpoint, reason))
	}
	bury(t, s, all...)
	var ids []uint64
	f := transport.LetterFilter{Customer: "other", Limit: 30}
	for {
		page, next, err := s.DeadLetters(testContext(t), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page {
			if d.Customer != "other" || d.Endpoint != endpointB || len(ids) > 0 && d.ID >= ids[len(ids)-1] {
				t.Fatalf("%+v after %v", d, ids)
			}
			ids = append(ids, d.ID)
		}
		if f.Before = next; next == 0 {
			break
		}
	}
	if len(ids) != 100 {
		t.Errorf("%d letters of the other customer", len(ids))
	}
	page, next, err := s.DeadLetters(testContext(t), transport.LetterFilter{Reason: transport.ReasonPanic, Endpoint: endpointA})
	if err != nil || len(page) != 1 || next != 0 {
		t.Errorf("%+v, %d, %v", page, next, err)
	}
	for _, f := range []transport.LetterFilter{{Customer: "a b"}, {Endpoint: "a.>"}, {Limit: 501}} {
		if _, _, err := s.DeadLetters(testContext(t), f); fieldName(err) == "" {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func TestReplayingALetter(t *testing.T) {
	o := embeddedOptions(t)
	o.Now = func() time.Time { return testTime } // a clock that stands still
	s := openEmbedded(t, o)
	sink := newSink(10)
	startConsuming(t, s, sink)
	bury(t, s, testLetter(5, "acme", endpointA, transport.ReasonExhausted))
	first, err := s.ReplayDeadLetter(testContext(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.ReplayDeadLetter(testContext(t), 1)
	if err != nil || first == second || first == 0 {
		t.Fatalf("%d, then %d, %v", first, second, err)
	}
	seen := map[uint64]bool{}
	for range 2 {
		got := receiveFrom(t, sink.due, "the replay")
		e := got.seg.Entries[0]
		if got.seg.Endpoint != endpointA || got.seg.Customer != "acme" || len(e.Tries) != 0 || e.Event.ID != "e" || string(e.Event.Data) != `{"b" :"<&>",  "a":1}` {
			t.Errorf("%+v", e)
		}
		seen[e.Replay] = true
		got.h.Ack()
	}
	if !seen[first] || !seen[second] {
		t.Errorf("%v", seen)
	}
	if _, err := s.DeadLetter(testContext(t), 1); err != nil {
		t.Errorf("the letter stays: %v", err)
	}
	if _, err := s.ReplayDeadLetter(testContext(t), 9); !errors.Is(err, transport.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
