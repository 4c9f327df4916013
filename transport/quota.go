package transport

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The names of customers' quotas, as the settings have them behind "quota.".
const (
	QuotaEndpoints = "endpoints"
	QuotaAlerts    = "alerts"
	QuotaReplays   = "replays"
	QuotaEvents    = "events_per_second"
	QuotaBytes     = "bytes_per_second"
	QuotaLog       = "log_share"
	QuotaRequests  = "requests_per_second"
	QuotaTests     = "tests_per_minute"
	QuotaFilters   = "filter_time"
)

// Quotas are all of them, in the order in which they are shown.
var Quotas = []string{QuotaEndpoints, QuotaAlerts, QuotaReplays, QuotaEvents, QuotaBytes, QuotaLog, QuotaRequests, QuotaTests, QuotaFilters}

// MaxQuota bounds what a quota may be set to.
const MaxQuota = 1e12

// CheckQuotas looks at a customer's own bounds.
func CheckQuotas(own map[string]float64) error {
	for _, name := range slices.Sorted(maps.Keys(own)) {
		most := float64(MaxQuota)
		if name == QuotaFilters || name == QuotaLog {
			most = 1
		}
		switch bound := own[name]; {
		case !slices.Contains(Quotas, name):
			return wrongValue("quotas."+name, name, "not a quota; there are "+strings.Join(Quotas, ", "))
		case !(bound >= 0 && bound <= most):
			return wrong("quotas."+name, fmt.Sprintf("%g is not from 0 (no bound) to %g", bound, most))
		}
	}
	return nil
}

// QuotaWant is so much of a rate.
type QuotaWant struct {
	Quota string
	N     float64
}

// QuotaOver is which rate is over its bound, and how long until there is room;
// a Wait of 0: none is.
type QuotaOver struct {
	Quota string
	Bound float64
	Wait  time.Duration
}

// QuotaError is that a customer has used up a quota that is no rate.
type QuotaError struct {
	Quota       string
	Used, Bound float64
	Message     string
}

func (e *QuotaError) Error() string { return e.Message }

// QuotaUse is how much of one quota a customer uses: a count, or a rate over
// the last seconds. Bound 0 is no bound. Since is when use came over 80 % of
// the bound; nil: it is below.
type QuotaUse struct {
	Quota string     `json:"quota"`
	Used  float64    `json:"used"`
	Bound float64    `json:"bound"`
	Since *time.Time `json:"since,omitempty"`
}
