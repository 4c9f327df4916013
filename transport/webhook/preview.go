package webhook

import (
	"net/http"
	"strconv"

	"github.com/postrider/postrider/transport"
)

// Preview is a request as an attempt would send it.
type Preview struct {
	Method, URL string
	// Header has the endpoint's own headers with their values masked, as these
	// may be credentials.
	Header http.Header
	Body   []byte
}

// Preview gives the request that an attempt at ev would send now, and sends
// nothing. It is nil where there would be none; the answer says why.
func (t *Target) Preview(ev *transport.Event) (*Preview, transport.Answer) {
	r, err := t.render(ev)
	if err != nil {
		return nil, unrendered(err)
	}
	h := t.header(ev, t.sender.now(), r)
	h.Set("Host", t.request.Host)
	h.Set("Content-Length", strconv.Itoa(len(r.body)))
	for _, name := range t.own {
		h.Set(name, transport.Masked)
	}
	return &Preview{Method: t.request.Method, URL: t.request.URL.String(), Header: h, Body: r.body}, transport.Answer{}
}
