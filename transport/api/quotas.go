package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
)

// Quotas keep each customer's use within its bounds; a bound of 0 is none.
type Quotas interface {
	Bound(customer, quota string) float64
	// Take counts what is wanted of rates, all of it or nothing.
	Take(now time.Time, customer string, wanted ...transport.QuotaWant) transport.QuotaOver
	// Room tells whether one more fits beside so many.
	Room(now time.Time, customer, quota string, there int) (bound float64, fits bool)
	// Use tells how a customer stands; used counts where Take does not.
	Use(now time.Time, customer, quota string, used float64) transport.QuotaUse
}

// Room is what events are stored in.
type Room interface {
	// Admit may wait some seconds while room is made. Its error says why there is
	// none for a customer's documents of these sizes: a *transport.QuotaError
	// where bounded and the customer's share is used up, one that wraps
	// transport.ErrUnavailable where there is none for anybody. done is called
	// when they are stored, or not.
	Admit(ctx context.Context, customer string, bounded bool, sizes []int) (done func(), err error)
	// Share is what a customer has of the log's room, of 1.
	Share(customer string) float64
}

// Usage is what a customer uses of each quota.
type Usage struct {
	Customer string               `json:"customer"`
	Quotas   []transport.QuotaUse `json:"quotas"`
}

type (
	usageQuery struct {
		Customer string `query:"customer" maxLength:"64" doc:"For operators: this customer's; else the token's"`
	}
	usageAnswer struct{ Body Usage }
)

func (s *Server) quotaRoutes(h huma.API) {
	handle(s, h, route{method: http.MethodGet, path: "/v1/usage", id: "show-usage",
		summary: "Show what a customer uses of each quota, its bound, and since when use is near it"}, s.usage)
}

func (s *Server) usage(ctx context.Context, in *usageQuery) (*usageAnswer, error) {
	customer, err := callerOf(ctx).actsFor(in.Customer)
	if err != nil {
		return nil, err
	}
	return &usageAnswer{Body: Usage{Customer: customer, Quotas: s.useOf(customer)}}, nil
}

// useOf is what a customer uses of each quota now.
func (s *Server) useOf(customer string) (all []transport.QuotaUse) {
	now := s.Now()
	for _, q := range transport.Quotas {
		used := 0.0
		switch count, counted := s.counted()[q]; {
		case counted:
			used = float64(count(customer))
		case q == transport.QuotaLog && s.Room != nil:
			used = s.Room.Share(customer)
		}
		all = append(all, s.Quotas.Use(now, customer, q, used))
	}
	return all
}

// counted are the quotas of what is there, and how that is counted.
func (s *Server) counted() map[string]func(customer string) int {
	return map[string]func(string) int{
		transport.QuotaEndpoints: s.endpointsOf,
		transport.QuotaAlerts:    s.alertsOf,
		transport.QuotaReplays:   s.replaysOf,
		transport.QuotaTests:     s.tests.sentBy,
	}
}

// endpointsOf counts a customer's endpoints; mailboxes are its alerts'.
func (s *Server) endpointsOf(customer string) (n int) {
	for _, ep := range s.Registry.Endpoints(customer) {
		if ep.Kind != transport.KindEmail {
			n++
		}
	}
	return n
}

func (s *Server) alertsOf(customer string) int {
	if s.Alerts == nil {
		return 0
	}
	return len(s.Alerts.Alerts(customer))
}

func (s *Server) replaysOf(customer string) (n int) {
	if s.Replays == nil {
		return 0
	}
	for _, job := range s.Replays.Jobs(customer) {
		if job.State == transport.ReplayRunning {
			n++
		}
	}
	return n
}

// countWait is what Retry-After says where room comes only when something ends.
const countWait = 60

// room refuses one more of what a quota counts where a customer has as many as
// it may. Operators are not bounded. What is made at the same moment may go
// beyond by as much.
func (s *Server) room(ctx context.Context, customer, quota string) error {
	if s.Quotas == nil || callerOf(ctx).operator() {
		return nil
	}
	there := s.counted()[quota](customer)
	bound, fits := s.Quotas.Room(s.Now(), customer, quota, there)
	if fits {
		return nil
	}
	return overQuota(quota, fmt.Sprintf("%d %s are there, and a customer may have %g: remove some, or ask the operator for more", there, quota, bound), bound, countWait)
}

// rates are what is counted of the rates, in words.
var rates = map[string]string{transport.QuotaEvents: "events", transport.QuotaBytes: "bytes", transport.QuotaRequests: "requests"}

// rated counts what is wanted of rates for a customer, and refuses where one is
// over its bound.
func (s *Server) rated(who *caller, customer string, wanted ...transport.QuotaWant) *Error {
	if s.Quotas == nil || who.operator() {
		return nil
	}
	over := s.Quotas.Take(s.Now(), customer, wanted...)
	if over.Wait <= 0 {
		return nil
	}
	seconds := max(1, int(math.Ceil(over.Wait.Seconds())))
	return overQuota(over.Quota, fmt.Sprintf("Too many %s: a customer may send %g a second; try again in %d s", rates[over.Quota], over.Bound, seconds), over.Bound, seconds)
}

func overQuota(quota, message string, bound float64, seconds int) *Error {
	e := newError(http.StatusTooManyRequests, message)
	e.Details = map[string]any{"quota": "quota." + quota, "bound": bound}
	return e.retryAfter(seconds)
}

// submit stores what a request publishes, where it is within the customer's
// quotas and there is room for it.
func (s *Server) submit(ctx context.Context, who *caller, events []transport.Event) ([]transport.Receipt, error) {
	if failure := s.published(who, events); failure != nil {
		return nil, failure
	}
	if s.Room != nil && len(events) > 0 {
		sizes := make([]int, len(events))
		for i := range events {
			sizes[i] = len(events[i].Data)
		}
		done, err := s.Room.Admit(ctx, events[0].Customer, s.Quotas != nil && !who.operator(), sizes)
		if err != nil {
			return nil, noRoom(err)
		}
		defer done()
	}
	return s.Events.Submit(ctx, events)
}

// noRoom is the answer to what there is no room for.
func noRoom(err error) error {
	var over *transport.QuotaError
	if !errors.As(err, &over) {
		return err
	}
	wait := countWait
	if over.Quota == transport.QuotaEvents { // a share of what the node takes: it comes soon
		wait = 1
	}
	e := overQuota(over.Quota, over.Message, over.Bound, wait)
	e.Details["used"] = over.Used
	return e
}

// published counts what a request publishes.
func (s *Server) published(who *caller, events []transport.Event) *Error {
	if s.Quotas == nil || who.operator() || len(events) == 0 {
		return nil
	}
	bytes := 0
	for i := range events {
		bytes += len(events[i].Data)
	}
	return s.rated(who, events[0].Customer, // the token's, who is no operator
		transport.QuotaWant{Quota: transport.QuotaBytes, N: float64(bytes)}, transport.QuotaWant{Quota: transport.QuotaEvents, N: float64(len(events))})
}
