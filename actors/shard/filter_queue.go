package shard

import (
	"sync"

	"github.com/postrider/postrider/transport"
)

// filterQueue has filters asked off the shard's actor, one event after the
// other, each by the registry as it was when it was asked.
type filterQueue struct {
	filters *filters
	told    func(seq uint64, verdicts []Verdict)
	inline  bool // on a stepped system: within the call

	mu     sync.Mutex
	queue  []filterWork
	wake   chan struct{}
	having map[string]bool // the endpoints with a filter; the actor's own
}

// filterWork is a change of the registry, or an event.
type filterWork struct {
	change    *transport.Change
	event     *transport.Event
	questions []Question
}

func newFilterQueue(f *filters, told func(uint64, []Verdict), inline bool) *filterQueue {
	return &filterQueue{filters: f, told: told, inline: inline, wake: make(chan struct{}, 1), having: map[string]bool{}}
}

// change takes a change of the registry in, for what is asked after it.
func (q *filterQueue) change(c *transport.Change) {
	has := c.Endpoint != nil && c.Endpoint.Filter != ""
	if !has && !q.having[c.ID] {
		return
	}
	if has {
		q.having[c.ID] = true
	} else {
		delete(q.having, c.ID)
	}
	q.put(filterWork{change: c})
}

func (q *filterQueue) put(w filterWork) {
	if q.inline {
		q.work(&w)
		return
	}
	q.mu.Lock()
	q.queue = append(q.queue, w)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *filterQueue) work(w *filterWork) {
	if w.change != nil {
		q.filters.apply(w.change)
		return
	}
	q.told(w.event.Seq, q.filters.answer(w.event, w.questions))
}

// run works until stop is closed.
func (q *filterQueue) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-q.wake:
		}
		q.mu.Lock()
		all := q.queue
		q.queue = nil
		q.mu.Unlock()
		for i := range all {
			q.work(&all[i])
		}
	}
}
