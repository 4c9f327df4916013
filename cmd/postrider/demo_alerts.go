package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// The detections of the demo: so many runs, each over so many detections, of
// which every demoSighting-th is of a truck that an alert looks for.
const (
	demoRuns       = 2
	demoDetections = 10
	demoSighting   = 5
	demoMatches    = demoRuns * demoDetections / demoSighting
)

// match makes alerts, publishes detections, and runs the alerts over them.
func (d *demo) match(ctx context.Context) error {
	trailer, plate := matching.NewAlert(), matching.NewAlert()
	trailer.AlertName, trailer.TrailerNumber = "Stolen trailer T-123", "T-123"
	plate.AlertName, plate.LicensePlate, plate.Lookalikes = "Plate, as cameras read it", "ABC1234", true
	for _, a := range []*matching.Alert{&trailer, &plate} {
		if err := d.addAlert(ctx, a); err != nil {
			return err
		}
	}
	p, err := d.node.Publisher()
	if err != nil {
		return err
	}
	defer p.Close()
	trucks := matching.NewGenerator(1)
	for range demoRuns {
		docs := make([][]byte, demoDetections)
		for i := range docs {
			docs[i] = d.sighting(trucks, i)
		}
		if err := p.PublishDetections(ctx, "detections.demo.camera1", docs); err != nil {
			return err
		}
		if err := d.node.StartRun(ctx, transport.RunKey{Customer: demoCustomer, Type: matching.AlertHot}); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) addAlert(ctx context.Context, a *matching.Alert) error {
	a.ID, a.Customer, a.Email, a.AlertType = uuid.NewString(), demoCustomer, "fleet@example.com", matching.AlertHot
	a.CreatedAt = d.node.Now().UTC()
	a.UpdatedAt = a.CreatedAt
	if err := a.Validate(); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return d.node.AddAlert(ctx, a)
}

// sighting is the i-th detection of a run.
func (d *demo) sighting(trucks *matching.Generator, i int) []byte {
	seen := trucks.Detection()
	seen.Time = d.node.Now().UTC()
	switch i {
	case 0:
		seen.TrailerNumber = "T-123"
	case demoSighting:
		seen.LicensePlate = "A8C-IZ34" // ABC1234, misread
	}
	return seen.AppendJSON(nil)
}

// matchesOf is how many matches a delivery tells of, 0 where it is none of alerts.
func matchesOf(body []byte) int {
	var b struct {
		Total int `json:"total_matches"` // genlogs
		Data  struct {
			Total int `json:"total_matches"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &b) != nil {
		return 0
	}
	return b.Total + b.Data.Total
}
