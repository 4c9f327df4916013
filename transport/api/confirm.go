package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"

	"github.com/postrider/postrider/transport"
)

// Confirmations are what the links in mails to unconfirmed mailboxes lead to. A
// token that is not ours is transport.ErrLinkInvalid, one that is too old
// transport.ErrLinkExpired.
type Confirmations interface {
	// Asked tells whom a link's token asks, and changes nothing.
	Asked(token string) (transport.Asked, error)
	// Confirm returns when the confirmation is durable and in effect. A second
	// one is fine.
	Confirm(ctx context.Context, token string) (transport.Asked, error)
}

// confirmPath is where links in mails lead to; the token is its parameter t.
const confirmPath = "/confirm"

// confirmRoutes are pages for people without a token of the API: the link's own
// says who may. To look at the page confirms nothing, as programs look at every
// link in a mail; its button does.
func (s *Server) confirmRoutes() {
	if s.Confirmations == nil {
		return
	}
	s.mux.HandleFunc("GET "+confirmPath, func(w http.ResponseWriter, r *http.Request) {
		asked, err := s.Confirmations.Asked(r.URL.Query().Get("t"))
		s.confirmPage(w, r, confirmation{Asked: asked}, err)
	})
	s.mux.HandleFunc("POST "+confirmPath, func(w http.ResponseWriter, r *http.Request) {
		asked, err := s.Confirmations.Confirm(r.Context(), r.URL.Query().Get("t"))
		s.confirmPage(w, r, confirmation{Asked: asked}, err)
	})
}

// confirmation is what the page shows. Title tells of a link that is no good.
type confirmation struct {
	transport.Asked
	Title, Text string
	Style       template.CSS
}

func (s *Server) confirmPage(w http.ResponseWriter, r *http.Request, c confirmation, err error) {
	status := http.StatusOK
	switch {
	case err == nil:
	case errors.Is(err, transport.ErrLinkExpired):
		status, c.Title = http.StatusGone, "This link has expired"
		c.Text = "While mails wait for this address another link comes, at most once a day."
	case errors.Is(err, transport.ErrLinkInvalid):
		status, c.Title = http.StatusBadRequest, "This link is not valid"
		c.Text = "Open it from the mail as it stands there, or copy all of it."
	default:
		s.log.Error("a confirmation could not be kept", "error", err)
		status, c.Title = http.StatusServiceUnavailable, "This could not be kept"
		c.Text = "Nothing has changed. Try again in a minute."
		w.Header().Set("Retry-After", "60")
	}
	c.Style = confirmStyle
	var page bytes.Buffer
	if err := confirmTemplate.Execute(&page, c); err != nil {
		panic(err) // texts alone: cannot fail
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", confirmPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Referrer-Policy", "no-referrer") // the address of the page is the right to confirm
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = page.WriteTo(w) // the reader went away: nobody to tell
	}
}

const confirmStyle = `body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;color:#1b1b1b;background:#fff;overflow-wrap:anywhere}
h1{font-size:1.3rem}button{font:inherit;font-weight:600;padding:.6rem 1.2rem;border:0;border-radius:6px;color:#fff;background:#1f5f99}
@media (prefers-color-scheme:dark){body{color:#eee;background:#161616}}`

// confirmPolicy lets the page have its style and its form, and nothing else.
var confirmPolicy = func() string {
	style := sha256.Sum256([]byte(confirmStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}()

// The form goes to the page's own address, the token in it.
var confirmTemplate = template.Must(template.New("confirm").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Confirm a mail address</title><style>{{.Style}}</style></head>
<body>{{if .Title}}<h1>{{.Title}}</h1><p>{{.Text}}</p>
{{else if .Confirmed}}<h1>Confirmed</h1><p>Mails of <bdi>{{.Name}}</bdi> are sent to <bdi>{{.Address}}</bdi>. What waited for it is on its way.</p>
{{else}}<h1>May mails of <bdi>{{.Name}}</bdi> come to <bdi>{{.Address}}</bdi>?</h1>
<p>They are its alerts and notices. Without a confirmation none is sent; if you do not expect them, close this page.</p>
<form method="post"><button type="submit">Confirm this address</button></form>
{{end}}</body></html>
`))
