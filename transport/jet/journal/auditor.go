package journal

import (
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// auditor counts. A pair is kept only while it has no outcome, so memory goes
// with what waits, plus one bit for each event.
type auditor struct {
	store    *Store
	events   EventLog
	deferred Deferred
	opts     AuditOptions

	first, cut uint64 // the events that count
	known      uint64 // from here on the journal has every fan-out
	routed     uint64 // events up to here have been handed out
	journaled  uint64 // the journal's end before Held was asked
	read       place  // the last journal message read
	holes      uint64

	ids   map[string]uint32 // endpoints by number, to keep keys small
	lines []*transport.EndpointAudit

	held, parked map[auditKey]bool
	open         map[auditKey]openPair
	settled      map[auditKey]bool // replays, and pairs from before known
	fanned       seqSet

	fannedOut, skipped, duplicates uint64
	skips                          seqSet
	before                         seqSet // events that had fan-outs, and whose numbers were lost
	lost                           []transport.LostTail
}

type auditKey struct {
	seq, replay uint64
	endpoint    uint32
}

// openPair is owed and has no outcome yet.
type openPair struct {
	number int  // of its last attempt
	late   bool // its fan-out was written after what is in hand was asked for
}

func newAuditor(s *Store, o AuditOptions) *auditor {
	return &auditor{store: s, opts: o, ids: map[string]uint32{},
		held: map[auditKey]bool{}, parked: map[auditKey]bool{},
		open: map[auditKey]openPair{}, settled: map[auditKey]bool{},
		fanned: seqSet{}, skips: seqSet{}, before: seqSet{}}
}

func (a *auditor) key(seq uint64, endpoint string, replay uint64) auditKey {
	n, ok := a.ids[endpoint]
	if !ok {
		n = uint32(len(a.lines))
		a.ids[endpoint] = n
		a.lines = append(a.lines, &transport.EndpointAudit{Endpoint: endpoint})
	}
	return auditKey{seq: seq, replay: replay, endpoint: n}
}

func (a *auditor) line(endpoint, customer string) *transport.EndpointAudit {
	line := a.lines[a.key(0, endpoint, 0).endpoint]
	line.Customer = customer
	return line
}

// journalMessage notes holes: the journal loses messages at its old end only.
func (a *auditor) journalMessage(p place) {
	if a.read.seq != 0 {
		a.holes += a.read.missing(p)
	}
	a.read = p
}

func (a *auditor) record(e journalEntry) error {
	rec := e.rec
	if rec.Kind == transport.Lost {
		a.lostTail(rec)
		return nil
	}
	if !a.within(rec.Seq) || !a.counts(rec.Customer) {
		return nil
	}
	switch {
	case rec.Kind == transport.FanOut:
		a.fanOut(rec, e.seq > a.journaled)
	case rec.Endpoint == "":
		if rec.Kind == transport.Skipped && a.skips.add(rec.Seq) {
			a.skipped++
			if rec.Reason == transport.ReasonDuplicate {
				a.duplicates++
			}
		}
	default:
		a.outcome(rec)
	}
	return nil
}

// lostTail notes what a stream lost. Fan-outs of these numbers that follow are
// of other events than those before; what was owed of those has ended, or is parked.
func (a *auditor) lostTail(rec *transport.Record) {
	a.lost = append(a.lost, transport.LostTail{Stream: rec.Reason, From: rec.Seq, To: rec.To, At: rec.At})
	if rec.Reason != jet.StreamEvents {
		return
	}
	for seq := max(rec.Seq, a.first); seq <= min(rec.To, a.cut); seq++ {
		if a.fanned.remove(seq) {
			a.before.add(seq)
		}
		a.skips.remove(seq)
	}
}

func (a *auditor) fanOut(rec *transport.Record, late bool) {
	if !a.fanned.add(rec.Seq) {
		return // of a crash
	}
	a.fannedOut++
	for _, id := range rec.Endpoints {
		line, key := a.line(id, rec.Customer), a.key(rec.Seq, id, 0)
		if _, open := a.open[key]; open { // of the event that had its number
			a.sort(line, key, openPair{})
		}
		line.Owed++
		a.open[key] = openPair{late: late}
	}
}

func (a *auditor) outcome(rec *transport.Record) {
	line, key := a.line(rec.Endpoint, rec.Customer), a.key(rec.Seq, rec.Endpoint, rec.Replay)
	pair, open := a.open[key]
	if !open {
		if !a.owedUnseen(rec, line, key) {
			return
		}
		pair = openPair{}
	}
	if rec.Final() {
		delete(a.open, key)
		if rec.Replay != 0 || rec.Seq < a.known {
			a.settled[key] = true
		}
		count(line, rec)
		return
	}
	if rec.Number <= pair.number {
		line.Repeated++
		return
	}
	pair.number = rec.Number
	a.open[key] = pair
}

// owedUnseen decides on a pair that is not open: a replay is owed from its
// first record on, as is one whose fan-out has aged out; the others were
// settled before, or were never owed.
func (a *auditor) owedUnseen(rec *transport.Record, line *transport.EndpointAudit, key auditKey) bool {
	switch {
	case a.settled[key] || rec.Replay == 0 && (a.fanned.has(rec.Seq) || a.before.has(rec.Seq)):
		line.Repeated++
		return false
	case rec.Replay != 0 || rec.Seq < a.known:
		line.Owed++
		return true
	}
	line.Unowed++
	return false
}

func count(line *transport.EndpointAudit, rec *transport.Record) {
	switch rec.Kind {
	case transport.Tried:
		line.Delivered++
	case transport.DeadLettered:
		line.DeadLettered++
	case transport.Skipped:
		line.Skipped++
	}
}

// close sorts what has no outcome into waiting and missing.
func (a *auditor) close() {
	for key := range a.parked {
		_, open := a.open[key]
		if open || a.settled[key] || key.replay == 0 && a.fanned.has(key.seq) {
			continue
		}
		// Parked before its fan-out was journaled, or a replay not yet tried.
		a.lines[key.endpoint].Owed++
		a.lines[key.endpoint].Waiting++
	}
	for key, pair := range a.open {
		a.sort(a.lines[key.endpoint], key, pair)
	}
	clear(a.open)
	clear(a.parked)
}

// sort counts a pair that has no outcome.
func (a *auditor) sort(line *transport.EndpointAudit, key auditKey, pair openPair) {
	if pair.late || key.seq > a.routed || a.held[key] || a.parked[key] {
		line.Waiting++
	} else {
		line.Missing++
	}
}

// seqSet is a set of sequences, one bit each in blocks of 65,536.
type seqSet map[uint64]*[1024]uint64

// add tells whether seq is new.
func (s seqSet) add(seq uint64) bool {
	block := s[seq>>16]
	if block == nil {
		block = new([1024]uint64)
		s[seq>>16] = block
	}
	word, bit := &block[seq>>6&1023], uint64(1)<<(seq&63)
	fresh := *word&bit == 0
	*word |= bit
	return fresh
}

// remove tells whether seq was there.
func (s seqSet) remove(seq uint64) bool {
	there := s.has(seq)
	if there {
		s[seq>>16][seq>>6&1023] &^= 1 << (seq & 63)
	}
	return there
}

func (s seqSet) has(seq uint64) bool {
	block := s[seq>>16]
	return block != nil && block[seq>>6&1023]&(1<<(seq&63)) != 0
}
