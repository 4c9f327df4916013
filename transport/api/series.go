package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
)

const (
	// seriesAtOnce bounds the looks at the whole log, seriesWait how long one
	// waits for its turn.
	seriesAtOnce = 2
	seriesWait   = 5 * time.Second
	// defaultSeries is the time looked at where none is named.
	defaultSeries = 24 * time.Hour
)

// seriesSteps are the steps to choose from where none is named: the shortest
// that gives at most usualSteps.
var seriesSteps = []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}

const usualSteps = 96

func (s *Server) seriesRoutes(h huma.API) {
	handle(s, h, route{method: http.MethodGet, path: "/v1/series", id: "series",
		summary: "Count deliveries over time: how far they have come, and how long they took"}, s.series)
}

type seriesQuery struct {
	Customer string    `query:"customer" maxLength:"64" doc:"For operators: that customer's only"`
	Endpoint string    `query:"endpoint" maxLength:"3700" doc:"To that endpoint only, or to those: at most 100, a comma between"`
	Type     string    `query:"type" maxLength:"256" doc:"Of that type only, or of a pattern such as access.>"`
	Status   string    `query:"status" maxLength:"256" doc:"As in GET /v1/deliveries"`
	From     time.Time `query:"from" doc:"RFC 3339: deliveries that became owed then or later; default: a day before to"`
	To       time.Time `query:"to" doc:"RFC 3339: those that became owed before; default: now"`
	Step     string    `query:"step" maxLength:"16" doc:"The length of a step, such as 5m or 1h; default: one that gives some 96 steps; at most 500 steps, and 10,000 of all series together"`
	By       string    `query:"by" enum:"endpoint,status,type" doc:"A series for each endpoint, status of the last attempt, or type: the 100 largest; default: all in one"`
}

// SeriesOfTime are deliveries counted by when they became owed.
type SeriesOfTime struct {
	From   time.Time `json:"from" doc:"When the first step begins"`
	To     time.Time `json:"to"`
	Step   string    `json:"step"`
	Steps  int       `json:"steps"`
	Series []Series  `json:"series" doc:"The largest first"`
	Others int       `json:"others" doc:"How many smaller series are left out"`
	// CompleteFrom is left out where the log is whole.
	CompleteFrom *time.Time `json:"complete_from,omitempty" doc:"From this time on every delivery is counted; of older ones only some are"`
}

// Series is a count for each step.
type Series struct {
	Key          string    `json:"key" doc:"The endpoint, status or type; empty without by"`
	Waiting      []uint32  `json:"waiting"`
	Retrying     []uint32  `json:"retrying"`
	Delivered    []uint32  `json:"delivered"`
	DeadLettered []uint32  `json:"dead_lettered"`
	Skipped      []uint32  `json:"skipped"`
	P50          []float64 `json:"p50_ms" doc:"How long the faster half of the delivered took at most, from being owed to the attempt's end, to within an eighth; 0: none was delivered"`
	P99          []float64 `json:"p99_ms"`
}

type seriesAnswer struct{ Body SeriesOfTime }

func (s *Server) series(ctx context.Context, in *seriesQuery) (*seriesAnswer, error) {
	f, err := in.filter(callerOf(ctx), s.Now())
	if err != nil {
		return nil, err
	}
	free, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer free()
	got, err := s.Deliveries.Series(ctx, *f)
	if err != nil {
		return nil, err
	}
	out := SeriesOfTime{From: f.From.UTC(), To: f.To.UTC(), Step: f.Step.String(), Steps: f.Steps(), Series: []Series{}, Others: got.Others}
	for i := range got.Series {
		out.Series = append(out.Series, seriesOf(&got.Series[i]))
	}
	if !got.CompleteFrom.IsZero() {
		out.CompleteFrom = &got.CompleteFrom
	}
	return &seriesAnswer{Body: out}, nil
}

// turn waits for a place among those who look at the whole log.
func (s *Server) turn(ctx context.Context) (free func(), err error) {
	limited, cancel := context.WithTimeout(ctx, seriesWait)
	defer cancel()
	select {
	case s.looks <- struct{}{}:
		return func() { <-s.looks }, nil
	case <-limited.Done():
		return nil, newError(http.StatusTooManyRequests, "Others are counting deliveries: try again in some seconds").retryAfter(5)
	}
}

func (in *seriesQuery) filter(who *caller, now time.Time) (*transport.SeriesFilter, error) {
	one := in.Endpoint
	f := &transport.SeriesFilter{By: in.By}
	if strings.Contains(in.Endpoint, ",") {
		one, f.Endpoints = "", strings.Split(in.Endpoint, ",")
		if len(f.Endpoints) > transport.MaxSeries {
			return nil, invalid("endpoint", "over 100 of them; ask for some at a time")
		}
		for _, id := range f.Endpoints {
			if err := checkEndpointID(id); err != nil {
				return nil, err
			}
		}
	}
	d, err := (&deliveryQuery{Customer: in.Customer, Endpoint: one, Type: in.Type, Status: in.Status}).filter(who)
	if err != nil {
		return nil, err
	}
	f.DeliveryFilter = *d
	f.To = cmp.Or(in.To, now)
	f.From = cmp.Or(in.From, f.To.Add(-defaultSeries))
	if !f.From.Before(f.To) {
		return nil, invalid("to", "does not lie after from; swap them")
	}
	return f, in.step(f)
}

// step reads the step, or chooses one.
func (in *seriesQuery) step(f *transport.SeriesFilter) (err error) {
	if in.Step == "" {
		whole := f.To.Sub(f.From)
		at := slices.IndexFunc(seriesSteps, func(step time.Duration) bool { return whole < (usualSteps+1)*step })
		if at < 0 {
			at = len(seriesSteps) - 1
		}
		f.Step = seriesSteps[at]
	} else if f.Step, err = time.ParseDuration(in.Step); err != nil || f.Step < time.Second {
		return &transport.FieldError{Field: "step", Value: in.Step, Message: "not a time of a second or more, such as 5m or 1h"}
	}
	// Steps begin at whole ones, so that the same step is the same next time.
	f.From = f.From.Truncate(f.Step)
	return nil
}

func seriesOf(s *transport.Series) Series {
	out := Series{Key: s.Key, Waiting: s.Waiting, Retrying: s.Retrying, Delivered: s.Delivered, DeadLettered: s.DeadLettered, Skipped: s.Skipped,
		P50: make([]float64, len(s.P50)), P99: make([]float64, len(s.P99))}
	for i := range s.P50 {
		out.P50[i], out.P99[i] = ms(s.P50[i]), ms(s.P99[i])
	}
	return out
}
