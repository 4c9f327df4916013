package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/postrider/postrider/matching"
)

// Detections is the log of detections.
type Detections interface {
	// Detections gives what was stored from from until to, oldest first, to
	// each. An error of each ends it and comes back.
	Detections(ctx context.Context, from, to time.Time, each func(stored time.Time, doc []byte) error) error
}

const (
	maxPreviewed      = 1000
	previewsAtOnce    = 2
	defaultPreviewFor = 24 * time.Hour
	// previewEmail stands for the address that a preview needs none of.
	previewEmail = "preview@localhost"
)

// PreviewInput is an alert and the period to look at. Its name and e-mail
// address may be left out.
type PreviewInput struct {
	AlertInput
	From time.Time `json:"from" doc:"Detections that came from then on; default a day before to"`
	To   time.Time `json:"to" doc:"Detections that came before; default now"`
}

// AlertPreview is what an alert would have matched.
type AlertPreview struct {
	Matches      []matching.Match `json:"matches" doc:"Oldest first; the first 1000"`
	TotalMatches int              `json:"total_matches"`
	Detections   int              `json:"detections" doc:"How many were looked at"`
	From         time.Time        `json:"from"`
	To           time.Time        `json:"to" doc:"Up to when detections were looked at"`
	Complete     bool             `json:"complete" doc:"false: the time was up before the end of the period; ask for what is left from to on"`
}

type previewAnswer struct{ Body AlertPreview }

// errPreviewed ends a preview whose time is up.
var errPreviewed = errors.New("the preview's time is up")

func (s *Server) previewAlert(ctx context.Context, _ *struct{}) (*previewAnswer, error) {
	nothingDone(ctx)
	a, out, err := s.readPreview(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case s.previews <- struct{}{}:
		defer func() { <-s.previews }()
	default:
		return nil, newError(http.StatusTooManyRequests, "Other previews are under way: try again in some seconds").retryAfter(5)
	}
	index := matching.NewIndex()
	if err := index.Put(a); err != nil {
		return nil, ofMatching(err)
	}
	limited, cancel := context.WithTimeout(ctx, s.PreviewTime)
	defer cancel()
	see := sight{index: index, links: &s.Links, out: out}
	err = s.Detections.Detections(limited, out.From, out.To, func(stored time.Time, doc []byte) error {
		if limited.Err() != nil {
			return errPreviewed
		}
		see.look(stored, doc)
		return nil
	})
	if err != nil && (limited.Err() == nil || ctx.Err() != nil) {
		return nil, err
	}
	if out.Complete = err == nil; !out.Complete {
		out.To = cmp.Or(see.last, out.From)
	}
	return &previewAnswer{Body: *out}, nil
}

// readPreview reads the alert and the period that a preview is asked for.
func (s *Server) readPreview(ctx context.Context) (*matching.Alert, *AlertPreview, error) {
	object, err := parseObject(bodyOf(ctx))
	if err != nil {
		return nil, nil, err
	}
	out, err := s.takePeriod(object)
	if err != nil {
		return nil, nil, err
	}
	if err := refuseOwn(object, ownAlertFields); err != nil {
		return nil, nil, err
	}
	a, err := alertOf(object)
	if err != nil {
		return nil, nil, err
	}
	if a.Customer, err = callerOf(ctx).actsFor(a.Customer); err != nil {
		return nil, nil, err
	}
	a.ID, a.IsActive = uuid.NewString(), true
	a.AlertName, a.Email = cmp.Or(a.AlertName, "preview"), cmp.Or(a.Email, previewEmail)
	return a, out, checkAlert(a, s.zoneOf(a.Customer))
}

// takePeriod takes from and to out of object.
func (s *Server) takePeriod(object map[string]any) (*AlertPreview, error) {
	period := map[string]any{}
	for _, name := range []string{"from", "to"} {
		if value, there := object[name]; there {
			period[name] = value
			delete(object, name)
		}
	}
	var wish struct {
		From time.Time `json:"from"`
		To   time.Time `json:"to"`
	}
	if err := assign(period, &wish); err != nil {
		return nil, err
	}
	out := &AlertPreview{Matches: []matching.Match{}, From: wish.From.UTC(), To: wish.To.UTC()}
	if out.To.IsZero() {
		out.To = s.Now().UTC()
	}
	if out.From.IsZero() {
		out.From = out.To.Add(-defaultPreviewFor)
	}
	if out.To.Before(out.From) {
		return nil, invalid("to", "lies before from; swap them")
	}
	return out, nil
}

// sight matches one detection after the other.
type sight struct {
	index *matching.Index
	links *matching.Links
	out   *AlertPreview
	last  time.Time

	detection matching.Detection
	probe     matching.Probe
	hits      []matching.Hit
}

// look counts a document; one that is no detection matches nothing.
func (v *sight) look(stored time.Time, doc []byte) {
	v.last = stored.UTC()
	if v.detection.Decode(doc, stored) != nil {
		return
	}
	v.out.Detections++
	v.probe.Load(&v.detection)
	v.hits = v.index.Match(v.hits[:0], &v.probe, nil)
	for _, hit := range v.hits {
		v.out.TotalMatches++
		if len(v.out.Matches) < maxPreviewed {
			v.out.Matches = append(v.out.Matches, matching.NewMatch(hit, &v.detection, v.links))
		}
	}
}
