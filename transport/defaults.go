package transport

import (
	"math"
	"slices"
	"time"
)

// Profiles of endpoints.
const (
	ProfileGenea    = "genea"
	ProfileGenLogs  = "genlogs"
	ProfileStandard = "standard"
	ProfileCustom   = "custom"
)

// DefaultMaxWaiting is how many events may wait for one endpoint.
const DefaultMaxWaiting = 1_000_000

const (
	defaultTimeout     = 15 * time.Second
	defaultConcurrency = 8
	defaultJitter      = 0.2
)

// profile is what an endpoint gets where it says nothing.
type profile struct {
	format    string
	signature Signature
	events    []string
	schedule  []Duration
	jitter    float64
	success   string
}

var profiles = map[string]profile{
	ProfileGenea: {
		format: "genea", signature: Signature{Scheme: "sequr"},
		events: []string{"access.>", "door.>", "control_point.>", "monitor_point.>",
			"interface_panel.>", "schedule.>", "remote_operation.>", "audit.>"},
		schedule: waits(10*time.Second, 10*time.Second, 10*time.Second),
		success:  "200",
	},
	ProfileGenLogs: {
		format: "genlogs", signature: Signature{Scheme: "genlogs"},
		events: []string{"alert.>"}, schedule: standardWaits, jitter: defaultJitter, success: "2xx",
	},
	ProfileStandard: {
		format: "standard", signature: Signature{Scheme: "standard"},
		events: []string{">"}, schedule: standardWaits, jitter: defaultJitter, success: "2xx",
	},
	ProfileCustom: {
		format: "raw", signature: Signature{Scheme: "hmac", Header: "X-Signature"},
		events: []string{">"}, schedule: standardWaits, jitter: defaultJitter, success: "2xx",
	},
}

var standardWaits = waits(5*time.Second, 5*time.Minute, 30*time.Minute,
	2*time.Hour, 5*time.Hour, 10*time.Hour, 10*time.Hour)

func waits(all ...time.Duration) []Duration {
	list := make([]Duration, len(all))
	for i, d := range all {
		list[i] = Duration(d)
	}
	return list
}

// ApplyDefaults fills in what e leaves empty, by its profile (standard where
// none is named). A nil schedule or event list is the profile's; an empty one
// stays empty. Enabled and Delivery.Retries are as they stand, and a Jitter of
// zero counts as left empty: who reads JSON knows what was given. A mailbox has
// no profile: it gets the standard's delivery, and events of matches.
func (e *Endpoint) ApplyDefaults() { e.ApplyDefaultsOf(nil) }

// ApplyDefaultsOf is ApplyDefaults for an endpoint of this customer, whose
// hardware its version follows; nil: a customer without locations.
func (e *Endpoint) ApplyDefaultsOf(customer *Customer) {
	if e.Kind == KindEmail {
		if e.Events == nil {
			e.Events = []string{"alert.matches_found"}
		}
		e.Delivery.applyDefaults(profiles[ProfileStandard])
		return
	}
	if e.Profile == "" {
		e.Profile = ProfileStandard
	}
	p, known := profiles[e.Profile]
	if !known {
		return // Validate names the field
	}
	or(&e.Format, p.format)
	if e.Format == "genea" {
		or(&e.Version, DefaultVersion(customer))
	}
	if e.Events == nil {
		e.Events = slices.Clone(p.events)
	}
	if e.Signature.Scheme == "" {
		e.Signature.Scheme = p.signature.Scheme
		or(&e.Signature.Header, p.signature.Header)
	}
	e.Delivery.applyDefaults(p)
}

func (d *Delivery) applyDefaults(p profile) {
	if d.Schedule == nil {
		d.Schedule = slices.Clone(p.schedule)
	}
	or(&d.Jitter, p.jitter)
	or(&d.Timeout, Duration(defaultTimeout))
	or(&d.Success, p.success)
	or(&d.Concurrency, defaultConcurrency)
	or(&d.MaxWaiting, DefaultMaxWaiting)
	if d.Rate > 0 {
		or(&d.Burst, max(1, int(math.Ceil(2*d.Rate))))
	}
}

// or sets *v where it is zero.
func or[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}
