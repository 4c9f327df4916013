package shard

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// filters are the endpoints' filters, each distinct text compiled once.
type filters struct {
	compile  func(source string) (func(view any) (bool, error), error)
	view     func(ev *transport.Event) any
	failed   func(endpoint string, err error)
	spent    func(view any) time.Duration
	shares   *transport.Shares
	now      func() time.Time
	log      *slog.Logger
	bySource map[string]*filter
	byID     map[string]*transport.Endpoint // those that have one
	// events counts those that filters were asked about.
	events uint64
}

// filter is one text, whoever has it.
type filter struct {
	users int
	// match is nil where the text does not compile: nothing is wanted then.
	match  func(view any) (bool, error)
	fault  error
	broken bool // it panicked, and that was told
	// wants and err are what it said of the event numbered asked.
	asked uint64
	wants bool
	err   error
}

var errNoFilters = errors.New("this node has no filters")

func newFilters(o *Options) *filters {
	f := &filters{compile: o.Compile, view: o.View, failed: o.FilterError, log: o.Logger, bySource: map[string]*filter{},
		byID: map[string]*transport.Endpoint{}, spent: o.Spent, shares: o.Shares, now: o.Deps.Now}
	if f.compile == nil {
		f.compile = func(string) (func(any) (bool, error), error) { return nil, errNoFilters }
	}
	if f.view == nil {
		f.view = func(ev *transport.Event) any { return ev }
	}
	if f.spent == nil {
		f.spent = func(any) time.Duration { return 0 }
	}
	if f.now == nil {
		f.now = time.Now
	}
	if f.failed == nil {
		f.failed = func(string, error) {}
	}
	return f
}

// apply takes one change of the registry in.
func (s *filters) apply(c *transport.Change) {
	old, ep := s.byID[c.ID], c.Endpoint
	has := !endpoint.IsClosed(ep) && ep.Filter != ""
	if has { // before old leaves it, so that one they share is kept
		s.byID[c.ID] = ep
		s.use(ep, old)
	} else {
		delete(s.byID, c.ID)
	}
	if old != nil {
		s.leave(old)
	}
}

// use makes ep one more user of its filter; before is how ep was, or nil.
func (s *filters) use(ep, before *transport.Endpoint) {
	f := s.of(ep.Filter)
	s.bySource[ep.Filter] = f
	f.users++
	if f.fault != nil && (before == nil || before.Filter != ep.Filter) {
		s.log.Error("an endpoint's filter does not compile, so that it gets nothing; edit the filter",
			"endpoint", ep.ID, "customer", ep.Customer, "error", f.fault)
	}
}

// of is the filter of a text, compiled where it has no user.
func (s *filters) of(source string) *filter {
	f := s.bySource[source]
	if f == nil {
		f = &filter{}
		f.match, f.fault = s.compiled(source)
	}
	return f
}

// leave is the end of what use began.
func (s *filters) leave(ep *transport.Endpoint) {
	f := s.bySource[ep.Filter]
	if f == nil {
		return
	}
	if f.users--; f.users == 0 {
		delete(s.bySource, ep.Filter)
	}
}

func (s *filters) compiled(source string) (match func(any) (bool, error), err error) {
	defer func() {
		if v := recover(); v != nil {
			match, err = nil, fmt.Errorf("compiling it panicked: %v", v)
		}
	}()
	return s.compile(source)
}

// asking is one event put to filters; its view is made for the first.
type asking struct {
	*filters
	ev   *transport.Event
	view any
	at   time.Time
	paid time.Duration
}

// costly is an error of a filter that was broken off for what it cost.
type costly interface{ Costly() bool }

// answer tells what the filters that are asked say of an event.
func (s *filters) answer(ev *transport.Event, questions []Question) []Verdict {
	s.events++
	a := &asking{filters: s, ev: ev, at: s.now()}
	verdicts := make([]Verdict, len(questions))
	for i, q := range questions {
		verdicts[i] = a.verdict(s.of(q.Filter), q.Endpoint)
	}
	return verdicts
}

// verdict tells whether f, the filter of the endpoint id, takes the event. What
// fails takes nothing, and is told for each endpoint. Of an endpoint that may
// not spend more it is untold, as where f was broken off.
func (a *asking) verdict(f *filter, id string) Verdict {
	switch {
	case f.match == nil:
		return Unwanted
	case f.asked != a.events:
		if !a.shares.May(a.at, a.ev.Customer, id) {
			return Untold
		}
		f.asked = a.events
		f.wants, f.err = a.put(f, id)
		a.pay(f, id)
	}
	if f.err != nil {
		a.failed(id, f.err)
		if tooCostly(f.err) {
			return Untold
		}
	}
	if f.wants && f.err == nil {
		return Wanted
	}
	return Unwanted
}

// pay takes what f cost, with what it read of the event, off the customer's share.
func (a *asking) pay(f *filter, id string) {
	if a.view == nil {
		return
	}
	all := a.spent(a.view)
	a.shares.Spent(a.at, a.ev.Customer, id, all-a.paid, tooCostly(f.err))
	a.paid = all
}

func tooCostly(err error) bool {
	var c costly
	return err != nil && errors.As(err, &c) && c.Costly()
}

// put has f, the endpoint's filter, look at the event. A panic costs no more
// than an error.
func (a *asking) put(f *filter, id string) (wants bool, err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		wants, err = false, fmt.Errorf("the filter panicked: %v", v)
		if !f.broken {
			f.broken = true
			a.log.Error("a filter panicked; what it panics at is not wanted, and counted from now on",
				"endpoint", id, "seq", a.ev.Seq, "event", a.ev.ID, "panic", v)
		}
	}()
	if a.view == nil {
		a.view = a.filters.view(a.ev)
	}
	return f.match(a.view)
}
