package transport

import (
	"encoding/json"
	"strings"
	"time"
)

// Endpoint is a receiver of deliveries and how it wants them: the JSON of the
// API, and of the registry but for the sealed fields.
type Endpoint struct {
	ID          string `json:"id"`
	Customer    string `json:"customer"`
	Name        string `json:"name"`
	Description string `json:"description"`
	// Kind is "" or "webhook" (HTTP, to URL), or "email" (a mailbox, at Address).
	Kind    string `json:"kind,omitempty"`
	Address string `json:"address,omitempty"`
	URL     string `json:"url"`
	Enabled bool   `json:"enabled"`
	// Profile (genea, genlogs, standard, custom) sets the defaults of the rest.
	Profile string `json:"profile"`
	// Version is the genea version: v1, v2, v3; empty for other profiles.
	Version string `json:"version,omitempty"`
	// Format of the body: genea, genlogs, standard, cloudevents, raw; by
	// default the profile's (custom: raw).
	Format string `json:"format"`
	// Events are NATS patterns over the type.
	Events []string `json:"events"`
	Filter string   `json:"filter,omitempty"`
	// Headers are added to each request; values are masked wherever they are shown.
	Headers   map[string]string `json:"headers,omitempty"`
	Body      json.RawMessage   `json:"body,omitempty"`
	BodyMode  string            `json:"body_mode,omitempty"`
	Signature Signature         `json:"signature"`
	Delivery  Delivery          `json:"delivery"`
	TLS       TLS               `json:"tls"`
	// State is active, paused, failing or disabled, with the reason in words.
	State       string    `json:"state"`
	StateReason string    `json:"state_reason"`
	Waiting     int       `json:"waiting"`
	From        time.Time `json:"from"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`

	// Given is what of the profile's settings the user chose himself.
	Given Given `json:"-"`
	// Secrets sign; they are never part of the JSON.
	Secrets Secrets `json:"-"`
	// CustomerID is the customer's number, for the genlogs body.
	CustomerID int64 `json:"-"`
	// Revision is the registry's revision of this state of the endpoint.
	Revision uint64 `json:"-"`
}

// geneaHeader is the header of Genea's signature.
const geneaHeader = "X-Sequr-Signature"

// SpeaksGenea tells whether receivers of e get Genea's bodies or Genea's
// signature, by whatever of its settings.
func (e *Endpoint) SpeaksGenea() bool {
	return e.Profile == ProfileGenea || e.Format == "genea" || e.Signature.Scheme == "sequr" ||
		strings.EqualFold(e.Signature.Header, geneaHeader)
}

// Shown is the endpoint's state as it is shown and counted: disabled where
// somebody has disabled it, whatever else holds.
func (e *Endpoint) Shown() string {
	if !e.Enabled {
		return StateDisabled
	}
	return e.State
}

// Secrets are the current secret and, while a rotation overlaps, the one before.
type Secrets struct {
	Current, Previous string
	PreviousUntil     time.Time
}

// String masks: a secret is never printed.
func (Secrets) String() string { return "[secret]" }

// GoString masks, for %#v.
func (Secrets) GoString() string { return "[secret]" }

// Signature says how bodies are signed; empty fields are the scheme's own.
type Signature struct {
	Scheme    string `json:"scheme"`
	Header    string `json:"header"`
	Algorithm string `json:"algorithm"`
	Encoding  string `json:"encoding"`
	Prefix    string `json:"prefix"`
}

// Delivery is an endpoint's policy.
type Delivery struct {
	Retries  bool       `json:"retries"`
	Schedule []Duration `json:"schedule"`
	// Jitter spreads each wait by ± this share of it (0 to 0.5).
	Jitter  float64  `json:"jitter"`
	Timeout Duration `json:"timeout"`
	// Success is "200" or "2xx".
	Success     string   `json:"success"`
	Concurrency int      `json:"concurrency"`
	Rate        float64  `json:"rate"`
	Burst       int      `json:"burst"`
	Ordered     bool     `json:"ordered"`
	MaxAge      Duration `json:"max_age"`
	MaxWaiting  int      `json:"max_waiting"`
}

// TLS holds PEM texts: a client certificate with its key, and CAs trusted
// besides the system's. The key is sealed at rest and never shown.
type TLS struct {
	ClientCertificate string `json:"client_certificate,omitempty"`
	ClientKey         string `json:"client_key,omitempty"`
	CA                string `json:"ca,omitempty"`
}

// Customer is whom endpoints and alerts belong to.
type Customer struct {
	ID         string            `json:"id"`
	CustomerID int64             `json:"customer_id"`
	Name       string            `json:"name"`
	Email      string            `json:"email"`
	TimeZone   string            `json:"time_zone"`
	Locations  []Location        `json:"locations,omitempty"`
	Schedules  map[string]string `json:"schedules,omitempty"`
	// Quotas are bounds of its own, by the quota's name; only operators set them.
	Quotas   map[string]float64 `json:"quotas,omitempty"`
	Revision uint64             `json:"-"`
}

// Location is a customer's site and its hardware, vertx or mercury.
type Location struct {
	UUID     string `json:"uuid"`
	Name     string `json:"name"`
	Hardware string `json:"hardware"`
}

// Duration is a time.Duration written "10s", "5m" in JSON; "" is zero.
type Duration time.Duration

// MarshalText writes "10s", "5m", "2h"; zero is "".
func (d Duration) MarshalText() ([]byte, error) {
	if d == 0 {
		return nil, nil
	}
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return []byte(s), nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *Duration) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = 0
		return nil
	}
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return &FieldError{Field: "duration", Message: "not a duration such as 10s, 5m or 2h: " + string(b)}
	}
	*d = Duration(v)
	return nil
}
