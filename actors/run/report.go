package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postrider/postrider/matching"
)

// report is the data of a run's event, and sets what the run came to.
func (j *job) report(number int64, now time.Time) ([]byte, error) {
	r := matching.NewReport(j.run.ID, number, j.run.AlertType(), j.alerts, j.matches, now)
	j.run.Alerts, j.run.Matches = len(r.AlertDetails), r.TotalMatches
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("the report of run %s: %w", j.run.ID, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// finished is the data of ops.run.finished; From and To are the first and the
// last detection that was read, 0 where none had come.
type finished struct {
	RunID      string    `json:"run_id"`
	AlertType  string    `json:"alert_type"`
	From       uint64    `json:"from,omitempty"`
	To         uint64    `json:"to,omitempty"`
	Detections int       `json:"detections"`
	Matches    int       `json:"matches"`
	StartedAt  time.Time `json:"started_at"`
	Time       time.Time `json:"time"`
}

// failed is the data of ops.run.failed; RunID is empty where there is no record yet.
type failed struct {
	RunID     string    `json:"run_id"`
	AlertType string    `json:"alert_type"`
	Reason    string    `json:"reason"`
	Time      time.Time `json:"time"`
}
