package endpoint

import (
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// set takes settings in words.
func (s *scenario) set(args map[string]string) {
	p := &s.policy
	for key, v := range args {
		switch key {
		case "retries":
			p.Retries = v == "on"
		case "schedule":
			p.Schedule = nil
			for _, d := range strings.Split(v, ",") {
				p.Schedule = append(p.Schedule, s.duration(d))
			}
		case "concurrency":
			p.Concurrency = s.number(v)
		case "max-age":
			p.MaxAge = s.duration(v)
		case "jitter":
			p.Jitter = s.real(v)
		case "gone":
			p.GoneAtOnce = v == "at-once"
		case "rate":
			p.Rate = s.real(v)
		case "burst":
			p.Burst = s.number(v)
		case "ordered":
			p.Ordered = v == "on"
		case "paused":
			p.Paused = v == "on"
		case "max-waiting":
			p.MaxWaiting = s.number(v)
		case "timeout":
			p.Timeout = s.duration(v)
		case "breaker-failures":
			t := *p.Tuning
			t.BreakerFailures = s.number(v)
			p.Tuning = &t
		default:
			s.t.Fatalf("unknown setting %s", key)
		}
	}
}

// answer ends attempts; how long they took is what has passed since they began.
func (s *scenario) answer(words []string, args map[string]string) {
	ours := false
	if words[len(words)-1] == "ours" {
		ours, words = true, words[:len(words)-1]
	}
	status := words[len(words)-1]
	for _, name := range s.names(words[:len(words)-1]) {
		l := s.leases[name]
		f, flying := s.sent[l]
		if !flying {
			s.t.Fatalf("%s is not in flight", name)
		}
		delete(s.sent, l)
		a := s.answerOf(status)
		a.Took = s.now.Sub(f.began)
		if v := args["reason"]; v != "" {
			a.Reason = v
		}
		a.Resent = args["resent"] == "yes"
		if v := args["retry-after"]; v != "" {
			a.RetryAfter = s.duration(v)
		}
		s.step(Input{Kind: Answered, Delivery: f.Delivery, Answer: a, Began: f.began, Ours: ours})
	}
}

func (s *scenario) answerOf(status string) *transport.Answer {
	switch status {
	case "aborted":
		return &transport.Answer{Class: transport.Aborted}
	case "halted":
		answer := Halted
		return &answer
	case "skip":
		return &transport.Answer{Class: transport.Skip}
	case "timeout", "connect", "panic", "local", "proxy":
		return &transport.Answer{Class: transport.Failed, Reason: status}
	case "refused":
		return &transport.Answer{Class: transport.Refused, Reason: transport.ReasonAddressRefused}
	case "unrenderable":
		return &transport.Answer{Class: transport.Refused, Reason: transport.ReasonUnrenderable}
	}
	a := &transport.Answer{Status: s.number(status), Class: transport.Failed}
	switch {
	case a.Status/100 == 2:
		a.Class = transport.Delivered
	case a.Status == 410:
		a.Class = transport.Gone
	case a.Status == 429 || a.Status == 503:
		a.Class = transport.Throttled
	}
	return a
}

// names gives the single names of what is said as 7, 7-12 or 7r1.
func (s *scenario) names(words []string) (names []string) {
	for _, w := range words {
		from, to, ranged := strings.Cut(w, "-")
		if !ranged {
			names = append(names, w)
			continue
		}
		for n := s.number(from); n <= s.number(to); n++ {
			names = append(names, strconv.Itoa(n))
		}
	}
	return names
}

func (s *scenario) pair(name string) (seq, replay uint64) {
	n, r, replayed := strings.Cut(name, "r")
	if replayed {
		replay = uint64(s.number(r))
	}
	return uint64(s.number(n)), replay
}

func name(l *Lease) string {
	n := strconv.FormatUint(l.Seq, 10)
	if l.Replay != 0 {
		n += "r" + strconv.FormatUint(l.Replay, 10)
	}
	return n
}

func (s *scenario) time(v string) time.Time {
	return s.start.Add(s.duration(strings.TrimPrefix(v, "+")))
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

func (s *scenario) real(v string) float64 {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}
