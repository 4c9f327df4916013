package endpoint

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/postrider/postrider/transport"
)

// The scenarios in testdata read as stories of an endpoint's life. Times are
// since the story's beginning. Commands, where N is a pair (7), several (7 9),
// a range (7-12) or a replay (7r1):
//
//	policy KEY=V…             all settings: retries=on|off schedule=(10s,1m) jitter=0.2 concurrency=2 max-age=1h
//	                          gone=at-once|after-retries rate=50 burst=100 ordered=on max-waiting=10 timeout=15s paused=on
//	change KEY=V… [resumed] [moved]   some of them; moved: it is another receiver now
//	lease N [tries=K] [due=+10s] [age=1h]     pairs are handed over, fresh but for what is said
//	at +5s                    time passes; the machine is stepped when it asked for it
//	answer N STATUS [retry-after=30s] [reason=…] [ours]
//	back N | due              parked pairs come back: these, or all whose time has come
//	aside N                   parked pairs come back only to be parked again
//	ended N                   parked pairs come back and turn out to have ended
//	recalled                  what was recalled comes back, the lowest first
//	listed                    the machine is told what is parked
//	store slowly | stored     what is to be remembered takes its time | is stored
//	close REASON              the endpoint was removed or disabled
//	shed N                    others need the room
//	uplink lost | back | canary
//	drain                     the node stops
//	restart                   the node breaks down, with all in hand, and begins again
//	standing                  how the endpoint stands
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if filepath.Ext(path) != ".txt" {
			return
		}
		s := newScenario(t)
		datadriven.RunTest(t, path, s.run)
	})
}

type scenario struct {
	t      *testing.T
	tuning Tuning
	policy Policy
	m      *Machine
	start  time.Time
	now    time.Time
	wake   time.Time
	leases map[string]*Lease
	// Of those parked, their own times and their attempts.
	dues   map[string]time.Time
	tries  map[string][]transport.Try
	sent   map[*Lease]*flown
	parked map[string]time.Time // when each comes back
	count  transport.Parked
	stored transport.Memory
	// burying are the ends that are not durable yet.
	burying []transport.Place
	slowly  bool
	tale    tale
}

// flown is an attempt under way.
type flown struct {
	*Delivery
	began time.Time
}

func newScenario(t *testing.T) *scenario {
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := &scenario{t: t, tuning: DefaultTuning(), start: start, now: start, tale: tale{start: start},
		leases: map[string]*Lease{}, dues: map[string]time.Time{}, tries: map[string][]transport.Try{}, sent: map[*Lease]*flown{}, parked: map[string]time.Time{}}
	return s
}

func (s *scenario) run(t *testing.T, d *datadriven.TestData) string {
	s.tale.reset()
	args, words := map[string]string{}, []string{}
	for _, a := range d.CmdArgs {
		if len(a.Vals) > 0 {
			args[a.Key] = strings.Join(a.Vals, ",")
			continue
		}
		words = append(words, a.Key)
	}
	command := commands[d.Cmd]
	if command == nil {
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	command(s, words, args)
	s.tale.end(s.m, s.count)
	return s.tale.String()
}

var commands = map[string]func(s *scenario, words []string, args map[string]string){
	"policy": func(s *scenario, _ []string, args map[string]string) {
		s.policy = Policy{Endpoint: "ep", Tuning: &s.tuning, Retries: true, Concurrency: 1, GoneAtOnce: true, Timeout: 15 * time.Second}
		s.set(args)
		if s.m == nil {
			s.begin(time.Time{})
			return
		}
		s.step(Input{Kind: Changed, Policy: s.copy()})
	},
	"change": func(s *scenario, words []string, args map[string]string) {
		s.set(args)
		s.step(Input{Kind: Changed, Policy: s.copy(),
			Resumed: slices.Contains(words, "resumed"), Moved: slices.Contains(words, "moved")})
	},
	"lease":  (*scenario).lease,
	"at":     func(s *scenario, words []string, _ map[string]string) { s.until(s.time(words[0])) },
	"answer": (*scenario).answer,
	"back":   func(s *scenario, words []string, _ map[string]string) { s.back(words) },
	"aside": func(s *scenario, words []string, _ map[string]string) {
		for _, name := range s.names(words) {
			s.step(Input{Kind: PutAside, Lease: s.again(name)})
		}
	},
	"ended": func(s *scenario, words []string, _ map[string]string) {
		for _, name := range s.names(words) {
			s.unpark(name)
			s.step(Input{Kind: NoLongerParked, Unparked: []Unparked{{Place: s.leases[name].Place(), Hop: s.leases[name].Hop + 1}}})
		}
	},
	"recalled": func(s *scenario, _ []string, _ map[string]string) {
		var ready []string
		for _, name := range s.parkedNames() {
			if s.dues[name].IsZero() {
				ready = append(ready, name)
			}
		}
		s.back(ready[:min(s.tale.recall, len(ready))])
		s.step(Input{Kind: Recalled})
	},
	"listed": func(s *scenario, ended []string, _ map[string]string) { // ended: their message is still there
		var all []ParkedPair
		for _, name := range s.names(ended) {
			all = append(all, ParkedPair{Place: s.leases[name].Place(), Hop: s.leases[name].Hop + 1})
		}
		for _, name := range s.parkedNames() {
			all = append(all, ParkedPair{Place: s.leases[name].Place(), Due: s.dues[name], Hop: s.leases[name].Hop + 1})
		}
		s.step(Input{Kind: Listed, Number: s.tale.list, Pairs: all})
	},
	"store": func(s *scenario, words []string, _ map[string]string) { s.slowly = words[0] == "slowly" },
	"stored": func(s *scenario, _ []string, _ map[string]string) {
		in := Input{Kind: Stored}
		if len(s.burying) > 0 {
			in = Input{Kind: Buried, Place: s.burying[0]}
			s.burying = s.burying[1:]
		}
		s.step(in)
	},
	"close": func(s *scenario, words []string, _ map[string]string) {
		p := s.m.policy
		p.Closed = words[0]
		s.step(Input{Kind: Changed, Policy: &p})
	},
	"shed": func(s *scenario, words []string, _ map[string]string) {
		s.step(Input{Kind: Shed, Keep: s.number(words[0])})
	},
	"uplink": func(s *scenario, words []string, _ map[string]string) {
		s.step(Input{Kind: map[string]InputKind{"lost": UplinkLost, "back": UplinkBack, "canary": Canary}[words[0]]})
	},
	"drain": func(s *scenario, _ []string, _ map[string]string) { s.step(Input{Kind: Drained}) },
	"restart": func(s *scenario, _ []string, _ map[string]string) {
		clear(s.sent)
		s.begin(s.now)
	},
	"standing": func(s *scenario, _ []string, _ map[string]string) { s.tale.standing(s.m.Standing(s.now)) },
}

func (s *scenario) begin(lastSend time.Time) {
	s.m, s.wake = &Machine{}, time.Time{}
	s.step(Input{Kind: Begun, Policy: s.copy(), Memory: &s.stored, LastSend: lastSend})
}

func (s *scenario) copy() *Policy {
	p := s.policy
	return &p
}

func (s *scenario) lease(words []string, args map[string]string) {
	for _, name := range s.names(words) {
		seq, replay := s.pair(name)
		ev := &transport.Event{Seq: seq, ID: "e" + name, Time: s.now}
		if v := args["age"]; v != "" {
			ev.Time = s.now.Add(-s.duration(v))
		}
		l := &Lease{Pair: transport.Pair{Seq: seq, Replay: replay, Endpoint: "ep"}, Event: ev}
		if v := args["tries"]; v != "" {
			l.Tries = make([]transport.Try, s.number(v))
		}
		if v := args["due"]; v != "" {
			l.Due = s.time(v)
		}
		s.leases[name] = l
		s.step(Input{Kind: Leased, Lease: l})
	}
}

func (s *scenario) back(words []string) {
	if len(words) == 1 && words[0] == "due" {
		words = slices.DeleteFunc(s.parkedNames(), func(name string) bool { return s.parked[name].After(s.now) })
	}
	for _, name := range s.names(words) {
		s.step(Input{Kind: Leased, Lease: s.again(name)})
	}
}

// again is the lease of a pair that was parked.
func (s *scenario) again(name string) *Lease {
	was := s.leases[name]
	s.unpark(name)
	l := &Lease{Pair: was.Pair, Event: was.Event, Tries: s.tries[name], Hop: was.Hop + 1, Due: s.dues[name]}
	s.leases[name] = l
	return l
}

func (s *scenario) unpark(name string) {
	l := s.leases[name]
	if _, parked := s.parked[name]; !parked {
		s.t.Fatalf("%s is not parked", name)
	}
	delete(s.parked, name)
	s.count.Entries--
	s.count.Bytes -= int64(l.Event.Size())
	if s.dues[name].IsZero() {
		s.count.Ready--
	}
}

// parkedNames are in the order of their places.
func (s *scenario) parkedNames() []string {
	return slices.SortedFunc(maps.Keys(s.parked), func(a, b string) int {
		if s.leases[a].Place().Before(s.leases[b].Place()) {
			return -1
		}
		return 1
	})
}

// until lets time pass, with a step whenever the machine asked for one.
func (s *scenario) until(t time.Time) {
	for !s.wake.IsZero() && !s.wake.After(t) {
		s.now, s.wake = later(s.now, s.wake), time.Time{}
		s.tale.at(s.now)
		s.step(Input{})
	}
	s.now = t
	s.tale.at(t)
}

func (s *scenario) step(in Input) {
	in.Parked = s.count
	stored, buried := 0, []transport.Place(nil)
	for _, e := range s.m.Step(s.now, in) {
		s.tale.tell(&e)
		switch e.Do {
		case Send:
			s.sent[e.Delivery.Lease] = &flown{e.Delivery, s.now}
		case Park:
			s.park(&e)
		case Wake:
			s.wake = e.At
		case Remember:
			s.stored = *e.Memory
			stored++
		case Bury:
			if e.Wait {
				buried = append(buried, e.Delivery.Place())
			}
		}
	}
	for _, at := range buried {
		if s.slowly {
			s.burying = append(s.burying, at)
			continue
		}
		s.step(Input{Kind: Buried, Place: at})
	}
	for range stored {
		if !s.slowly {
			s.step(Input{Kind: Stored})
		}
	}
}

func (s *scenario) park(e *Effect) {
	d := e.Delivery
	n := name(d.Lease)
	s.parked[n], s.dues[n], s.tries[n] = e.At, d.Due, d.Tries
	s.count.Entries++
	s.count.Bytes += int64(d.Event.Size())
	if d.Due.IsZero() {
		s.count.Ready++
	}
}
