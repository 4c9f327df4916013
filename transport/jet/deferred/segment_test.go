package deferred

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/jet/wire"
	"github.com/postrider/postrider/transport/syntax/cloudevents"
)

func TestEntriesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 60, 300)
		customer, endpoint := text.Draw(t, "customer"), jettest.DrawEndpoint(t, "endpoint")
		msg := appendPreamble(nil, segmentVersion, customer, endpoint, jettest.Time)
		var in []transport.Entry
		for range rapid.IntRange(0, 4).Draw(t, "entries") {
			ev := &transport.Event{Apart: true, Seq: rapid.Uint64().Draw(t, "seq"), ID: text.Draw(t, "id"), IDGiven: rapid.Bool().Draw(t, "given"),
				Customer: customer, Type: text.Draw(t, "type"), DuplicateOf: rapid.Uint64().Draw(t, "duplicate"), Source: text.Draw(t, "source"),
				Time: jettest.DrawTime(t, "time"), Stored: jettest.DrawTime(t, "stored"), Traceparent: text.Draw(t, "trace"), Object: text.Draw(t, "object")}
			if b := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data"); len(b) > 0 && ev.Object == "" {
				ev.Data = b
			}
			e := transport.Entry{Event: ev, Replay: rapid.Uint64().Draw(t, "replay"), Hop: rapid.Uint32().Draw(t, "hop"), Due: jettest.DrawTime(t, "due")}
			for range rapid.IntRange(0, 3).Draw(t, "tries") {
				e.Tries = append(e.Tries, transport.Try{At: jettest.DrawTime(t, "at"), Took: jettest.DrawDuration(t, "took"),
					Status: rapid.IntRange(0, 999).Draw(t, "status"), Class: transport.Class(rapid.IntRange(0, 6).Draw(t, "class")), Reason: text.Draw(t, "reason")})
			}
			in = append(in, e)
			msg = appendEntry(msg, &e)
		}
		seg, err := decodeSegment(msg)
		if err != nil {
			t.Fatal(err)
		}
		if want := (&transport.Segment{Customer: customer, Endpoint: endpoint, Entries: in}); !reflect.DeepEqual(seg, want) {
			t.Fatalf("\n got %+v\nwant %+v", seg, want)
		}
	})
}

func FuzzSegment(f *testing.F) {
	f.Add(appendEntry(appendPreamble(nil, segmentVersion, "acme", jettest.EndpointA, jettest.Time), &transport.Entry{
		Event: &transport.Event{Seq: 1, Data: []byte(`{}`)}, Tries: []transport.Try{{At: jettest.Time, Status: 500}}}))
	f.Fuzz(func(t *testing.T, msg []byte) {
		seg, err := decodeSegment(msg)
		if err != nil {
			return
		}
		again := appendPreamble(nil, segmentVersion, seg.Customer, seg.Endpoint, jettest.Time)
		for i := range seg.Entries {
			again = appendEntry(again, &seg.Entries[i])
		}
		if got, err := decodeSegment(again); err != nil || len(got.Entries) != len(seg.Entries) {
			t.Fatal(err)
		}
	})
}

// What a CloudEvent says comes back from a segment.
func TestSegmentsKeepWhatCloudEventsSay(t *testing.T) {
	want := &cloudevents.Attributes{ID: "café", Source: "/s", Subject: "Main door", DataContentType: "text/xml",
		Extensions: []cloudevents.Extension{{Name: "zone", Value: []byte(`"b"`)}}}
	piece, _, err := wire.CutSized(appendEntry(nil, &transport.Entry{Event: &transport.Event{Seq: 1, Cloud: want, Data: []byte(`"<a/>"`)}}))
	if err != nil {
		t.Fatal(err)
	}
	if back, err := decodeEntry(piece, "acme"); err != nil || !reflect.DeepEqual(back.Event.Cloud, want) {
		t.Errorf("%+v, %v", back.Event, err)
	}
}
