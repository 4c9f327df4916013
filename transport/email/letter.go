package email

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// letter is a mail's words before its headers: a digest or a notice.
type letter struct {
	Subject string
	digest  *digest
	notice  *notice
	Footer  []string
}

// typeMatches is the type of the events that hold a matching.Report.
const typeMatches = "alert.matches_found"

// compose decides what address is told of ev. The error may be noMatches,
// or ctx's.
func (s *Sender) compose(ctx context.Context, ev *transport.Event, address string) (*letter, error) {
	zone := s.zone(ev.Customer)
	if ev.Type != typeMatches {
		n := noticeOf(ev, zone)
		return &letter{Subject: n.Title, notice: n, Footer: []string{"Sent to " + address + " for " + ev.Customer + "."}}, nil
	}
	d, err := digestOf(ctx, ev.Data, address, zone)
	if err != nil {
		return nil, err
	}
	if s.options.RunURL != "" && d.RunID != "" {
		d.RunURL = safeURL(strings.ReplaceAll(s.options.RunURL, runIDMark, url.PathEscape(d.RunID)))
	}
	footer := []string{"Sent to " + address + " because alerts of " + ev.Customer + " name this address."}
	if d.RunID != "" {
		footer = append(footer, "Run "+d.RunID)
	}
	return &letter{Subject: d.Title, digest: d, Footer: footer}, nil
}

func (s *Sender) zone(customer string) *time.Location {
	if s.options.Zone != nil {
		if zone := s.options.Zone(customer); zone != nil {
			return zone
		}
	}
	return time.UTC
}

//go:embed templates/*.html
var templateFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"count": func(n int) string { return count(n, "match", "matches") },
	"more":  moreThan,
}).ParseFS(templateFiles, "templates/*.html"))

// html renders the part that most readers see.
func (l *letter) html() (string, error) {
	name, data := "notice", any(l.notice)
	if l.digest != nil {
		name, data = "matches", l.digest
	}
	var body, page bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, data); err != nil {
		return "", fmt.Errorf("render the mail: %w", err)
	}
	err := templates.ExecuteTemplate(&page, "layout", struct {
		*letter
		Body template.HTML
	}{l, template.HTML(body.String())}) // what html/template has made, escaped already
	if err != nil {
		return "", fmt.Errorf("render the mail: %w", err)
	}
	return page.String(), nil
}

// moreThan says what a mail does not show.
func moreThan(d *digest) string {
	s := count(d.More(), "more match is", "more matches are") + " not shown here"
	if d.Unshown > 0 {
		s += ", among them those of " + count(d.Unshown, "more alert", "more alerts")
	}
	return s + "."
}
