package deferred

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// referring makes the message of entries that refer to the log.
func referring(customer, endpoint string, entries []transport.Entry) []byte {
	items, order := make([]item, len(entries)), make([]int, len(entries))
	for i := range entries {
		e := &entries[i]
		items[i] = item{Parking: transport.Parking{Place: transport.Place{Replay: e.Replay, Seq: e.Event.Seq}},
			stored: nanos(e.Event.Stored), encoded: encodeReference(e)}
		order[i] = i
	}
	return appendReferences(appendPreamble(nil, referencesVersion, customer, endpoint, jettest.Time), items, order)
}

func TestReferencesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		customer, endpoint := rapid.StringN(0, 60, 300).Draw(t, "customer"), jettest.DrawEndpoint(t, "endpoint")
		var in, want []transport.Entry
		for range rapid.IntRange(0, 5).Draw(t, "entries") {
			stored := time.Time{}
			if n := rapid.Int64().Draw(t, "stored"); n != 0 {
				stored = time.Unix(0, n).UTC()
			}
			e := transport.Entry{Event: &transport.Event{Seq: rapid.Uint64().Draw(t, "seq"), Stored: stored, Data: make([]byte, rapid.IntRange(0, 99).Draw(t, "size"))},
				Replay: rapid.Uint64().Draw(t, "replay"), Hop: rapid.Uint32().Draw(t, "hop"), Due: jettest.DrawTime(t, "due")}
			for range rapid.IntRange(0, 3).Draw(t, "tries") {
				e.Tries = append(e.Tries, transport.Try{At: jettest.DrawTime(t, "at"), Took: jettest.DrawDuration(t, "took"),
					Status: rapid.IntRange(0, 999).Draw(t, "status"), Class: transport.Class(rapid.IntRange(0, 6).Draw(t, "class")), Reason: "r"})
			}
			in = append(in, e)
			e.Refers, e.Size = true, e.Event.Size()
			e.Event = &transport.Event{Seq: e.Event.Seq, Stored: stored, Customer: customer}
			want = append(want, e)
		}
		seg, err := decodeSegment(referring(customer, endpoint, in))
		if err != nil {
			t.Fatal(err)
		}
		if want := (&transport.Segment{Customer: customer, Endpoint: endpoint, Entries: want}); !reflect.DeepEqual(seg, want) {
			t.Fatalf("\n got %+v\nwant %+v", seg, want)
		}
	})
}

// A million that wait are some 20 MB.
func TestAReferenceTakesFewBytes(t *testing.T) {
	var entries []transport.Entry
	for i := range 64 {
		entries = append(entries, transport.Entry{Hop: 1, Event: &transport.Event{Seq: 1e9 + uint64(i)*7, Stored: jettest.Time.Add(time.Duration(i) * 13 * time.Millisecond), Data: make([]byte, 1000)}})
	}
	if n := len(referring("acme", jettest.EndpointA, entries)); n > 64*20 {
		t.Errorf("64 references take %d bytes", n)
	}
}

func FuzzReferences(f *testing.F) {
	f.Add(referring("acme", jettest.EndpointA, []transport.Entry{{Event: &transport.Event{Seq: 7, Stored: jettest.Time}, Hop: 1},
		{Event: &transport.Event{Seq: 5, Stored: jettest.Time.Add(time.Second)}, Replay: 3, Hop: 2, Tries: []transport.Try{{At: jettest.Time, Status: 500}}}}))
	f.Fuzz(func(t *testing.T, msg []byte) {
		seg, err := decodeSegment(msg)
		if err != nil || len(msg) == 0 || msg[0] != referencesVersion {
			return
		}
		for i := range seg.Entries { // what was read refers to no data
			seg.Entries[i].Size, seg.Entries[i].Refers = seg.Entries[i].Event.Size(), true
		}
		got, err := decodeSegment(referring(seg.Customer, seg.Endpoint, seg.Entries))
		if err != nil || !reflect.DeepEqual(got.Entries, seg.Entries) {
			t.Fatalf("%v\n got %+v\nwant %+v", err, got, seg)
		}
	})
}
