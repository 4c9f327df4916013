package transport

import (
	"fmt"
	"time"
)

// What a replay replays.
const (
	// ReplayDeliveries: deliveries of the delivery log that have an outcome.
	ReplayDeliveries = "deliveries"
	// ReplayLetters: dead letters.
	ReplayLetters = "deadletters"
	// ReplayPast: events from before an endpoint was created that it wants too.
	ReplayPast = "past"
)

// States of a replay. Done, cancelled and failed are final.
const (
	ReplayRunning   = "running"
	ReplayDone      = "done"
	ReplayCancelled = "cancelled"
	ReplayFailed    = "failed"
)

const (
	// MaxReplay is the most deliveries of one replay.
	MaxReplay = 1_000_000
	// MaxReplayRate is the most deliveries a second of one replay.
	MaxReplayRate = 10_000
)

// ReplayWish chooses what to replay. What is empty matches all.
type ReplayWish struct {
	// Source is one of the constants above.
	Source   string `json:"source" enum:"deliveries,deadletters,past"`
	Customer string `json:"customer"`
	Endpoint string `json:"endpoint,omitempty"`
	// EventID, EventType and Status are as in DeliveryFilter; of deliveries alone.
	EventID   string `json:"event,omitempty"`
	EventType string `json:"type,omitempty"`
	Status    string `json:"status,omitempty"`
	// Reason is of dead letters alone.
	Reason string `json:"reason,omitempty"`
	// From (inclusive) and To (exclusive) bound when a delivery became owed, a
	// letter was given up, or an event was stored.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Rate is deliveries a second, up to MaxReplayRate; 0: the node's setting.
	Rate float64 `json:"rate"`
}

// CheckRate tells a rate that is out of range by a *FieldError.
func (w *ReplayWish) CheckRate() error {
	if !(w.Rate >= 0 && w.Rate <= MaxReplayRate) || w.Rate > 0 && w.Rate < 0.01 {
		return &FieldError{Field: "rate", Message: fmt.Sprintf("not between 0.01 and %d deliveries a second; leave it out for the node's own", MaxReplayRate)}
	}
	return nil
}

// ReplayJob is a replay of many and how far it has come. Each of its
// deliveries has Number as its pair's Replay.
type ReplayJob struct {
	ID     string `json:"id"`
	Number uint64 `json:"replay"`
	ReplayWish
	State string `json:"state" enum:"running,done,cancelled,failed"`
	// Detail says why it failed, or what it waits for.
	Detail string `json:"detail,omitempty"`
	// Total is how many there are to go through, Done how many it has gone
	// through: of ReplayPast events of the log, else deliveries.
	Total uint64 `json:"total"`
	Done  uint64 `json:"done"`
	// Replayed were given to delivery again. Gone are those whose event or
	// payload is no longer kept. Skipped are those whose endpoint was removed
	// or disabled, and of ReplayPast the events it does not want.
	Replayed uint64 `json:"replayed"`
	Gone     uint64 `json:"gone"`
	Skipped  uint64 `json:"skipped"`

	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
}

// Final tells whether the job is over.
func (j *ReplayJob) Final() bool { return j.State != ReplayRunning }
