package registry

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// endpointRecord is an endpoint in its bucket: its JSON without what is
// secret, and that sealed.
type endpointRecord struct {
	transport.Endpoint
	CustomerID int64        `json:"customer_id"`
	Sealed     sealedFields `json:"sealed"`
	// Given is nil in records from before it was noted.
	Given *transport.Given `json:"given,omitempty"`
}

type sealedFields struct {
	// URL may hold a secret in its path or query. In records from before it was
	// sealed it stands beside, as it is.
	URL           string            `json:"url,omitempty"`
	Secret        string            `json:"secret,omitempty"`
	Previous      string            `json:"previous,omitempty"`
	PreviousUntil *time.Time        `json:"previous_until,omitempty"`
	ClientKey     string            `json:"client_key,omitempty"`
	Headers       map[string]string `json:"headers,omitempty"`
}

// The places that values are sealed for.
const (
	fieldURL       = "url"
	fieldSecret    = "secret"
	fieldPrevious  = "previous secret"
	fieldClientKey = "tls.client_key"
)

func fieldHeader(name string) string { return "headers." + name }

// encode makes ep's record.
func (r *Registry) encode(ep *transport.Endpoint) ([]byte, error) {
	rec := endpointRecord{Endpoint: *ep, CustomerID: ep.CustomerID, Given: &ep.Given}
	seal := func(plain, field string) string {
		return r.store.vault.Seal(plain, jet.Place{Customer: ep.Customer, Endpoint: ep.ID, Field: field})
	}
	rec.Headers, rec.TLS.ClientKey, rec.Waiting = nil, "", 0
	rec.sealURL(r.store.vault, ep.Customer, ep.ID)
	rec.Sealed.Secret = seal(ep.Secrets.Current, fieldSecret)
	rec.Sealed.Previous = seal(ep.Secrets.Previous, fieldPrevious)
	if !ep.Secrets.PreviousUntil.IsZero() {
		until := ep.Secrets.PreviousUntil.UTC()
		rec.Sealed.PreviousUntil = &until
	}
	rec.Sealed.ClientKey = seal(ep.TLS.ClientKey, fieldClientKey)
	if len(ep.Headers) > 0 {
		rec.Sealed.Headers = make(map[string]string, len(ep.Headers))
		for name, value := range ep.Headers {
			rec.Sealed.Headers[name] = seal(value, fieldHeader(name))
		}
	}
	data, err := json.Marshal(&rec)
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", ep.ID, err)
	}
	return data, nil
}

// sealURL seals a URL that stands open, and tells whether there was one.
func (rec *endpointRecord) sealURL(v *jet.Vault, customer, id string) bool {
	if rec.URL == "" {
		return false
	}
	rec.Sealed.URL, rec.URL = v.Seal(rec.URL, jet.Place{Customer: customer, Endpoint: id, Field: fieldURL}), ""
	return true
}

// openURL gives the URL of a record, sealed or not.
func (rec *endpointRecord) openURL(v *jet.Vault, customer, id string) (string, error) {
	if rec.Sealed.URL == "" {
		return rec.URL, nil
	}
	return v.Open(rec.Sealed.URL, jet.Place{Customer: customer, Endpoint: id, Field: fieldURL})
}

// decode reads a record. The key tells whose it is, whatever the record says.
func (r *Registry) decode(e jetstream.KeyValueEntry) (*transport.Endpoint, error) {
	var rec endpointRecord
	if err := json.Unmarshal(e.Value(), &rec); err != nil {
		return nil, err
	}
	ep := new(transport.Endpoint)
	*ep = rec.Endpoint
	ep.ID, ep.Customer = strings.Clone(endpointID(e.Key())), customerOf(e.Key())
	ep.Revision, ep.CustomerID = e.Revision(), rec.CustomerID
	if rec.Given != nil {
		ep.Given = *rec.Given
	} else {
		ep.Given = ep.GuessGiven()
	}
	if c, ok := r.Customer(ep.Customer); ok {
		ep.CustomerID = c.CustomerID
	}
	if err := r.unseal(ep, &rec.Sealed); err != nil {
		return nil, err
	}
	var err error
	if ep.URL, err = rec.openURL(r.store.vault, ep.Customer, ep.ID); err != nil {
		return nil, err
	}
	r.words.share(ep)
	return ep, nil
}

func (r *Registry) unseal(ep *transport.Endpoint, sealed *sealedFields) error {
	var first error
	open := func(text, field string) string {
		plain, err := r.store.vault.Open(text, jet.Place{Customer: ep.Customer, Endpoint: ep.ID, Field: field})
		if err != nil && first == nil {
			first = err
		}
		return plain
	}
	ep.Secrets.Current = open(sealed.Secret, fieldSecret)
	ep.Secrets.Previous = open(sealed.Previous, fieldPrevious)
	if sealed.PreviousUntil != nil {
		ep.Secrets.PreviousUntil = *sealed.PreviousUntil
	}
	ep.TLS.ClientKey = open(sealed.ClientKey, fieldClientKey)
	ep.Headers = nil
	if len(sealed.Headers) > 0 {
		ep.Headers = make(map[string]string, len(sealed.Headers))
		for name, text := range sealed.Headers {
			ep.Headers[name] = open(text, fieldHeader(name))
		}
	}
	return first
}

func decodeCustomer(e jetstream.KeyValueEntry) (*transport.Customer, error) {
	c := new(transport.Customer)
	if err := json.Unmarshal(e.Value(), c); err != nil {
		return nil, err
	}
	c.ID, c.Revision = e.Key(), e.Revision()
	return c, nil
}

// words holds one copy of what many endpoints have in common: 100,000 of them
// are to be held, most with the same settings. The watch's goroutine alone
// uses it.
type words struct {
	texts     map[string]string
	schedules map[string][]transport.Duration
}

// mostWords bounds what is held in common; beyond it each has its own.
const mostWords = 100_000

func (w *words) text(s *string) {
	if *s == "" {
		return
	}
	if one, ok := w.texts[*s]; ok {
		*s = one
	} else if len(w.texts) < mostWords {
		w.texts[*s] = *s
	}
}

func (w *words) share(ep *transport.Endpoint) {
	for _, s := range []*string{
		&ep.Customer, &ep.Profile, &ep.Version, &ep.Format, &ep.BodyMode, &ep.State,
		&ep.Signature.Scheme, &ep.Signature.Header, &ep.Signature.Algorithm, &ep.Signature.Encoding, &ep.Signature.Prefix,
		&ep.Delivery.Success, &ep.TLS.CA, &ep.TLS.ClientCertificate, &ep.TLS.ClientKey,
	} {
		w.text(s)
	}
	events := make([]string, len(ep.Events))
	for i, pattern := range ep.Events {
		w.text(&pattern)
		events[i] = pattern
	}
	ep.Events = events
	w.schedule(&ep.Delivery.Schedule)
}

func (w *words) schedule(s *[]transport.Duration) {
	if len(*s) == 0 {
		return
	}
	key := fmt.Sprint(*s)
	if one, ok := w.schedules[key]; ok {
		*s = one
	} else if len(w.schedules) < mostWords {
		w.schedules[key] = *s
	}
}
