package endpoint

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/postrider/postrider/transport"
)

// The scenarios in testdata read as stories of an endpoint's life. Commands:
//
//	policy retries=on|off schedule=10s,1m jitter=0.2 concurrency=2 max-age=1h gone=at-once|after-retries
//	lease N… [tries=K] [due=+10s] [age=1h]    hand pairs over
//	at +5s                                    time passes
//	answer N STATUS [retry-after=30s] [reason=…]
//	close REASON                              the endpoint was removed or disabled
//	drain                                     the node stops
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
	m      Machine
	start  time.Time
	now    time.Time
	leases map[string]*Lease
	out    strings.Builder
}

func newScenario(t *testing.T) *scenario {
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := &scenario{t: t, start: start, now: start, leases: map[string]*Lease{}}
	s.step(Input{Kind: Changed, Policy: &Policy{Endpoint: "ep", Retries: true, Concurrency: 1, GoneAtOnce: true}})
	return s
}

func (s *scenario) run(t *testing.T, d *datadriven.TestData) string {
	s.out.Reset()
	args := map[string]string{}
	var words []string
	for _, a := range d.CmdArgs {
		if len(a.Vals) > 0 {
			args[a.Key] = strings.Join(a.Vals, ",")
			continue
		}
		words = append(words, a.Key)
	}
	switch d.Cmd {
	case "policy":
		s.policy(args)
	case "at":
		s.now = s.start.Add(s.duration(strings.TrimPrefix(words[0], "+")))
		s.step(Input{})
	case "lease":
		for _, w := range words {
			s.lease(w, args)
		}
	case "answer":
		s.answer(words[0], words[1], args)
	case "close":
		p := s.m.policy
		p.Closed = words[0]
		s.step(Input{Kind: Changed, Policy: &p})
	case "drain":
		s.step(Input{Kind: Drained})
	default:
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	fmt.Fprintf(&s.out, "(%d in flight, %d waiting)\n", s.m.InFlight(), s.m.Waiting())
	return s.out.String()
}

func (s *scenario) policy(args map[string]string) {
	p := Policy{Endpoint: "ep", Retries: args["retries"] != "off", Concurrency: 1, GoneAtOnce: args["gone"] != "after-retries"}
	for _, d := range strings.Split(args["schedule"], ",") {
		if d != "" {
			p.Schedule = append(p.Schedule, s.duration(d))
		}
	}
	if v := args["concurrency"]; v != "" {
		p.Concurrency = s.number(v)
	}
	if v := args["max-age"]; v != "" {
		p.MaxAge = s.duration(v)
	}
	if v := args["jitter"]; v != "" {
		j, err := strconv.ParseFloat(v, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		p.Jitter = j
	}
	s.step(Input{Kind: Changed, Policy: &p})
}

func (s *scenario) lease(name string, args map[string]string) {
	ev := &transport.Event{Seq: uint64(s.number(name)), ID: "e" + name, Time: s.now}
	if v := args["age"]; v != "" {
		ev.Time = s.now.Add(-s.duration(v))
	}
	l := &Lease{Pair: transport.Pair{Seq: ev.Seq, Endpoint: "ep"}, Event: ev}
	if v := args["tries"]; v != "" {
		l.Tries = make([]transport.Try, s.number(v))
	}
	if v := args["due"]; v != "" {
		l.Due = s.start.Add(s.duration(strings.TrimPrefix(v, "+")))
	}
	s.leases[name] = l
	s.step(Input{Kind: Leased, Lease: l})
}

func (s *scenario) answer(name, status string, args map[string]string) {
	a := &transport.Answer{Reason: args["reason"]}
	switch status {
	case "aborted":
		a.Class = transport.Aborted
	case "skip":
		a.Class = transport.Skip
	case "timeout":
		a.Class, a.Reason = transport.Failed, "timeout"
	case "refused":
		a.Class, a.Reason = transport.Refused, "address_refused"
	case "unrenderable":
		a.Class, a.Reason = transport.Refused, transport.ReasonUnrenderable
	case "panic":
		a.Class, a.Reason = transport.Failed, transport.ReasonPanic
	default:
		a.Status = s.number(status)
		a.Class = map[bool]transport.Class{true: transport.Delivered, false: transport.Failed}[a.Status/100 == 2]
		switch a.Status {
		case 410:
			a.Class = transport.Gone
		case 429, 503:
			a.Class = transport.Throttled
		}
	}
	if v := args["retry-after"]; v != "" {
		a.RetryAfter = s.duration(v)
	}
	s.step(Input{Kind: Answered, Lease: s.leases[name], Answer: a, Began: s.now})
}

func (s *scenario) step(in Input) {
	for _, e := range s.m.Step(s.now, in) {
		s.out.WriteString(s.tell(&e))
	}
}

func (s *scenario) tell(e *Effect) string {
	switch e.Do {
	case Send:
		return fmt.Sprintf("send %d, attempt %d\n", e.Lease.Seq, e.Number)
	case Record:
		next := "no next"
		if !e.At.IsZero() {
			next = "next at +" + e.At.Sub(s.start).String()
		}
		return fmt.Sprintf("record %d, attempt %d: %s %d%s, %s\n", e.Lease.Seq, e.Number, e.Answer.Class, e.Answer.Status, e.Answer.Reason, next)
	case Park:
		return fmt.Sprintf("park %d until +%s after %d attempts\n", e.Lease.Seq, e.At.Sub(s.start), len(e.Lease.Tries))
	case Bury:
		return fmt.Sprintf("bury %d: %s, %d attempts\n", e.Lease.Seq, e.Reason, len(e.Lease.Tries))
	case Skip:
		return fmt.Sprintf("skip %d: %s\n", e.Lease.Seq, e.Reason)
	case Release:
		return fmt.Sprintf("release %d\n", e.Lease.Seq)
	}
	return "?\n"
}

func (s *scenario) duration(v string) time.Duration {
	d, err := time.ParseDuration(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *scenario) number(v string) int {
	n, err := strconv.Atoi(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}
