package endpoint

import (
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// tale is what the machine does, in words; the same of pairs in a row is told once.
type tale struct {
	strings.Builder
	start    time.Time
	now      time.Time
	told     time.Time // the time named last
	recall   int       // what was recalled last
	list     int       // the list asked for last
	verb     string
	what     string
	from, to *Lease
}

func (t *tale) reset() {
	t.Reset()
	t.told = t.now
}

func (t *tale) at(now time.Time) {
	t.flush()
	t.now = now
}

func (t *tale) since(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return "+" + at.Sub(t.start).String()
}

func (t *tale) tell(e *Effect) {
	verb, what := t.of(e)
	var l *Lease
	if e.Delivery != nil {
		l = e.Delivery.Lease
	}
	next := t.to != nil && l != nil && verb == t.verb && what == t.what && l.Replay == t.to.Replay && l.Seq == t.to.Seq+1
	if next {
		t.to = l
		return
	}
	t.flush()
	if l != nil {
		t.verb, t.what, t.from, t.to = verb, what, l, l
		return
	}
	t.line(verb + what)
}

func (t *tale) flush() {
	if t.from == nil {
		return
	}
	names := name(t.from)
	if t.to != t.from {
		names += "-" + name(t.to)
	}
	t.line(t.verb + " " + names + t.what)
	t.from, t.to = nil, nil
}

func (t *tale) line(words string) {
	if !t.now.Equal(t.told) && !t.now.IsZero() {
		t.told = t.now
		fmt.Fprintf(t, "%s:\n", t.since(t.now))
	}
	t.WriteString(words + "\n")
}

// of says an effect: the verb, and what follows the pairs.
func (t *tale) of(e *Effect) (verb, what string) {
	switch e.Do {
	case Send:
		return "send", fmt.Sprintf(", attempt %d", e.Number)
	case Record:
		answer := e.Answer.Class.String()
		if e.Answer.Status != 0 {
			answer += fmt.Sprintf(" %d", e.Answer.Status)
		}
		if e.Answer.Reason != "" {
			answer += " " + e.Answer.Reason
		}
		next := "no next"
		if !e.At.IsZero() {
			next = "next at " + t.since(e.At)
		}
		return "record", fmt.Sprintf(", attempt %d: %s, %s", e.Number, answer, next)
	case Park:
		why := "for its own time"
		if e.Delivery.Due.IsZero() {
			why = "for room"
		}
		return "park", fmt.Sprintf(" until %s, %s", t.since(e.At), why)
	case Bury:
		return "bury", fmt.Sprintf(": %s, %d attempts", e.Reason, len(e.Delivery.Tries))
	case Skip:
		return "skip", ": " + e.Reason
	case Release:
		return "release", ""
	case Remember:
		return "remember", t.memory(e.Memory)
	case Tell:
		return "tell", fmt.Sprintf(": %s since %s, %s", e.News, t.since(e.Since), e.Reason)
	case Wake:
		return "look again", " at " + t.since(e.At)
	case Recall:
		t.recall = e.Entries
		return "recall", fmt.Sprintf(" %d", e.Entries)
	case List:
		t.list = e.Number
		return "list", " what is parked"
	}
	return "?", ""
}

func (t *tale) memory(m *transport.Memory) string {
	if m.IsZero() {
		return ": nothing"
	}
	var words []string
	say := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if !m.FailingSince.IsZero() {
		say("failing since %s", t.since(m.FailingSince))
	}
	if m.Opens > 0 {
		say("opened %d times", m.Opens)
	}
	if !m.OpenUntil.IsZero() {
		say("open until %s", t.since(m.OpenUntil))
	}
	if !m.HeldUntil.IsZero() {
		say("held until %s", t.since(m.HeldUntil))
	}
	if !m.RampFrom.IsZero() {
		say("pace from %s", t.since(m.RampFrom))
	}
	if m.Concurrency > 0 {
		say("concurrency %d", m.Concurrency)
	}
	if m.Reason != "" {
		say("%s", m.Reason)
	}
	return ": " + strings.Join(words, ", ")
}

func (t *tale) standing(s transport.Standing) {
	t.flush()
	t.line(fmt.Sprintf("%s %q, breaker %s until %s, held until %s, concurrency %d of %d, pace %.0f, %d waiting",
		s.State, s.Reason, s.Breaker, t.since(s.OpenUntil), t.since(s.HeldUntil), s.Concurrency, s.Most, s.Pace, s.Waiting))
}

// end says what is in hand and what is parked.
func (t *tale) end(m *Machine, parked transport.Parked) {
	t.flush()
	fmt.Fprintf(t, "(%d in flight, %d waiting", m.InFlight(), m.Waiting())
	if parked.Entries > 0 {
		fmt.Fprintf(t, ", %d parked", parked.Entries)
	}
	t.WriteString(")\n")
}
