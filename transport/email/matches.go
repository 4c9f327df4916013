package email

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// maxShown is how many matches a mail shows in full; of each alert the latest,
// and each alert gets its share.
const maxShown = 200

// maxLinks is the bytes of all links in a mail: 650 a link where all are shown.
// Those beyond are left out, so that a mail is never larger than relays take.
const maxLinks = 512 << 10

// Characters of what comes from outside that a mail shows.
const (
	maxName  = 120
	maxValue = 120
	maxText  = 300
)

const runIDMark = "{run_id}"

// digest is what of a run one mailbox is told.
type digest struct {
	Title    string
	Total    int
	Shown    int
	Sections []*section
	// Unshown alerts matched too, and have no room for a match.
	Unshown int
	RunID   string
	RunURL  string
	Address string

	owners []*section // of each match; nil: none of the mailbox's
}

// More is how many matches the mail does not show.
func (d *digest) More() int { return d.Total - d.Shown }

// section is one alert with its matches.
type section struct {
	Name, Description, Criteria string
	// Total matches, of which the latest are Rows, oldest first.
	Total int
	Rows  []row

	sought  [len(markLabels)]bool // the marks that the alert has a criterion for
	skip    int                   // matches to pass over before the first of Rows
	allowed int
}

// More is how many matches of the alert the mail does not show.
func (s *section) More() int { return s.Total - len(s.Rows) }

// row is one match.
type row struct {
	Day, Clock, Place string
	Marks             []mark
	Text              string
	Links             []link
}

// mark is one of a truck's numbers; Sought: the alert asks for it.
type mark struct {
	Label, Value string
	Sought       bool
}

type link struct{ Label, URL string }

// noMatches says that no alert which names the mailbox matched.
type noMatches struct{}

func (noMatches) Error() string { return "no alert that names the mailbox matched" }

// digestOf picks from a matching.Report what is address's: the matches of the
// alerts that name it. It reads the matches twice, so that of a large report
// only what is shown is held, and not at all where no alert names it. The error
// may be noMatches, or ctx's.
func digestOf(ctx context.Context, data []byte, address string, zone *time.Location) (*digest, error) {
	runID, alerts, matches, err := split(data)
	if err != nil {
		return nil, fmt.Errorf("the run's report cannot be read: %w", err)
	}
	d := &digest{RunID: line(runID, maxValue), Address: address}
	byAlert := d.alertsOf(alerts)
	if len(byAlert) == 0 {
		return nil, noMatches{}
	}
	if err := d.count(ctx, matches, byAlert); err != nil {
		return nil, err
	}
	if d.Total == 0 {
		return nil, noMatches{}
	}
	d.share()
	d.Title = d.title()
	return d, d.fill(ctx, matches, zone)
}

// alertsOf makes the sections of the alerts that name the mailbox, by id.
func (d *digest) alertsOf(alerts []matching.AlertDetail) map[string]*section {
	byAlert := make(map[string]*section)
	for i := range alerts {
		a := &alerts[i]
		if byAlert[a.ID] != nil || !names(a, d.Address) {
			continue
		}
		s := &section{Name: cmp.Or(line(a.AlertName, maxName), "Alert without a name"), Description: line(a.Description, maxText)}
		var criteria []string
		for j, c := range [...]string{a.LicensePlate, a.TrailerNumber, a.CabNumber, a.VIN, a.USDOTNumber, a.MCNumber, a.TrailerLogo} {
			if c = line(c, maxValue); c != "" {
				s.sought[j] = true
				criteria = append(criteria, markLabels[j]+" "+c)
			}
		}
		s.Criteria = strings.Join(criteria, ", ")
		byAlert[a.ID] = s
		d.Sections = append(d.Sections, s)
	}
	return byAlert
}

// names tells whether a is to be told to address.
func names(a *matching.AlertDetail, address string) bool {
	for _, given := range append([]string{a.Email}, a.CCEmails...) {
		if plain, err := transport.CheckAddress("email", given); err == nil && plain == address {
			return true
		}
	}
	return false
}

// share divides maxShown among the sections that matched: equal parts, and
// what some do not need goes to the others.
func (d *digest) share() {
	matched := d.Sections[:0]
	for _, s := range d.Sections {
		if s.Total > 0 {
			matched = append(matched, s)
		}
	}
	if len(matched) > maxShown {
		d.Unshown = len(matched) - maxShown
	}
	d.Sections = matched[:len(matched)-d.Unshown]
	for d.Shown < maxShown {
		before := d.Shown
		for _, s := range d.Sections {
			if s.allowed < s.Total && d.Shown < maxShown {
				s.allowed++
				d.Shown++
			}
		}
		if d.Shown == before {
			break
		}
	}
	for _, s := range d.Sections {
		s.skip = s.Total - s.allowed
	}
}

func (d *digest) title() string {
	of := fmt.Sprintf(" of %d alerts", len(d.Sections)+d.Unshown)
	if len(d.Sections)+d.Unshown == 1 {
		of = ": " + d.Sections[0].Name
	}
	return count(d.Total, "match", "matches") + of
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

var markLabels = [...]string{"Plate", "Trailer", "Cab", "VIN", "USDOT", "MC", "Logo"}

// take adds a match of the section's alert; room is the bytes left for links.
func (s *section) take(m *matching.Match, zone *time.Location, room *int) {
	r := row{Place: placeOf(m), Text: line(m.DeepSearch, maxText)}
	r.Day, r.Clock = when(m.Time, zone)
	for i, v := range [...]string{m.LicensePlate, m.TrailerNumber, m.CabNumber, m.VIN, m.USDOT, m.MC, m.TrailerLogo} {
		if v = line(v, maxValue); v != "" {
			r.Marks = append(r.Marks, mark{markLabels[i], v, s.sought[i]})
		}
	}
	for _, l := range [...]link{{"Result", m.ResultURL}, {"Front view", m.FrontViewURL}, {"Side view", m.SideViewURL}, {"Rear view", m.RearViewURL}} {
		if l.URL = safeURL(l.URL); l.URL != "" && len(l.URL) <= *room {
			*room -= len(l.URL)
			r.Links = append(r.Links, l)
		}
	}
	s.Rows = append(s.Rows, r)
}

func placeOf(m *matching.Match) string {
	var parts []string
	for _, p := range [...]string{m.City, m.State, m.Road} {
		if p = line(p, maxValue); p != "" {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return cmp.Or(line(m.LatLong, maxValue), "Place not known")
	}
	return strings.Join(parts, ", ")
}

// when reads a match's time; what is no time stands as it is.
func when(s string, zone *time.Location) (day, clock string) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return line(s, maxValue), ""
	}
	t = t.In(zone)
	return t.Format("2 Jan 2006"), t.Format("15:04 MST")
}
