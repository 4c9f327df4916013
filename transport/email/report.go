package email

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/matching"
)

// passed is a value that is not looked at.
type passed struct{}

// UnmarshalJSON leaves it be.
func (*passed) UnmarshalJSON([]byte) error { return nil }

// split reads a matching.Report up to its matches; these it gives as they
// stand. Where they come before the alerts it reads on over them.
func split(data []byte) (runID string, alerts []matching.AlertDetail, matches []byte, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return "", nil, nil, errors.New("it is no JSON object")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return "", nil, nil, err
		}
		var into any = new(passed)
		switch key {
		case "run_id":
			into = &runID
		case "alert_details":
			into = &alerts
		case "matches":
			matches = bytes.TrimLeft(data[dec.InputOffset():], " \t\r\n:")
		}
		if matches != nil && alerts != nil {
			break
		}
		if err := dec.Decode(into); err != nil {
			return "", nil, nil, err
		}
	}
	if alerts == nil {
		return "", nil, nil, errors.New("it has no alert_details")
	}
	return runID, alerts, matches, nil
}

// count counts the matches of each section, and notes whose each one is.
func (d *digest) count(ctx context.Context, matches []byte, byAlert map[string]*section) error {
	return eachMatch(ctx, matches, func(_ int, dec *json.Decoder) error {
		var m struct {
			AlertID string `json:"alert_id"`
		}
		if err := dec.Decode(&m); err != nil {
			return err
		}
		s := byAlert[m.AlertID]
		d.owners = append(d.owners, s)
		if s != nil {
			s.Total++
			d.Total++
		}
		return nil
	})
}

// fill reads the matches that are shown.
func (d *digest) fill(ctx context.Context, matches []byte, zone *time.Location) error {
	room := maxLinks
	return eachMatch(ctx, matches, func(i int, dec *json.Decoder) error {
		s := d.owners[i]
		if s == nil || s.allowed == 0 || s.skip > 0 {
			if s != nil {
				s.skip--
			}
			return dec.Decode(new(passed))
		}
		var m matching.Match
		if err := dec.Decode(&m); err != nil {
			return err
		}
		s.take(&m, zone, &room)
		return nil
	})
}

// eachMatch has f decode each element of the array at the beginning of data.
func eachMatch(ctx context.Context, data []byte, f func(i int, dec *json.Decoder) error) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	switch open, err := dec.Token(); {
	case err != nil || open == nil:
		return nil // none, or null
	case open != json.Delim('['):
		return errors.New("the run's matches are no array")
	}
	for i := 0; dec.More(); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f(i, dec); err != nil {
			return fmt.Errorf("match %d of the run cannot be read: %w", i, err)
		}
	}
	return nil
}
