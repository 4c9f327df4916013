package recovery

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// message is one of DEFERRED.
type message struct {
	seq      uint64
	due      bool
	stored   time.Time
	name     string
	endpoint string
	entries  []transport.Entry
}

func entry(seq uint64, hop uint32) transport.Entry {
	return transport.Entry{Event: &transport.Event{Seq: seq, Data: []byte("{}")}, Hop: hop}
}

// named is the name that the Cutter gives such a segment.
func (m *message) named() transport.ParkedSegment {
	var all []transport.Parking
	for _, e := range m.entries {
		all = append(all, transport.Parking{Place: transport.Place{Replay: e.Replay, Seq: e.Event.Seq}, Hop: e.Hop, Ready: e.Due.IsZero(), Size: e.Event.Size()})
	}
	p := NewCutter("x").Cut(all)[0].Segment
	p.Name, p.Endpoint, p.Due = m.name, m.endpoint, m.due
	return p
}

// take takes a shard; asked is what was read, in its order.
func take(s transport.ShardState, deferred []message, journal []transport.Record) (r *transport.Recovered, asked string) {
	t := NewTaking()
	t.Begin(s)
	var words []string
	for next := t.Next(); next.What != transport.ReadNothing; next = t.Next() {
		words = append(words, readWords[next.What])
		for i := range deferred {
			m := &deferred[i]
			name := m.named()
			reads := next.What == transport.ReadDeferred && m.seq >= next.From || next.What == transport.ReadDue && m.due && m.seq >= next.From
			for _, p := range next.Segments {
				reads = reads || p == name
			}
			switch {
			case next.What == transport.ListParked && !m.due, next.What == transport.ListDue && m.due:
				t.Listed(&name, 1)
			case reads:
				words[len(words)-1] += fmt.Sprint(" ", m.seq)
				t.Segment(&transport.Segment{Seq: m.seq, Endpoint: m.endpoint, Entries: m.entries}, transport.Lying{Seq: m.seq, Stored: m.stored, Due: m.due})
			}
		}
		if next.What == transport.ReadJournal {
			words[len(words)-1] += " " + noon.Sub(next.Since).String()
			for i := range journal {
				t.Record(&journal[i])
			}
		}
	}
	return t.Recovered(), strings.Join(words, ", ")
}

var readWords = map[transport.Readable]string{transport.ReadDeferred: "deferred", transport.ReadDue: "due", transport.ReadSegments: "parked",
	transport.ListParked: "names", transport.ListDue: "due names", transport.CountSegments: "count", transport.ReadJournal: "journal"}

func TestWhatIsReadAsAShardIsTaken(t *testing.T) {
	parked := message{seq: 3, name: "a", endpoint: "e", entries: []transport.Entry{entry(4, 1), entry(6, 1)}}
	due := message{seq: 5, due: true, stored: noon, name: "b", endpoint: "e", entries: []transport.Entry{entry(2, 1)}}
	behind := message{seq: 7, name: "c", endpoint: "e", entries: []transport.Entry{entry(2, 2)}}
	fired := message{seq: 9, due: true, stored: noon, name: "d", endpoint: "e", entries: []transport.Entry{entry(2, 2)}}
	for name, c := range map[string]struct {
		state    transport.ShardState
		deferred []message
		want     string
	}{
		"nothing comes again": {transport.ShardState{Floor: 9, DeferredLast: 7}, []message{parked}, "names, due names"},
		"but ids are wanted":  {transport.ShardState{Floor: 9, SeenSince: noon.Add(-time.Hour)}, nil, "names, due names, journal 1h0m0s"},
		"an event, that is in no segment": {transport.ShardState{Floor: 6, NextAt: noon, DeferredLast: 7},
			[]message{parked}, "names, due names, due, journal 1m0s"},
		"an event, that may be in one": {transport.ShardState{Floor: 5, NextAt: noon, DeferredLast: 7},
			[]message{parked}, "names, parked 3, due names, due, journal 1m0s"},
		"what is due, and what was parked of it since": {transport.ShardState{Floor: 9, FirstDue: 5, DueAt: noon, DeferredLast: 7, JournaledAt: noon},
			[]message{parked, due, behind}, "deferred 5 7, names, parked 7, due names, due, journal 1m0s"},
		"what comes due meanwhile": {transport.ShardState{Floor: 9, NextAt: noon, DeferredLast: 7}, []message{parked, fired},
			"names, due names, due 9, journal 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, asked := take(c.state, c.deferred, nil); asked != c.want {
				t.Errorf("%s\nwant %s", asked, c.want)
			}
		})
	}
}

// A segment that a kill had fired twice lies there twice, or once more as a
// schedule; a replay that no actor has parked yet is counted by nobody.
func TestWhatIsParkedIsCountedOnce(t *testing.T) {
	replay := entry(1, 1)
	replay.Replay = 7
	later := entry(1, 2)
	later.Replay, later.Due = 7, noon
	r, _ := take(transport.ShardState{Floor: 9}, []message{
		{seq: 1, name: "a", endpoint: "e", entries: []transport.Entry{entry(1, 1), entry(2, 1)}},
		{seq: 2, name: "a", endpoint: "e", due: true, entries: []transport.Entry{entry(1, 1), entry(2, 1)}},
		{seq: 3, name: "b", endpoint: "e", due: true, entries: []transport.Entry{later}},
		{seq: 4, name: "b", endpoint: "e", due: true, entries: []transport.Entry{later}},
		{seq: 5, endpoint: "e", entries: []transport.Entry{replay}},
		{seq: 6, endpoint: "e", due: true, entries: []transport.Entry{replay}},
	}, nil)
	size := int64(later.Event.Size())
	if want := map[string]transport.Parked{"e": {Entries: 3, Ready: 2, Bytes: 3 * size}}; !maps.Equal(r.Parked, want) {
		t.Errorf("%+v, want %+v", r.Parked, want)
	}
}
