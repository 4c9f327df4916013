package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// streams are those that are open, and what they look at together: endpoints
// and replays are looked at once for all, and not at all where nobody listens.
type streams struct {
	server *Server
	beat   time.Duration
	// ended is closed when the node drains.
	ended chan struct{}
	once  sync.Once

	mu    sync.Mutex
	open  int
	of    map[string]int // by customer
	boxes map[*inbox]*stream

	looking    sync.Mutex // one look at a time
	lookedAt   time.Time
	generation uint64
	known      map[seenKey]*seen
}

func newStreams(s *Server) *streams {
	return &streams{server: s, beat: beatEvery, ended: make(chan struct{}), of: map[string]int{}, boxes: map[*inbox]*stream{}, known: map[seenKey]*seen{}}
}

// EndStreams ends the streams there are, and those to come: the node drains.
// Calling it again is fine.
func (s *Server) EndStreams() { s.streams.once.Do(func() { close(s.streams.ended) }) }

// enter counts a new stream in, or says why there is no room for it.
func (t *streams) enter(customer string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open >= streamsAtOnce || t.of[customer] >= streamsOfOne {
		e := newError(http.StatusTooManyRequests, "Too many streams are open: end one that nobody reads, or ask GET /v1/deliveries now and then").retryAfter(10)
		return e
	}
	t.open++
	t.of[customer]++
	return nil
}

func (t *streams) leave(customer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open--
	if t.of[customer]--; t.of[customer] == 0 {
		delete(t.of, customer)
	}
}

// inbox holds the runs that one stream is yet to tell.
type inbox struct {
	ready chan struct{}
	mu    sync.Mutex
	items []any
	more  uint64
}

func (b *inbox) take() ([]any, uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	items, more := b.items, b.more
	b.items, b.more = nil, 0
	return items, more
}

func (b *inbox) put(item any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) == transport.MaxFeedRows {
		b.more++
	} else {
		b.items = append(b.items, item)
	}
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

func (t *streams) listen(st *stream) *inbox {
	b := &inbox{ready: make(chan struct{}, 1)}
	if st.tells(streamRuns) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.boxes[b] = st
	}
	return b
}

func (t *streams) unlisten(b *inbox) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.boxes, b)
}

// ran is told of each run that ended or failed; it does not block.
func (t *streams) ran(r *transport.Run) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.boxes) == 0 {
		return
	}
	item := runOf(r)
	for b, st := range t.boxes {
		if st.wants(r.Customer) {
			b.put(item)
		}
	}
}

// wants tells whether what belongs to customer is for the stream.
func (st *stream) wants(customer string) bool {
	return st.who.sees(customer) && (st.filter.Customer == "" || st.filter.Customer == customer)
}

type seenKey struct{ kind, id string }

// seen is one endpoint or replay as it was looked at last.
type seen struct {
	customer   string
	endpoint   *transport.Endpoint
	generation uint64 // when it changed last
	mark       any    // what tells a change, compared by ==
	item       any
}

// changed gives what changed after a generation of what the stream is for, and
// the generation that is told now. After 0: nothing yet.
func (t *streams) changed(ctx context.Context, st *stream, after uint64) (items map[string][]any, now uint64) {
	if !st.tells(streamEndpoints) && !st.tells(streamReplays) {
		return nil, after
	}
	t.looking.Lock()
	defer t.looking.Unlock()
	t.look(ctx)
	if after == 0 || t.generation == after {
		return nil, t.generation
	}
	items = map[string][]any{}
	for key, s := range t.known {
		if s.generation > after && st.wants(s.customer) && st.shows(key.kind, s) {
			items[key.kind] = append(items[key.kind], s.item)
		}
	}
	return items, t.generation
}

func (st *stream) shows(kind string, s *seen) bool {
	return st.tells(kind) && (s.endpoint == nil || st.who.may(listRoles) && mayHandle(st.who, s.endpoint) == nil)
}

// look looks again, where the last look is old. The lock of looking is held.
func (t *streams) look(ctx context.Context) {
	now := t.server.Now()
	if since := now.Sub(t.lookedAt); since >= 0 && since < seenEvery-flushEvery {
		return
	}
	t.lookedAt = now
	next := t.generation + 1
	there := make(map[seenKey]bool, len(t.known))
	t.lookAtEndpoints(ctx, next, there)
	t.lookAtReplays(next, there)
	for key := range t.known {
		if !there[key] {
			delete(t.known, key)
		}
	}
	t.generation = next
}

type endpointMark struct {
	revision uint64
	standing transport.Standing
}

func (t *streams) lookAtEndpoints(ctx context.Context, generation uint64, there map[seenKey]bool) {
	standings := t.server.allStandings(ctx)
	for _, ep := range t.server.endpoints("", "") {
		standing := standings[ep.ID]
		t.note(seenKey{streamEndpoints, ep.ID}, &seen{customer: ep.Customer, endpoint: ep, mark: endpointMark{ep.Revision, standing}}, generation, there, func() any {
			return endpointState(ep, &standing)
		})
	}
}

func (t *streams) lookAtReplays(generation uint64, there map[seenKey]bool) {
	if t.server.Replays == nil {
		return
	}
	for _, job := range t.server.Replays.Jobs("") {
		t.note(seenKey{streamReplays, job.ID}, &seen{customer: job.Customer, mark: [2]any{job.State, job.Done}}, generation, there, func() any { return job })
	}
}

// note keeps one that is new or changed.
func (t *streams) note(key seenKey, s *seen, generation uint64, there map[seenKey]bool, item func() any) {
	there[key] = true
	if old, known := t.known[key]; known && old.mark == s.mark {
		return
	}
	s.generation, s.item = generation, item()
	t.known[key] = s
}

// EndpointState is an endpoint as streams tell that it changed.
type EndpointState struct {
	ID          string         `json:"id"`
	Customer    string         `json:"customer"`
	Name        string         `json:"name"`
	Enabled     bool           `json:"enabled"`
	State       string         `json:"state"`
	StateReason string         `json:"state_reason"`
	Waiting     int            `json:"waiting"`
	Standing    *ShownStanding `json:"standing,omitempty"`
}

func endpointState(ep *transport.Endpoint, st *transport.Standing) EndpointState {
	shown := show(ep)
	if *st != (transport.Standing{}) {
		shown.stand(st)
	}
	return EndpointState{ID: ep.ID, Customer: ep.Customer, Name: ep.Name, Enabled: ep.Enabled, State: shown.State, StateReason: shown.StateReason,
		Waiting: shown.Waiting, Standing: shown.Standing}
}
