package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/postrider/postrider/transport"
)

const (
	// streamsAtOnce bounds the streams of a node, streamsOfOne those of one
	// customer (of operators together too).
	streamsAtOnce, streamsOfOne = 256, 32
	// flushEvery is the least time between two events of deliveries, seenEvery
	// that between two looks at endpoints and replays, beatEvery that between
	// two comments, at which the token is looked at again.
	flushEvery, seenEvery, beatEvery = 250 * time.Millisecond, 2 * time.Second, 15 * time.Second
	// maxStreamEvent is the most bytes of one event's data.
	maxStreamEvent = 64 << 10
)

// What a stream may tell of; deliveries come by the filter.
const (
	streamDeliveries = "deliveries"
	streamEndpoints  = "endpoints"
	streamReplays    = "replays"
	streamRuns       = "runs"
)

var streamKinds = []string{streamDeliveries, streamEndpoints, streamReplays, streamRuns}

func (s *Server) streamRoutes(h huma.API) {
	r := route{method: http.MethodGet, path: "/v1/stream", id: "stream",
		summary: "Follow deliveries, states of endpoints, replays and runs as they change, by server-sent events"}
	handle(s, h, r, s.openStream)
	op := operationOf(h.OpenAPI().Paths[r.path], r.method)
	op.Description += " Events are named deliveries, endpoints, replays and runs; the data of each is {items, more}: at most 50 things that came or changed, " +
		"as lists show them, and how many changes there were beyond, at most four times a second. A reader that is slow loses lines, and more tells how many. " +
		"The first event is open; the last is end, with {reason}. The id of deliveries is a time: given as Last-Event-ID, the stream begins with what changed since."
	op.Responses["200"] = &huma.Response{Description: "A stream without an end", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}}}
	if s.WatchRuns != nil {
		s.WatchRuns(s.streams.ran)
	}
}

type streamQuery struct {
	Customer string `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
	Endpoint string `query:"endpoint" maxLength:"64" doc:"Deliveries to that endpoint only"`
	Event    string `query:"event" maxLength:"273" doc:"Deliveries of the event with that id only"`
	Type     string `query:"type" maxLength:"256" doc:"Deliveries of that type only, or of a pattern such as access.>"`
	Status   string `query:"status" maxLength:"256" doc:"Deliveries with that state, class or status (or one of several) only, as in GET /v1/deliveries"`
	What     string `query:"what" maxLength:"64" doc:"What to tell of, a comma between: deliveries, endpoints, replays, runs; default: all that the roles allow"`
	Since    string `header:"Last-Event-ID" maxLength:"64" doc:"The id of the last event that was read"`
}

type streamAnswer struct{ Body func(huma.Context) }

// streamPart is the data of one event.
type streamPart struct {
	Items []any  `json:"items"`
	More  uint64 `json:"more"`
}

// stream is one that is open.
type stream struct {
	server *Server
	who    *caller
	kinds  []string
	since  time.Time
	filter transport.DeliveryFilter
	feed   transport.DeliveryFeed
	runs   *inbox
	seen   uint64 // the generation of what was told of endpoints and replays

	request *http.Request
	out     http.ResponseWriter
	flusher *http.ResponseController
}

func (s *Server) openStream(ctx context.Context, in *streamQuery) (*streamAnswer, error) {
	st, err := s.newStream(callerOf(ctx), in)
	if err != nil {
		return nil, err
	}
	if err := s.streams.enter(st.who.customer); err != nil {
		return nil, err
	}
	if st.tells(streamDeliveries) {
		if st.feed, err = s.Deliveries.Follow(st.filter); err != nil {
			s.streams.leave(st.who.customer)
			return nil, err
		}
	}
	return &streamAnswer{Body: func(hc huma.Context) {
		defer s.streams.leave(st.who.customer)
		st.request, st.out = humago.Unwrap(hc)
		st.flusher = http.NewResponseController(st.out)
		st.run(hc.Context())
	}}, nil
}

func (s *Server) newStream(who *caller, in *streamQuery) (*stream, error) {
	f, err := (&deliveryQuery{Customer: in.Customer, Endpoint: in.Endpoint, Event: in.Event, Type: in.Type, Status: in.Status}).filter(who)
	if err != nil {
		return nil, err
	}
	st := &stream{server: s, who: who, filter: *f, kinds: streamKinds}
	if in.What != "" {
		st.kinds = strings.Split(in.What, ",")
		for _, kind := range st.kinds {
			if !slices.Contains(streamKinds, kind) {
				return nil, &transport.FieldError{Field: "what", Value: in.What, Message: "not some of deliveries, endpoints, replays, runs, a comma between"}
			}
		}
		if slices.Contains(st.kinds, streamEndpoints) && !who.may(listRoles) {
			return nil, lacksRoles(listRoles)
		}
	}
	if in.Since != "" {
		if st.since, err = time.Parse(time.RFC3339Nano, in.Since); err != nil {
			return nil, &transport.FieldError{Field: "Last-Event-ID", Message: "not an id that this stream gave; leave it out"}
		}
	}
	return st, nil
}

func (st *stream) tells(kind string) bool { return slices.Contains(st.kinds, kind) }

// run tells until the reader leaves, the token ends or the node drains.
func (st *stream) run(ctx context.Context) {
	ready := (<-chan struct{})(nil)
	if st.feed != nil {
		defer st.feed.Close()
		ready = st.feed.Ready()
	}
	st.runs = st.server.streams.listen(st)
	defer st.server.streams.unlisten(st.runs)
	if st.begin(ctx) {
		st.follow(ctx, ready)
	}
}

// begin sends the head, and what changed since the id that was given.
func (st *stream) begin(ctx context.Context) bool {
	h := st.out.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy that collects would hold lines back
	st.out.WriteHeader(http.StatusOK)
	_, st.seen = st.server.streams.changed(ctx, st, 0)
	if !st.send("open", "retry: 2000\n", map[string]any{"at": st.server.Now().UTC()}) {
		return false
	}
	return st.since.IsZero() || st.feed == nil || st.resume(ctx)
}

// follow waits for what there is to tell.
func (st *stream) follow(ctx context.Context, ready <-chan struct{}) {
	s := st.server
	look, beat := time.NewTicker(seenEvery), time.NewTicker(s.streams.beat)
	defer look.Stop()
	defer beat.Stop()
	flush := time.NewTimer(0)
	<-flush.C
	defer flush.Stop()
	over := st.over()
	pending := ready
	for good := true; good; {
		select {
		case <-pending:
			pending = nil // until it is flushed: as much as comes in that time is one event
			flush.Reset(flushEvery)
		case <-flush.C:
			pending = ready
			good = st.tellDeliveries()
		case <-st.runs.ready:
			good = st.tellRuns()
		case <-look.C:
			good = st.tellSeen(ctx)
		case <-beat.C:
			good = st.alive()
		case <-over:
			st.end("the token has ended; give another")
			return
		case <-s.streams.ended:
			st.end("the node stops; another one, or this one again, goes on")
			return
		case <-ctx.Done():
			return
		}
	}
}

// over has a value when the token ends.
func (st *stream) over() <-chan time.Time {
	if st.who.expires.IsZero() {
		return nil
	}
	return time.After(st.who.expires.Sub(st.server.Now()))
}

// alive writes a comment, so that proxies keep the connection, and looks
// whether the token or session still holds.
func (st *stream) alive() bool {
	if _, failure := st.server.tokens.admit(st.request); failure != nil && failure.status != http.StatusTooManyRequests {
		st.end(cmp.Or(failure.Detail, failure.Message))
		return false
	}
	return st.write(": beat\n\n")
}

func (st *stream) end(reason string) { st.send("end", "", map[string]string{"reason": reason}) }

// send writes one event; more are other lines of it.
func (st *stream) send(event, more string, data any) bool {
	raw, err := json.Marshal(data)
	if err != nil {
		return false // what is sent always has a JSON form
	}
	return st.write("event: " + event + "\n" + more + "data: " + string(raw) + "\n\n")
}

func (st *stream) write(text string) bool {
	if _, err := st.out.Write([]byte(text)); err != nil {
		return false
	}
	return st.flusher.Flush() == nil
}

// part writes an event of things; those that are too many bytes are counted
// with those that are missing.
func (st *stream) part(event, more string, items []any, missing uint64) bool {
	p := streamPart{Items: []any{}, More: missing}
	room := maxStreamEvent - 1<<10
	for i, item := range items {
		if room -= sizeOf(item); room < 0 {
			p.More += uint64(len(items) - i)
			break
		}
		p.Items = append(p.Items, item)
	}
	if len(p.Items) == 0 && p.More == 0 {
		return true
	}
	return st.send(event, more, p)
}
