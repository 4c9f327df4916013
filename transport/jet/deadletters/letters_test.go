package deadletters

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/syntax/cloudevents"
)

func bury(t testing.TB, s *Store, letters ...*transport.DeadLetter) {
	t.Helper()
	g := s.Graveyard()
	w := jettest.NewCountdown(len(letters))
	for _, d := range letters {
		g.Bury(d, w)
	}
	w.Wait(t)
	jettest.ShutWith(t, g.Close)
}

func TestLetterComesBackAsItWas(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	want := jettest.Letter(5, "acme", jettest.EndpointA, transport.ReasonExhausted)
	want.Replay = 3
	binary := jettest.Letter(6, "acme", jettest.EndpointA, transport.ReasonExhausted)
	binary.LastAnswer = []byte{0xff, 0}
	bury(t, s, want, binary)
	for i, want := range []*transport.DeadLetter{want, binary} {
		got, err := s.DeadLetter(jettest.Context(t), uint64(i+1))
		want.ID = uint64(i + 1)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n got %+v %+v\nwant %+v %+v", err, got, got.Event, want, want.Event)
		}
	}
	if _, err := s.DeadLetter(jettest.Context(t), 99); !errors.Is(err, transport.ErrNotFound) {
		t.Errorf("a letter that is not there: %v", err)
	}
	bury(t, s, want) // the same pair again, as after a crash
	if n := jettest.StreamState(t, s.js, shard.DeadLetters()).Msgs; n != 2 {
		t.Errorf("%d letters", n)
	}
}

func TestLetterIsJSONThatPeopleCanRead(t *testing.T) {
	l, data := newLetterJSON(jettest.Letter(5, "acme", "e1", "retries_exhausted"))
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
	d := jettest.Letter(5, "acme", jettest.EndpointA, transport.ReasonExhausted)
	d.Event.Data = jettest.SampleDocument(1<<20 - 10)
	bury(t, s, d)
	got, err := s.DeadLetter(jettest.Context(t), 1)
	if err != nil || got.Event.Object == "" || got.Event.Data != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	data, err := s.conn.GetPayload(jettest.Context(t), got.Event.Object)
	if err != nil || string(data) != string(d.Event.Data) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestListingLetters(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	var all []*transport.DeadLetter
	for i := range 700 {
		customer, endpoint, reason := "acme", jettest.EndpointA, transport.ReasonExpired
		if i%7 == 0 {
			customer, endpoint = "other", jettest.EndpointB
		}
		if i == 3 {
			reason = transport.ReasonPanic
		}
		all = append(all, jettest.Letter(uint64(i+1), customer, endpoint, reason))
	}
	bury(t, s, all...)
	var ids []uint64
	f := transport.LetterFilter{Customer: "other", Limit: 30}
	for {
		page, next, err := s.DeadLetters(jettest.Context(t), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page {
			if d.Customer != "other" || d.Endpoint != jettest.EndpointB || len(ids) > 0 && d.ID >= ids[len(ids)-1] {
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
	page, next, err := s.DeadLetters(jettest.Context(t), transport.LetterFilter{Reason: transport.ReasonPanic, Endpoint: jettest.EndpointA})
	if err != nil || len(page) != 1 || next != 0 {
		t.Errorf("%+v, %d, %v", page, next, err)
	}
	for _, f := range []transport.LetterFilter{{Customer: "a b"}, {Endpoint: "a.>"}, {Limit: 501}} {
		if _, _, err := s.DeadLetters(jettest.Context(t), f); jettest.FieldName(err) == "" {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// What a CloudEvent says comes back from a dead letter.
func TestLettersKeepWhatCloudEventsSay(t *testing.T) {
	want := &cloudevents.Attributes{ID: "café", Source: "/s", Subject: "Main door", DataContentType: "text/xml",
		Extensions: []cloudevents.Extension{{Name: "zone", Value: []byte(`"b"`)}}}
	buried := &transport.DeadLetter{Customer: "acme", Endpoint: "e", Reason: "r", Event: &transport.Event{Seq: 1, Cloud: want, Data: []byte(`"<a/>"`)}}
	back, err := decodeLetter(1, encodeLetter(newLetterJSON(buried)))
	if err != nil || !reflect.DeepEqual(back.Event.Cloud, want) {
		t.Errorf("%+v, %v", back, err)
	}
}
