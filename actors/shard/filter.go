package shard

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

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
		spent: o.Spent, shares: o.Shares, now: o.Deps.Now}
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

// take makes ep one more user of its filter; before is how ep was, or nil.
func (s *filters) take(ep, before *transport.Endpoint) {
	if ep.Filter == "" {
		return
	}
	f := s.bySource[ep.Filter]
	if f == nil {
		f = &filter{}
		f.match, f.fault = s.compiled(ep.Filter)
		s.bySource[ep.Filter] = f
	}
	f.users++
	if f.fault != nil && (before == nil || before.Filter != ep.Filter) {
		s.log.Error("an endpoint's filter does not compile, so that it gets nothing; edit the filter",
			"endpoint", ep.ID, "customer", ep.Customer, "error", f.fault)
	}
}

// leave is the end of what take began.
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

// question is one event put to filters; its view is made for the first.
type question struct {
	*filters
	ev   *transport.Event
	view any
	at   time.Time
	paid time.Duration
}

// verdict is what comes of a question.
type verdict int

const (
	isUnwanted verdict = iota
	isWanted
	// isUntold: it would cost too much to tell.
	isUntold
)

// costly is an error of a filter that was broken off for what it cost.
type costly interface{ Costly() bool }

func (s *filters) ask(ev *transport.Event) *question {
	s.events++
	return &question{filters: s, ev: ev, at: s.now()}
}

// wants tells whether f, the filter of the endpoint id, takes the event. What
// fails takes nothing, and is told for each endpoint. An event that has lost
// its data is taken by all, to be given up by name. Of an endpoint that may not
// spend more it is untold, as where f was broken off.
func (q *question) wants(f *filter, id string) verdict {
	switch {
	case f.match == nil:
		return isUnwanted
	case q.ev.Object != "" && len(q.ev.Data) == 0:
		return isWanted
	case f.asked != q.events:
		if !q.shares.May(q.at, q.ev.Customer, id) {
			return isUntold
		}
		f.asked = q.events
		f.wants, f.err = q.put(f, id)
		q.pay(f, id)
	}
	if f.err != nil {
		q.failed(id, f.err)
		if tooCostly(f.err) {
			return isUntold
		}
	}
	if f.wants && f.err == nil {
		return isWanted
	}
	return isUnwanted
}

// pay takes what f cost, with what it read of the event, off the customer's share.
func (q *question) pay(f *filter, id string) {
	if q.view == nil {
		return
	}
	all := q.spent(q.view)
	q.shares.Spent(q.at, q.ev.Customer, id, all-q.paid, tooCostly(f.err))
	q.paid = all
}

func tooCostly(err error) bool {
	var c costly
	return err != nil && errors.As(err, &c) && c.Costly()
}

// put has f, the endpoint's filter, look at the event. A panic costs no more
// than an error.
func (q *question) put(f *filter, id string) (wants bool, err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		wants, err = false, fmt.Errorf("the filter panicked: %v", v)
		if !f.broken {
			f.broken = true
			q.log.Error("a filter panicked; what it panics at is not wanted, and counted from now on",
				"endpoint", id, "seq", q.ev.Seq, "event", q.ev.ID, "panic", v)
		}
	}()
	if q.view == nil {
		q.view = q.filters.view(q.ev)
	}
	return f.match(q.view)
}
