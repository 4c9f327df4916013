package shard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postrider/postrider/actors/endpoint"
)

// tell says an effect in words. The same of several in a row is told together,
// and of many events wherever it is.
func (s *scenario) tell(e *Effect) {
	verb, what, rest := s.words(e)
	if verb == "" {
		return
	}
	if what == "" {
		s.say(verb)
		return
	}
	i := slices.IndexFunc(s.told, func(o saying) bool { return o.verb == verb && o.rest == rest })
	if i < 0 || !s.grouped && i < len(s.told)-1 {
		s.told = append(s.told, saying{verb: verb, rest: rest})
		i = len(s.told) - 1
	}
	s.told[i].whats = append(s.told[i].whats, what)
}

// saying is the same that is done to several, which is told together.
type saying struct {
	verb, rest string
	whats      []string
}

func (s *scenario) say(line string) {
	s.flush()
	s.out.WriteString(line + "\n")
}

// flush ends the lines that are being told.
func (s *scenario) flush() {
	for _, o := range s.told {
		list := strings.Join(o.whats, " ")
		if n := len(o.whats); n > 6 {
			list = fmt.Sprintf("%s to %s (%d)", o.whats[0], o.whats[n-1], n)
		}
		fmt.Fprintf(&s.out, "%s %s%s\n", o.verb, list, o.rest)
	}
	s.told = nil
}

// words are a verb, what it is done to, and what is said of that.
func (s *scenario) words(e *Effect) (verb, what, rest string) {
	switch e.Do {
	case Hand:
		what = pairName(e.Lease.Pair)
		if e.Lease.Hop > 0 {
			what += fmt.Sprintf(" (hop %d)", e.Lease.Hop)
		}
		return "hand", what, ""
	case Tell:
		return "tell", e.To.id, ": " + s.message(e.Message)
	case Open:
		o := e.Message.(Opening)
		if o.Parked.Entries > 0 {
			return "open", e.To.id, fmt.Sprintf(", %d parked", o.Parked.Entries)
		}
		return "open", e.To.id, ""
	case End:
		return "end", e.To.id, ""
	case Ack:
		return "ack", string(e.Handle.(note)), ""
	case AckProved:
		return "ack", string(e.Handle.(note)), ", by a later write"
	case Nak:
		return "hand back", string(e.Handle.(note)), ""
	case InProgress:
		return "more time for", string(e.Handle.(note)), ""
	case Routed:
		if e.Number == 0 {
			return "nobody wants", fmt.Sprint(e.Event.Seq), ""
		}
	case FanOut:
		turn := ""
		if e.Number != 0 {
			turn = fmt.Sprintf("r%d", e.Number)
		}
		return "fan-out", fmt.Sprintf("%d%s", e.Event.Seq, turn), ": " + strings.Join(e.Endpoints, " ")
	case Seek:
		return "seek", fmt.Sprint(e.Message), ""
	case Ask:
		var ids []string
		for _, q := range e.Message.([]Question) {
			ids = append(ids, q.Endpoint)
		}
		return "ask about", fmt.Sprint(e.Event.Seq), " the filters of " + strings.Join(ids, " ")
	case Skip:
		return "skip", pairName(e.Lease.Pair), ": " + e.Reason
	case Bury:
		return "bury", pairName(e.Lease.Pair), ": " + e.Reason
	case Follow:
		return "end with its fan-out", pairName(e.Lease.Pair), ""
	case RecallAll:
		return "recall all of", e.Reason, ""
	case Warn:
		return "warn:", e.Reason, ""
	case Inform:
		return "say:", e.Reason, ""
	case AllDrained:
		return "drained", "", ""
	}
	return "", "", ""
}

func (s *scenario) message(msg any) string {
	switch msg := msg.(type) {
	case endpoint.Change:
		return "its settings"
	case endpoint.Close:
		return "closed, " + msg.Reason
	case endpoint.Drain:
		return "drain"
	case endpoint.Aside:
		return "park " + pairName(msg.Lease.Pair)
	case endpoint.ShedTo:
		return fmt.Sprintf("keep no more than %d", int(msg))
	case endpoint.UplinkChange:
		return map[endpoint.InputKind]string{endpoint.UplinkLost: "send nothing", endpoint.UplinkBack: "go on",
			endpoint.Canary: "try the line"}[endpoint.InputKind(msg)]
	case endpoint.ParkedChange:
		return fmt.Sprintf("%+d parked", msg.Entries)
	case endpoint.NotParked:
		var names []string
		for _, p := range msg {
			name := fmt.Sprint(p.Seq)
			if p.Replay != 0 {
				name += fmt.Sprintf("r%d", p.Replay)
			}
			names = append(names, name)
		}
		return "not parked any more " + strings.Join(names, " ")
	}
	return fmt.Sprintf("%T", msg)
}
