package shard

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// The scenarios in testdata read as stories of a shard. Times are since the
// story's beginning. An event is its sequence (7), several (7 9) or a range
// (7-12); a lease is 7@a, of a replay 7r1@a, with the endpoint a; all leases of
// an event, or of a range of them, that are out are 7 or 7-12. Commands:
//
//	shard [window=N] [bytes=N] [idle=30s] [floor=N] [filled=(N,M)] [fanouts=(3:a+b,4:a)] [ended=(3@a)] [parked=(3@b)] [counts=(b:2)]
//	                          the shard is taken; the first command
//	endpoint ID [events=(…)] [filter=…] [ordered] [disabled] [paused]   a change of the registry
//	remove ID                 another
//	known                     all endpoints were given
//	event N [type=…] [customer=…] [duplicate-of=N] [bytes=N] [lost]     events of the log come; lost: without their data
//	passed N                  an event that cannot be read
//	segment S ID 7 7r1 [hop=N] [due=+10s] [id=…]          message S of DEFERRED comes back
//	filters N ID=wanted|unwanted|untold                   what filters say
//	ends 7@a … final|parked|parked-for-room|released      leases end
//	breaks ID [over=7@a] [closing=(7@a)]                  an endpoint's actor breaks
//	event-breaks N [done=N]   the step with the event breaks after so many effects
//	lists ID                  an ordered endpoint has what is parked listed
//	uplink lost | back
//	at +5s [events-wait] [segments-wait] [away] [took=(a:2s)]   time passes, with a tick each 100 ms
//	drain | halt | go-on | held
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if filepath.Ext(path) != ".txt" {
			return
		}
		start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
		s := &scenario{t: t, start: start, now: start, handles: map[string]note{}}
		datadriven.RunTest(t, path, s.run)
	})
}

type scenario struct {
	t          *testing.T
	m          *Machine
	start, now time.Time
	revision   uint64
	handles    map[string]note // by message
	out        strings.Builder
	told       []saying
	grouped    bool // the command is about many events
}

// note is a handle of which nothing is seen but its name.
type note string

func (note) Ack()        {}
func (note) Nak()        {}
func (note) InProgress() {}

// nobody owns leases: the scenario ends them.
type nobody struct{}

func (nobody) Ended(*endpoint.Lease, endpoint.End) {}

type words struct {
	plain []string
	args  map[string][]string
}

func (w *words) has(word string) bool { return slices.Contains(w.plain, word) }

func (w *words) one(key string) string {
	if len(w.args[key]) == 0 {
		return ""
	}
	return w.args[key][0]
}

func (s *scenario) run(t *testing.T, d *datadriven.TestData) string {
	s.t = t
	s.out.Reset()
	w := words{args: map[string][]string{}}
	for _, a := range d.CmdArgs {
		if len(a.Vals) > 0 {
			w.args[a.Key] = a.Vals
			continue
		}
		w.plain = append(w.plain, a.Key)
	}
	command := commands[d.Cmd]
	if command == nil {
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	s.grouped = len(s.seqs(w.plain)) > 4
	command(s, &w)
	s.flush()
	leases, waiting := 0, len(s.m.blocked)
	for _, a := range s.m.active {
		leases += a.inHand
		waiting += a.waiting.Len()
	}
	fmt.Fprintf(&s.out, "(%d messages, %d leases", len(s.m.events)+len(s.m.dues), leases)
	if waiting > 0 {
		fmt.Fprintf(&s.out, ", %d waiting", waiting)
	}
	if s.m.back.leases > 0 {
		fmt.Fprintf(&s.out, ", room taken %d and %d", s.m.fresh.leases, s.m.back.leases)
	} else if s.m.fresh.leases > 0 {
		fmt.Fprintf(&s.out, ", room taken %d", s.m.fresh.leases)
	}
	s.out.WriteString(")\n")
	return s.out.String()
}

var commands = map[string]func(s *scenario, w *words){
	"shard":    (*scenario).begin,
	"endpoint": (*scenario).endpoint,
	"remove": func(s *scenario, w *words) {
		s.revision++
		s.step(Input{Kind: Changed, Change: &transport.Change{ID: w.plain[0], Customer: customer, Revision: s.revision}})
	},
	"known":   func(s *scenario, _ *words) { s.step(Input{Kind: AllKnown}) },
	"event":   (*scenario).event,
	"sought":  (*scenario).sought,
	"passed":  func(s *scenario, w *words) { s.step(Input{Kind: EventPassed, Seq: s.seqs(w.plain)[0]}) },
	"segment": (*scenario).segment,
	"filters": (*scenario).filters,
	"ends":    (*scenario).ends,
	"breaks":  (*scenario).breaks,
	"event-breaks": func(s *scenario, w *words) {
		seq := s.seqs(w.plain)[0]
		done := 0
		if v := w.one("done"); v != "" {
			done = s.number(v)
		}
		ev := s.makeEvent(seq)
		s.step(Input{Kind: EventBroke, Event: ev, Handle: s.handle("event", seq), Bytes: ev.Size(), Done: done})
	},
	"lists": func(s *scenario, w *words) { s.step(Input{Kind: ListAsked, ID: w.plain[0]}) },
	"uplink": func(s *scenario, w *words) {
		s.step(Input{Kind: map[string]InputKind{"lost": UplinkLost, "back": UplinkBack}[w.plain[0]]})
	},
	"at":    (*scenario).pass,
	"drain": func(s *scenario, _ *words) { s.step(Input{Kind: Drained}) },
	"halt":  func(s *scenario, _ *words) { s.step(Input{Kind: Halted}) },
	"go-on": func(s *scenario, _ *words) { s.step(Input{Kind: WentOn}) },
	"held": func(s *scenario, _ *words) {
		held := s.m.Held()
		slices.SortFunc(held, func(a, b transport.Pair) int {
			return strings.Compare(pairName(a), pairName(b))
		})
		for _, p := range held {
			s.say("held " + pairName(p))
		}
	},
}

func (s *scenario) begin(w *words) {
	r := &transport.Recovered{FanOuts: map[uint64]transport.EventFanOut{}, Pairs: map[transport.Pair]transport.PairState{}, Parked: map[string]transport.Parked{}}
	o := Settings{Window: 100, WindowBytes: 1 << 20, Idle: 30 * time.Second, Recovered: r, Owner: nobody{}}
	for key, vals := range w.args {
		switch key {
		case "window":
			o.Window = s.number(vals[0])
		case "bytes":
			o.WindowBytes = s.number(vals[0])
		case "idle":
			o.Idle = s.duration(vals[0])
		case "floor":
			r.Floor = uint64(s.number(vals[0]))
		case "filled":
			r.FillFrom, r.FillTo = uint64(s.number(vals[0])), uint64(s.number(vals[1]))
		case "fanouts":
			for _, v := range vals {
				seq, ids, _ := strings.Cut(v, ":")
				r.FanOuts[uint64(s.number(seq))] = transport.EventFanOut{Endpoints: strings.Split(ids, "+")}
			}
		case "ended":
			for _, v := range vals {
				r.Pairs[s.pair(v)] = transport.PairState{Final: true}
			}
		case "parked":
			for _, v := range vals {
				r.Pairs[s.pair(v)] = transport.PairState{Hop: 1}
			}
		case "counts":
			for _, v := range vals {
				id, n, _ := strings.Cut(v, ":")
				r.Parked[id] = transport.Parked{Entries: s.number(n), Ready: s.number(n)}
			}
		default:
			s.t.Fatalf("unknown setting %s", key)
		}
	}
	s.m = NewMachine(o)
}

// step gives the machine an input, and tells what it does.
func (s *scenario) step(in Input) {
	for _, e := range s.m.Step(s.now, in) {
		s.tell(&e)
	}
}

// pass lets time go on to a moment, with a tick each tenth of a second.
func (s *scenario) pass(w *words) {
	until := s.start.Add(s.duration(strings.TrimPrefix(w.plain[0], "+")))
	in := Input{Kind: Ticked, Away: w.has("away"), EventWaits: w.has("events-wait"), SegmentWaits: w.has("segments-wait"),
		Took: map[string]time.Duration{}}
	for _, v := range w.args["took"] {
		id, took, _ := strings.Cut(v, ":")
		in.Took[id] = s.duration(took)
	}
	told := s.now
	for s.now.Before(until) {
		s.now = s.now.Add(tickEvery)
		before := s.out.Len()
		s.flush()
		s.step(in)
		if s.flush(); s.out.Len() > before && !s.now.Equal(told) {
			said := s.out.String()
			s.out.Reset()
			fmt.Fprintf(&s.out, "%s+%v:\n%s", said[:before], s.now.Sub(s.start), said[before:])
			told = s.now
		}
	}
}
