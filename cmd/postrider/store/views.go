package store

import (
	"context"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/deadletters"
	"github.com/postrider/postrider/transport/jet/eventlog"
	"github.com/postrider/postrider/transport/jet/runs"
)

// What the rooms are called where several stand in one view.
type (
	events  = eventlog.Store
	letters = deadletters.Store
	ofRuns  = runs.Store
)

// History is the log of events and the dead letters, as replays of many read them.
type History struct {
	*events
	*letters
}

// History gives it.
func (s *Store) History() History { return History{s.Events, s.Letters} }

// Detections is the log of detections, whose unread ones become dead letters.
type Detections struct {
	*ofRuns
	*letters
}

// Detections gives it.
func (s *Store) Detections() Detections { return Detections{s.Runs, s.Letters} }

// Letters are the dead letters, whose pairs can be parked anew.
type Letters struct {
	*letters
	park deadletters.ReplayPair
}

// Replayable gives the dead letters so.
func (s *Store) Replayable() Letters { return Letters{s.Letters, s.Deferred.Replay} }

// ReplayDeadLetter parks a letter's pair anew: see deadletters.Store.
func (l Letters) ReplayDeadLetter(ctx context.Context, id uint64) (replay uint64, err error) {
	return l.Replay(ctx, id, l.park)
}

// EventLog is the log of events, of which one can be parked for an endpoint anew.
type EventLog struct {
	*events
	park deadletters.ReplayPair
}

// EventLog gives it.
func (s *Store) EventLog() EventLog { return EventLog{s.Events, s.Deferred.Replay} }

// Replay parks an event for an endpoint anew: see deferred.Store.
func (l EventLog) Replay(ctx context.Context, endpoint string, ev *transport.Event) (replay uint64, err error) {
	return l.park(ctx, endpoint, ev)
}
