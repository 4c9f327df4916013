package run

import (
	"unicode/utf8"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// matcher decodes and matches detections, on a goroutine of its own.
type matcher struct {
	sweep     *sweep
	detection matching.Detection
	probe     matching.Probe
	hits      []matching.Hit
	seq       uint64
	keep      func(*matching.Alert) bool
}

func newMatcher(s *sweep) *matcher {
	m := &matcher{sweep: s}
	m.keep = func(a *matching.Alert) bool { return s.jobs.wanting(a, m.seq, s.alerts.catchUp) != nil }
	return m
}

func (m *matcher) run(work <-chan *task) {
	for t := range work {
		for i := range t.raws {
			m.match(t, &t.raws[i])
		}
		close(t.done)
	}
}

func (m *matcher) match(t *task, raw *transport.RawDetection) {
	if err := m.detection.Decode(raw.Data, raw.Stored); err != nil {
		t.unread = append(t.unread, transport.UnreadDetection{RawDetection: *raw, Detail: err.Error()})
		return
	}
	if m.detection.Unread != 0 {
		t.fields = append(t.fields, unreadFields{raw.Seq, m.detection.Unread})
	}
	m.seq = raw.Seq
	m.probe.Load(&m.detection)
	m.hits = m.sweep.alerts.index.Match(m.hits[:0], &m.probe, m.keep)
	for _, hit := range m.hits {
		if j := m.sweep.jobs.wanting(hit.Alert, raw.Seq, m.sweep.alerts.catchUp); j != nil {
			match := matching.NewMatch(hit, &m.detection, m.sweep.links)
			t.found = append(t.found, found{seq: raw.Seq, job: j, alert: hit.Alert, match: match, bytes: matchBytes(&match)})
		}
	}
}

// matchRoom and alertRoom are more than the keys of a match and of an alert's
// details in a report.
const (
	matchRoom = 320
	alertRoom = 320
)

// matchBytes is at least the length of a match in a report.
func matchBytes(m *matching.Match) int {
	n := matchRoom
	for _, text := range [...]string{m.AlertName, m.ResultURL, m.FrontViewURL, m.SideViewURL, m.RearViewURL, m.Time,
		m.City, m.State, m.Road, m.LatLong, m.LicensePlate, m.VIN, m.USDOT, m.MC, m.CabNumber, m.TrailerLogo,
		m.TrailerNumber, m.DeepSearch, m.AlertID} {
		n += textBytes(text)
	}
	return n
}

// alertBytes is at least the length of an alert's details in a report.
func alertBytes(a *matching.Alert) int {
	n := alertRoom
	for _, text := range [...]string{a.ID, a.AlertName, a.Email, a.Description, a.LicensePlate, a.VIN, a.USDOTNumber,
		a.MCNumber, a.TrailerNumber, a.CabNumber, a.TrailerLogo} {
		n += textBytes(text)
	}
	for _, text := range a.CCEmails {
		n += textBytes(text) + len(`"",`)
	}
	return n
}

// textBytes is at least what a text takes in JSON.
func textBytes(text string) int {
	n := len(text)
	for i := range len(text) {
		switch b := text[i]; {
		case b < ' ' || b == 0x7f:
			n += 5
		case b == '"' || b == '\\':
			n++
		case b >= utf8.RuneSelf:
			n += 5 // a byte that is no UTF-8 is written as an escape
		}
	}
	return n
}
