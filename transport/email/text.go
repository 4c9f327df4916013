package email

import (
	"fmt"
	"strings"
)

// text renders the part for readers without HTML.
func (l *letter) text() string {
	var b strings.Builder
	if l.digest != nil {
		l.digest.text(&b)
	} else {
		l.notice.text(&b)
	}
	b.WriteString("\n-- \n")
	for _, s := range l.Footer {
		fmt.Fprintln(&b, s)
	}
	return b.String()
}

func (d *digest) text(b *strings.Builder) {
	fmt.Fprintln(b, d.Title)
	for _, s := range d.Sections {
		s.text(b)
	}
	if d.More() > 0 {
		fmt.Fprintf(b, "\n%s\n", moreThan(d))
	}
	if d.RunURL != "" {
		fmt.Fprintf(b, "\nThe whole run: %s\n", d.RunURL)
	}
}

func (s *section) text(b *strings.Builder) {
	heading := s.Name + " (" + count(s.Total, "match", "matches") + ")"
	fmt.Fprintf(b, "\n\n%s\n%s\n", heading, strings.Repeat("=", min(70, len([]rune(heading)))))
	if s.Description != "" {
		fmt.Fprintln(b, s.Description)
	}
	if s.Criteria != "" {
		fmt.Fprintln(b, "Looks for "+s.Criteria)
	}
	for i := range s.Rows {
		s.Rows[i].text(b)
	}
	if s.More() > 0 {
		fmt.Fprintf(b, "\nThe latest %d of %d.\n", len(s.Rows), s.Total)
	}
}

func (r *row) text(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s", strings.TrimSpace(r.Day+" "+r.Clock))
	if r.Place != "" {
		b.WriteString(" - " + r.Place)
	}
	b.WriteString("\n")
	for i, m := range r.Marks {
		if i > 0 {
			b.WriteString(", ")
		} else {
			b.WriteString("  ")
		}
		b.WriteString(m.Label + " " + m.Value)
	}
	if len(r.Marks) > 0 {
		b.WriteString("\n")
	}
	if r.Text != "" {
		fmt.Fprintf(b, "  \"%s\"\n", r.Text)
	}
	for _, l := range r.Links {
		fmt.Fprintf(b, "  %s: %s\n", l.Label, l.URL)
	}
}

func (n *notice) text(b *strings.Builder) {
	fmt.Fprintln(b, n.Title)
	if n.Lead != "" {
		fmt.Fprintf(b, "\n%s\n", n.Lead)
	}
	if len(n.Facts) > 0 {
		b.WriteString("\n")
	}
	for _, f := range n.Facts {
		fmt.Fprintf(b, "%s: %s\n", f.Label, f.Value)
	}
	if n.Link != nil {
		fmt.Fprintf(b, "\n%s:\n%s\n", n.Link.Label, n.Link.URL)
	}
	if len(n.Advice) > 0 {
		b.WriteString("\nWhat to do:\n")
	}
	for _, a := range n.Advice {
		fmt.Fprintf(b, "- %s\n", a)
	}
	if n.Document != "" {
		fmt.Fprintf(b, "\n%s\n", n.Document)
	}
	if n.Cut != "" {
		fmt.Fprintf(b, "\n%s\n", n.Cut)
	}
}
