package lease

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

// The scenarios in testdata read as stories of node a and one shard. Times are
// since the story's beginning. A record is written NODE/EPOCH@SEQ, with ! where
// it is released. Commands:
//
//	node [sole] [keep=1h]     the story begins
//	sees [last=N] [leader=L] [journal=R] [deferred=R] [dead=R]
//	                          from now on each look is answered so, at once; what is left out stays
//	sees nothing              looks are not answered
//	at +5s                    time passes, in steps of 100 ms
//	suspended +60s            the machine stands still: only the wall clock goes on
//	stored SEQ… | refused | unanswered   what became of the writes of records, in order
//	beats on|off              beats are taken at once | are not answered
//	proved [sent=+4s]         the journal took a write, sent now or then
//	deposed                   a guarded write was refused
//	leave                     the node gives up the shard
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if filepath.Ext(path) == ".txt" {
			s := &scenario{t: t, beats: true}
			datadriven.RunTest(t, path, s.run)
		}
	})
}

type scenario struct {
	t      *testing.T
	m      *Machine
	now    Moment
	view   Look
	blind  bool
	beats  bool
	writes []Effect // not answered yet
	tale   strings.Builder
}

func (s *scenario) run(t *testing.T, d *datadriven.TestData) string {
	s.tale.Reset()
	args, words := map[string]string{}, []string{}
	for _, a := range d.CmdArgs {
		if len(a.Vals) > 0 {
			args[a.Key] = a.Vals[0]
			continue
		}
		words = append(words, a.Key)
	}
	switch d.Cmd {
	case "node":
		o := Options{Node: "a", Boot: "a"}
		_, o.Sole = args["sole"]
		o.Sole = o.Sole || len(words) > 0 && words[0] == "sole"
		if keep := args["keep"]; keep != "" {
			o.Keep[Journal] = s.time(keep)
		}
		s.m = New(o)
	case "sees":
		s.sees(words, args)
	case "at":
		for to := s.time(words[0]); s.now.Mono < to; {
			s.now.Mono += 100 * time.Millisecond
			s.now.Wall += 100 * time.Millisecond
			s.step(Input{Kind: Ticked})
		}
	case "suspended":
		s.now.Wall += s.time(words[0])
		s.step(Input{Kind: Ticked})
	case "stored":
		for _, w := range words {
			seq, err := strconv.ParseUint(w, 10, 64)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			s.step(Input{Kind: Stored, Stream: s.answered(), Seq: seq, Sent: s.now})
		}
	case "refused":
		s.step(Input{Kind: Refused, Stream: s.answered()})
	case "unanswered":
		s.step(Input{Kind: Unanswered, Stream: s.answered()})
	case "beats":
		s.beats = words[0] == "on"
	case "proved":
		in := Input{Kind: Proved, Sent: s.now}
		if sent := args["sent"]; sent != "" {
			in.Sent.Wall -= in.Sent.Mono - s.time(sent)
			in.Sent.Mono = s.time(sent)
		}
		s.step(in)
	case "deposed":
		s.step(Input{Kind: Deposed})
	case "leave":
		s.step(Input{Kind: Left})
	default:
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	return s.tale.String() + s.stands()
}

func (s *scenario) time(word string) time.Duration {
	d, err := time.ParseDuration(strings.TrimPrefix(word, "+"))
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *scenario) sees(words []string, args map[string]string) {
	if s.blind = len(words) > 0; s.blind {
		return
	}
	for key, value := range args {
		switch key {
		case "last":
			s.view.Last, _ = strconv.ParseUint(value, 10, 64)
		case "leader":
			s.view.Leader = value
		default:
			s.view.Records[map[string]Stream{"journal": Journal, "deferred": Deferred, "dead": DeadLetters}[key]] = s.record(value)
		}
	}
}

func (s *scenario) record(text string) (r transport.OwnerRecord) {
	text, r.Released = strings.CutSuffix(text, "!")
	name, rest, _ := strings.Cut(text, "/")
	r.Node, r.Boot = name, name
	if _, err := fmt.Sscanf(rest, "%d@%d", &r.Epoch, &r.Seq); err != nil {
		s.t.Fatalf("%q is no record: %v", text, err)
	}
	return r
}

// answered is the stream whose write is answered.
func (s *scenario) answered() Stream {
	if len(s.writes) == 0 {
		s.t.Fatal("nothing was written")
	}
	e := s.writes[0]
	s.writes = s.writes[1:]
	return e.Stream
}

// step tells what the machine does, and answers looks and beats.
func (s *scenario) step(in Input) {
	var next []Input
	for _, e := range s.m.Step(s.now, in) {
		switch e.Do {
		case Watch:
			if answer := (Input{Kind: Looked, Sent: s.now, Look: s.view}); !s.blind {
				next = append(next, answer)
			} else {
				next = append(next, Input{Kind: Unseen})
			}
			continue
		case Beat:
			if s.beats {
				next = append(next, Input{Kind: Proved, Sent: s.now})
			}
			next = append(next, Input{Kind: Beaten})
			continue
		case Write:
			s.writes = append(s.writes, e)
		}
		fmt.Fprintf(&s.tale, "+%v %s\n", s.now.Mono, tell(&e))
	}
	for _, in := range next {
		s.step(in)
	}
}

func tell(e *Effect) string {
	stream := [...]string{"journal", "deferred", "dead letters"}[e.Stream]
	switch e.Do {
	case Write:
		text := fmt.Sprintf("write %s: %s/%d", stream, e.Owner.Node, e.Owner.Epoch)
		if e.Owner.Released {
			text += "!"
		}
		text += fmt.Sprintf(" after %d", e.After)
		if e.Silent {
			text += fmt.Sprintf(", nothing after %d", e.Last)
		}
		return text
	case Own:
		return fmt.Sprintf("own, epoch %d", e.Epoch)
	case Adopt:
		return fmt.Sprintf("%s: mine is at %d", stream, e.Seq)
	case Lose:
		return fmt.Sprintf("lost to %s/%d", e.Owner.Node, e.Owner.Epoch)
	}
	return map[Do]string{Halt: "halt", GoOn: "go on", Cut: "cut attempts", Leave: "left"}[e.Do]
}

func (s *scenario) stands() string {
	word := [...]string{"standing by", "taking", "owning", "doubting", "leaving", "gone"}[s.m.State()]
	if s.m.State() == Owning && !s.m.Acts(s.now) {
		word += ", halted"
	}
	return "(" + word + ")\n"
}
