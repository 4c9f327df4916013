package node

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/quota"
)

// newQuotas keeps each customer's use within the settings' bounds, or its own.
func (n *Node) newQuotas() *quota.Book {
	return quota.New(quota.Options{
		Bounds: quotaBounds(&n.cfg.Quota),
		Own:    n.ownQuotas,
		Told:   n.quotaChanged,
	})
}

func quotaBounds(q *config.Quota) quota.Bounds {
	most := map[string]float64{
		transport.QuotaEndpoints: float64(q.Endpoints),
		transport.QuotaAlerts:    float64(q.Alerts),
		transport.QuotaReplays:   float64(q.Replays),
		transport.QuotaEvents:    float64(q.EventsPerSecond),
		transport.QuotaBytes:     float64(q.BytesPerSecond),
		transport.QuotaLog:       q.LogShare,
		transport.QuotaRequests:  float64(q.RequestsPerSecond),
		transport.QuotaTests:     float64(q.TestsPerMinute),
		transport.QuotaFilters:   q.FilterTime,
	}
	return quota.Bounds{Most: most, AtOnce: map[string]float64{
		transport.QuotaRequests: float64(q.RequestsBurst),
		// An array of the largest size is taken at once.
		transport.QuotaEvents: max(transport.MaxBatchEvents, 2*float64(q.EventsPerSecond)),
		transport.QuotaBytes:  max(64<<20, 2*float64(q.BytesPerSecond)),
	}}
}

// ownQuotas are the bounds that the operator gave a customer.
func (n *Node) ownQuotas(customer string) map[string]float64 {
	if c, there := n.registry.Customer(customer); there {
		return c.Quotas
	}
	return nil
}

// filterTime is a customer's share of time for filters and templates.
func (n *Node) filterTime(customer string) float64 {
	return n.quotas.Bound(customer, transport.QuotaFilters)
}

// filterTimeSpent counts what a customer's filters and templates cost.
func (n *Node) filterTimeSpent(now time.Time, customer string, cost time.Duration) {
	n.quotas.Count(now, customer, transport.QuotaFilters, cost.Seconds())
}

// quotaDocument is the data of ops.quota.near and ops.quota.reached. Endpoint,
// Name and Until are of a filter that is put away.
type quotaDocument struct {
	Quota    string    `json:"quota"`
	Used     float64   `json:"used,omitempty"`
	Bound    float64   `json:"bound,omitempty"`
	Endpoint string    `json:"endpoint,omitempty"`
	Name     string    `json:"name,omitempty"`
	Reason   string    `json:"reason"`
	Until    time.Time `json:"until,omitzero"`
	Time     time.Time `json:"time"`
}

// quotaChanged tells that a customer came near a bound, or reached it.
func (n *Node) quotaChanged(q quota.News) {
	what, reason := "quota.near", "over 80 % of quota."+q.Quota+" is used"
	if q.Reached {
		what, reason = "quota.reached", "quota."+q.Quota+" is used up: what goes beyond it "+beyond(q.Quota)
	}
	n.log.Warn("a customer comes near its quota", "customer", q.Customer, "quota", q.Quota, "used", q.Used, "bound", q.Bound, "reached", q.Reached)
	n.metrics.Quota(q.Quota, q.Reached)
	n.quotaNews.put(quotaNews{customer: q.Customer, what: what,
		id: fmt.Sprintf("ops-%s-%s-%s-%d", q.Customer, what, q.Quota, q.At.UnixNano()), at: q.At,
		document: quotaDocument{Quota: q.Quota, Used: q.Used, Bound: q.Bound, Reason: reason, Time: q.At.UTC()}})
}

// beyond says what becomes of what goes beyond a quota.
func beyond(name string) string {
	switch name {
	case transport.QuotaFilters:
		return "is skipped as filter_cost where it is a filter's, and waits where it is a template's"
	case transport.QuotaLog:
		return "is refused until older events are settled and dropped"
	case transport.QuotaEvents, transport.QuotaBytes:
		return "is refused with 429 by HTTP, and waits by NATS"
	}
	return "is refused with 429"
}

// quotaNews is an event about a customer's quota that is to be written into the
// log.
type quotaNews struct {
	customer, what, id string
	at                 time.Time
	document           quotaDocument
}

// quotaQueue bounds what waits to be written; what comes beyond it is in the
// node's log alone.
const quotaQueue = 256

func (n *Node) newQuotaNews() *outbox[quotaNews] {
	return newOutbox(outboxOptions[quotaNews]{
		what: "news of a customer's quota", most: quotaQueue, log: n.log,
		which: func(q quotaNews) []any { return []any{"customer", q.customer, "what", q.what} },
		write: func(ctx context.Context, q quotaNews) error {
			data, err := json.Marshal(&q.document)
			if err != nil {
				return err
			}
			return n.store.Events.SubmitOps(ctx, q.customer, q.what, q.id, q.at, data)
		},
	})
}
