package shard

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

func (s *scenario) endpoint(w *words) {
	ep := makeEndpoint(w.plain[0], w.args["events"]...)
	ep.Filter = w.one("filter")
	if v := w.one("customer"); v != "" {
		ep.Customer = v
	}
	ep.Delivery.Ordered = w.has("ordered")
	ep.Enabled = !w.has("disabled")
	if w.has("paused") {
		ep.State = transport.StatePaused
	}
	s.revision++
	s.step(Input{Kind: Changed, Change: &transport.Change{ID: ep.ID, Customer: ep.Customer, Endpoint: ep, Revision: s.revision}})
}

func (s *scenario) makeEvent(seq uint64) *transport.Event {
	return &transport.Event{Seq: seq, ID: fmt.Sprint("e", seq), Customer: customer, Type: "door.open", Time: s.start, Stored: s.start, Data: []byte(`{}`)}
}

func (s *scenario) event(w *words) {
	for _, seq := range s.seqs(w.plain) {
		ev := s.makeEvent(seq)
		if v := w.one("type"); v != "" {
			ev.Type = v
		}
		if v := w.one("customer"); v != "" {
			ev.Customer = v
		}
		if v := w.one("duplicate-of"); v != "" {
			ev.DuplicateOf = uint64(s.number(v))
		}
		if v := w.one("bytes"); v != "" {
			ev.Data = make([]byte, s.number(v))
		}
		if w.has("lost") {
			ev.Object, ev.Data = "objects/1", nil
		}
		s.step(Input{Kind: EventCame, Event: ev, Handle: s.handle("event", seq), Bytes: ev.Size()})
	}
}

func (s *scenario) segment(w *words) {
	seg := &transport.Segment{Seq: uint64(s.number(w.plain[0])), ID: w.one("id"), Customer: customer, Endpoint: w.plain[1]}
	bytes := 0
	for _, name := range w.plain[2:] {
		p := s.pair(name + "@" + seg.Endpoint)
		e := transport.Entry{Event: s.makeEvent(p.Seq), Replay: p.Replay, Hop: 1}
		if v := w.one("hop"); v != "" {
			e.Hop = uint32(s.number(v))
		}
		if v := w.one("due"); v != "" {
			e.Due = s.start.Add(s.duration(strings.TrimPrefix(v, "+")))
		}
		bytes += e.Event.Size()
		seg.Entries = append(seg.Entries, e)
	}
	s.step(Input{Kind: SegmentCame, Segment: seg, Handle: s.handle("segment", seg.Seq), Bytes: bytes})
}

func (s *scenario) filters(w *words) {
	seq := s.seqs(w.plain)[0]
	var verdicts []Verdict
	if h := s.m.events[seq]; h != nil && h.asked != nil {
		for _, q := range h.asked.questions {
			verdicts = append(verdicts, map[string]Verdict{"wanted": Wanted, "untold": Untold}[w.one(q.Endpoint)])
		}
	}
	s.step(Input{Kind: Filtered, Seq: seq, Verdicts: verdicts})
}

// sought N [there]: what was asked about is in the log, or is not.
func (s *scenario) sought(w *words) {
	in := Input{Kind: Sought, Asked: s.seqs(w.plain[:1])}
	if len(w.plain) > 1 {
		in.There = in.Asked
	}
	s.step(in)
}

func (s *scenario) ends(w *words) {
	n := len(w.plain) - 1
	how, known := map[string]endpoint.End{"final": endpoint.Final, "parked": endpoint.ParkedForTime,
		"parked-for-room": endpoint.ParkedForRoom, "released": endpoint.Released}[w.plain[n]]
	if !known {
		s.t.Fatalf("no end %s", w.plain[n])
	}
	for _, l := range s.leases(w.plain[:n]) {
		s.step(Input{Kind: LeaseEnded, Lease: l, End: how})
	}
}

func (s *scenario) breaks(w *words) {
	in := Input{Kind: ActorBroke, Actor: s.m.active[w.plain[0]], Closing: &endpoint.Numbers{}}
	if in.Actor == nil {
		s.t.Fatalf("%s has no actor", w.plain[0])
	}
	if v := w.one("over"); v != "" {
		in.Culprit = &s.leases([]string{v})[0].Lease
	}
	for _, l := range s.leases(w.args["closing"]) {
		in.Closing.Add(l.Number)
	}
	s.step(in)
}

// leases are those that are out of the names: 7@a, or all of 7 or 7-12.
func (s *scenario) leases(names []string) (all []*handed) {
	for _, name := range names {
		before := len(all)
		seqs, id, one := strings.Cut(name, "@")
		var pair transport.Pair
		if one {
			pair = s.pair(name)
		}
		for _, h := range s.m.allHeld() {
			for _, l := range h.leases {
				if l.end == 0 && (one && l.Pair == pair || !one && l.Replay == 0 && slices.Contains(s.seqs([]string{seqs}), l.Seq)) {
					all = append(all, l)
				}
			}
		}
		if len(all) == before {
			s.t.Fatalf("no lease of %s is out for %s", seqs, id)
		}
	}
	return all
}

var isRange = regexp.MustCompile(`^\d+(-\d+)?$`)

func (s *scenario) seqs(names []string) (seqs []uint64) {
	for _, name := range names {
		if !isRange.MatchString(name) {
			continue
		}
		from, to, ranged := strings.Cut(name, "-")
		if !ranged {
			to = from
		}
		for n := s.number(from); n <= s.number(to); n++ {
			seqs = append(seqs, uint64(n))
		}
	}
	return seqs
}

// pair reads 7@a, or 7r1@a.
func (s *scenario) pair(name string) transport.Pair {
	seq, id, _ := strings.Cut(name, "@")
	seq, replay, replayed := strings.Cut(seq, "r")
	p := transport.Pair{Seq: uint64(s.number(seq)), Endpoint: id}
	if replayed {
		p.Replay = uint64(s.number(replay))
	}
	return p
}

func pairName(p transport.Pair) string {
	name := strconv.FormatUint(p.Seq, 10)
	if p.Replay != 0 {
		name += "r" + strconv.FormatUint(p.Replay, 10)
	}
	if p.Endpoint != "" {
		name += "@" + p.Endpoint
	}
	return name
}

func (s *scenario) handle(what string, seq uint64) transport.Handle {
	return note(fmt.Sprintf("%s %d", what, seq))
}

func (s *scenario) number(v string) int {
	n, err := strconv.Atoi(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *scenario) duration(v string) time.Duration {
	d, err := time.ParseDuration(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}
