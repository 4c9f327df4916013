package webhook

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/transport"
)

// Preview is a request as an attempt would send it.
type Preview struct {
	Method, URL string
	// Header has the endpoint's own headers with their values masked, as these
	// may be credentials.
	Header http.Header
	Body   []byte
	// Signatures are those of the headers that hold a signature, Settings is what
	// an Answer says whose attempt has the same address and headers.
	Signatures []string
	Settings   uint32
}

// Preview gives the request that an attempt at ev would send at a time, and
// sends nothing. It is nil where there would be none; the answer says why.
func (t *Target) Preview(ev *transport.Event, at time.Time) (*Preview, transport.Answer) {
	r, err := t.render(ev)
	if err != nil {
		return nil, unrendered(err)
	}
	h := t.header(ev, at, r)
	h.Set("Host", t.request.Host)
	h.Set("Content-Length", strconv.Itoa(len(r.body)))
	for _, name := range t.own {
		h.Set(name, transport.Masked)
	}
	return &Preview{Method: t.request.Method, URL: t.request.URL.String(), Header: h, Body: r.body,
		Signatures: t.signatures(), Settings: t.settings}, transport.Answer{}
}

// signatures are the names of the headers that hold a signature.
func (t *Target) signatures() []string {
	lines := headerOf(t.signer.AppendLines(nil, "id", time.Time{}, nil))
	for _, name := range []string{"webhook-id", "webhook-timestamp"} {
		delete(lines, http.CanonicalHeaderKey(name))
	}
	return slices.Sorted(maps.Keys(lines))
}

// fingerprint tells two targets apart whose requests for the same event differ
// in address or headers. Values of the endpoint's own headers, and secrets, are
// not in it, so that nobody finds them by it.
func (t *Target) fingerprint() uint32 {
	sum := sha256.New()
	put := func(text string) { _, _ = fmt.Fprintf(sum, "%d %s\n", len(text), text) } // a hash takes all
	put(t.request.URL.String())
	for _, name := range slices.Sorted(slices.Values(t.own)) {
		put(name)
	}
	for _, name := range slices.Sorted(maps.Keys(t.changing)) {
		put(name)
	}
	for _, name := range slices.Sorted(maps.Keys(t.fixed)) {
		if put(name); !slices.Contains(t.own, name) {
			put(t.fixed.Get(name))
		}
	}
	return max(1, binary.LittleEndian.Uint32(sum.Sum(nil)))
}
