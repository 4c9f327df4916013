package shard

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// chooser is the routes with the filters that are asked.
type chooser struct {
	*routes
	filters *filters
}

func newChooser(o *Options) *chooser { return &chooser{newRoutes(), newFilters(o)} }

func (c *chooser) apply(change transport.Change) {
	c.filters.apply(&change)
	c.routes.apply(change)
}

func (c *chooser) match(ev *transport.Event) (ids, untold []string) {
	ids, questions := c.routes.match(ev)
	if len(questions) == 0 {
		return ids, nil
	}
	a := &asked{ids: ids, questions: questions}
	return a.told(c.filters.answer(ev, questions))
}

// filterWorld counts what filters cost and what they tell.
type filterWorld struct {
	*chooser
	compiled, viewed, asked int
	told                    []string
	log                     bytes.Buffer
}

func newFilterWorld() *filterWorld {
	w := &filterWorld{}
	w.chooser = newChooser(&Options{
		Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
		View:   func(ev *transport.Event) any { w.viewed++; return ev },
		Compile: func(source string) (func(any) (bool, error), error) {
			w.compiled++
			match, err := compileForTest(source)
			if err != nil {
				return nil, err
			}
			return func(view any) (bool, error) { w.asked++; return match(view) }, nil
		},
		FilterError: func(id string, err error) { w.told = append(w.told, id+": "+err.Error()) },
	})
	return w
}

func (w *filterWorld) put(id, filter string, patterns ...string) *transport.Endpoint {
	ep := makeEndpoint(id, patterns...)
	ep.Filter = filter
	w.apply(transport.Change{ID: id, Customer: customer, Endpoint: ep})
	return ep
}

func TestEqualFiltersAreCompiledAndAskedOnce(t *testing.T) {
	w := newFilterWorld()
	for _, id := range []string{"a", "b", "c"} {
		w.put(id, "odd", "x.>")
	}
	w.put("d", "")
	w.put("e", "even", "x.>")
	w.put("b", "odd") // edited, and its filter is the same
	if w.compiled != 2 {
		t.Errorf("compiled %d times", w.compiled)
	}
	for seq, want := range map[uint64][]string{1: {"a", "b", "c", "d"}, 2: {"d", "e"}} {
		w.viewed, w.asked = 0, 0
		ev := makeEvent(seq)
		ev.Type = "x.y"
		if got, _ := w.match(ev); !slices.Equal(got, want) || w.viewed != 1 || w.asked != 2 {
			t.Errorf("event %d goes to %v, want %v; %d views, %d times asked", seq, got, want, w.viewed, w.asked)
		}
	}
	w.viewed, w.asked = 0, 0
	other := makeEvent(1)
	other.Type = "alert.x"
	if got, _ := w.match(other); !slices.Equal(got, []string{"b", "d"}) || w.viewed != 1 || w.asked != 1 {
		t.Errorf("to %v; %d views, %d times asked", got, w.viewed, w.asked)
	}
}

// Types first, then from, then the filter: what is not wanted by the first two
// costs no look at the document.
func TestAFilterIsAskedLast(t *testing.T) {
	w := newFilterWorld()
	later := makeEndpoint("later")
	later.Filter, later.From = "fails", time.Now().Add(time.Hour)
	w.apply(transport.Change{ID: "later", Customer: customer, Endpoint: later})
	w.put("other", "fails", "nothing.of.it")
	off := makeEndpoint("off")
	off.Filter, off.Enabled = "fails", false
	w.apply(transport.Change{ID: "off", Customer: customer, Endpoint: off})
	if got, _ := w.match(makeEvent(1)); len(got) != 0 || w.viewed != 0 || len(w.told) != 0 {
		t.Errorf("goes to %v, %d views, told %v", got, w.viewed, w.told)
	}
}

func TestAFilterThatDoesNotCompileTakesNothing(t *testing.T) {
	w := newFilterWorld()
	ep := w.put("a", "of no language")
	paused := *ep
	paused.State = transport.StatePaused
	w.apply(transport.Change{ID: "a", Customer: customer, Endpoint: &paused})
	for range 3 {
		if got, _ := w.match(makeEvent(1)); len(got) != 0 {
			t.Errorf("goes to %v", got)
		}
	}
	if text := w.log.String(); strings.Count(text, "does not compile") != 1 || !strings.Contains(text, "endpoint=a") || w.compiled != 1 {
		t.Errorf("compiled %d times, logged\n%s", w.compiled, text)
	}
	w.put("a", "odd")
	if got, _ := w.match(makeEvent(1)); !slices.Equal(got, []string{"a"}) {
		t.Errorf("edited, it goes to %v", got)
	}
}

func TestAFilterThatFailsTakesNothingAndIsTold(t *testing.T) {
	w := newFilterWorld()
	w.put("a", "fails")
	w.put("b", "fails")
	w.put("c", "panics")
	w.put("d", "")
	for range 2 {
		w.told = nil
		if got, _ := w.match(makeEvent(1)); !slices.Equal(got, []string{"d"}) {
			t.Errorf("goes to %v", got)
		}
		if want := []string{"a: no such field", "b: no such field", "c: the filter panicked: out of reach"}; !slices.Equal(w.told, want) {
			t.Errorf("told %q, want %q", w.told, want)
		}
	}
	if text := w.log.String(); strings.Count(text, "a filter panicked") != 1 || !strings.Contains(text, "endpoint=c") {
		t.Errorf("logged\n%s", text)
	}
}

func TestACompilerThatPanicsIsAFilterThatDoesNotCompile(t *testing.T) {
	var log bytes.Buffer
	r := newChooser(&Options{Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Compile: func(string) (func(any) (bool, error), error) { panic("too deep") }})
	ep := makeEndpoint("a")
	ep.Filter = "odd"
	r.apply(transport.Change{ID: "a", Customer: customer, Endpoint: ep})
	if got, _ := r.match(makeEvent(1)); len(got) != 0 || !strings.Contains(log.String(), "too deep") {
		t.Errorf("goes to %v, logged %s", got, log.String())
	}
}

// An event that has lost its data cannot be looked at: it is given up by name
// at the endpoints that may have wanted it.
func TestAnEventWithoutItsDataIsNotFilteredAway(t *testing.T) {
	inWorld(t, Options{Compile: compileForTest}, func(w *world) {
		ep := makeEndpoint("a")
		ep.Filter = "fails"
		w.put(ep)
		ev := makeEvent(1)
		ev.Object, ev.Data = "objects/1", nil
		h := w.give(ev)
		w.calm()
		h.want("acked")
		w.wantEnd(1, "a", "buried "+transport.ReasonPayloadGone)
	})
}

// What a filter does not want, or fails at, leaves no record; what breaks in it
// costs nobody anything. A fan-out that was journaled is not asked about again.
func TestFiltersOnAnEventsWay(t *testing.T) {
	asked := 0
	compile := func(source string) (func(any) (bool, error), error) {
		match, err := compileForTest(source)
		return func(view any) (bool, error) { asked++; return match(view) }, err
	}
	recovered := &transport.Recovered{FanOuts: map[uint64]transport.EventFanOut{3: {Endpoints: []string{"even"}}}}
	inWorld(t, Options{Compile: compile, Recovered: recovered}, func(w *world) {
		for _, filter := range []string{"odd", "even", "panics", "fails"} {
			ep := makeEndpoint(filter)
			ep.Filter = filter
			w.put(ep)
		}
		w.event(1).want("acked")
		if got := w.kinds(1); !slices.Equal(got, []string{"fan-out", "tried"}) || w.routed[1] != 1 {
			t.Errorf("journaled %v, routed to %d", got, w.routed[1])
		}
		w.wantEnd(1, "odd", "tried")
		w.remove("odd")
		w.event(5).want("acked")
		if got := w.kinds(5); len(got) != 0 || asked != 7 {
			t.Errorf("journaled %v of what nobody wants; asked %d times", got, asked)
		}
		w.event(3).want("acked")
		w.wantEnd(3, "even", "tried")
		if asked != 7 {
			t.Errorf("asked again about a fan-out that was journaled")
		}
	})
}

func TestWithoutACompilerNoFilterTakesAnything(t *testing.T) {
	var log bytes.Buffer
	r := newChooser(&Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ep := makeEndpoint("a")
	ep.Filter = "true"
	r.apply(transport.Change{ID: "a", Customer: customer, Endpoint: ep})
	if got, _ := r.match(makeEvent(1)); len(got) != 0 || !strings.Contains(log.String(), errNoFilters.Error()) {
		t.Errorf("goes to %v, logged %s", got, log.String())
	}
	if !errors.Is(r.filters.bySource["true"].fault, errNoFilters) {
		t.Error("the fault is another")
	}
}
