package transport

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// DeliveryState says how far a delivery has come.
type DeliveryState uint8

const (
	// StateWaiting: owed, and not tried yet.
	StateWaiting DeliveryState = iota + 1
	// StateRetrying: tried without success, and to be tried again.
	StateRetrying
	// StateDelivered: an outcome, as are all after it.
	StateDelivered
	// StateDeadLettered: given up; Reason says why.
	StateDeadLettered
	// StateSkipped: not to be sent; Reason says why.
	StateSkipped
)

var stateNames = [...]string{"", "waiting", "retrying", "delivered", "dead_lettered", "skipped"}

// String gives the state's word as API and command line show it.
func (s DeliveryState) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// Settled tells whether s is an outcome.
func (s DeliveryState) Settled() bool { return s >= StateDelivered }

// LoggedDelivery is what the delivery log tells of one pair; Endpoint is empty where
// an event was skipped as a whole.
type LoggedDelivery struct {
	Pair
	Customer  string
	EventID   string
	EventType string
	State     DeliveryState
	// Reason is that of the outcome, or of the last attempt that failed.
	Reason string
	// Since is when the delivery became owed, Changed when its last record was
	// made, NextAt when the next attempt is due (zero: none is). All are
	// kept to the millisecond.
	Since, Changed, NextAt time.Time
	// Attempts counts those made; Status and Class are the last one's.
	Attempts int
	Status   int
	Class    Class
	// Records are the attempts and the outcome, oldest first, as far as the
	// journal still has them. Lists leave them out.
	Records []*Record
}

// DeliveryFilter chooses deliveries, newest first. What is empty matches all.
type DeliveryFilter struct {
	Customer string
	Endpoint string
	EventID  string
	// EventType is a type, or a pattern over types such as access.>.
	EventType string
	// Outcomes chooses deliveries that came to one of them.
	Outcomes []Outcome
	// From (inclusive) and To (exclusive) bound LoggedDelivery.Since.
	From, To time.Time
	// Cursor is the Next of the page before.
	Cursor string
	// Limit is 1 to MaxDeliveries; 0: 100.
	Limit int
	// Total asks for DeliveryPage.Total.
	Total bool
}

// Outcome is what a delivery came to: its state, or of its last attempt the
// class or the HTTP status. One of the three is set.
type Outcome struct {
	State  DeliveryState
	Class  Class
	Status int
}

// MaxOutcomes is the most that a filter takes.
const MaxOutcomes = 16

// MaxTotal is up to where deliveries are counted.
const MaxTotal = 10_000

// MaxDeliveries is the most of one page.
const MaxDeliveries = 500

// SetStatus reads words for what a delivery came to, with commas between them: a
// state (waiting, retrying, delivered, dead_lettered, skipped), a class of answer
// (failed, throttled, gone, refused), or an HTTP status. Deliveries are chosen
// that fit any. The error is a *FieldError.
func (f *DeliveryFilter) SetStatus(words string) error {
	list := strings.Split(words, ",")
	if len(list) > MaxOutcomes {
		return &FieldError{Field: "status", Message: "has " + strconv.Itoa(len(list)) + " words; give up to " + strconv.Itoa(MaxOutcomes)}
	}
	for _, word := range list {
		o, err := outcomeOf(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		f.Outcomes = append(f.Outcomes, o)
	}
	return nil
}

func outcomeOf(word string) (Outcome, error) {
	if i := slices.Index(stateNames[1:], word); i >= 0 {
		return Outcome{State: DeliveryState(i + 1)}, nil
	}
	for c := Failed; c <= Refused; c++ {
		if c.String() == word {
			return Outcome{Class: c}, nil
		}
	}
	if n, err := strconv.ParseUint(word, 10, 16); err == nil && n >= 100 && n <= 999 {
		return Outcome{Status: int(n)}, nil
	}
	return Outcome{}, &FieldError{Field: "status", Value: shown(word), Message: "not a state (" + strings.Join(stateNames[1:], ", ") +
		"), a class (failed, throttled, gone, refused) or an HTTP status such as 503; several with commas between them"}
}

// WaitingSpan is since when the oldest delivery waits that an endpoint is owed,
// and when the next attempt of any is due (zero: none has a time).
type WaitingSpan struct{ Oldest, Next time.Time }

// DeliveryPage is one page of deliveries.
type DeliveryPage struct {
	Deliveries []LoggedDelivery
	// Next is the cursor of the page after this one; empty: there is none.
	Next string
	// Total is how many the filter chooses on all pages, where that was asked for;
	// MaxTotal, with More, where there are more.
	Total int
	More  bool
	// CompleteFrom is the time from which on every delivery is there. Of older
	// ones only some are. Zero: the log is whole.
	CompleteFrom time.Time
}

// nobody stands for the endpoint in the id of an event skipped as a whole.
const nobody = "_"

// DeliveryID writes p as <seq>-<endpoint>, and a replay as
// <seq>-<endpoint>.<replay>: the same for as long as the log exists, and safe
// in a URL's path where the endpoint's id is.
func DeliveryID(p Pair) string {
	id := strconv.FormatUint(p.Seq, 10) + "-"
	if p.Endpoint == "" {
		id += nobody
	}
	id += p.Endpoint
	if p.Replay != 0 {
		id += "." + strconv.FormatUint(p.Replay, 10)
	}
	return id
}

// ParseDeliveryID reads exactly what DeliveryID writes for endpoints whose id
// is 1 to 64 of A-Z a-z 0-9 _ -. The error is a *FieldError.
func ParseDeliveryID(id string) (Pair, error) {
	seq, rest, _ := strings.Cut(id, "-")
	endpoint, replay, replayed := strings.Cut(rest, ".")
	p := Pair{Endpoint: endpoint}
	var err1, err2 error
	p.Seq, err1 = strconv.ParseUint(seq, 10, 64)
	if replayed {
		p.Replay, err2 = strconv.ParseUint(replay, 10, 64)
	}
	ok := err1 == nil && err2 == nil && CheckCustomer(endpoint) == nil
	if endpoint == nobody {
		p.Endpoint = ""
	}
	if !ok || DeliveryID(p) != id {
		return Pair{}, &FieldError{Field: "id", Value: shown(id),
			Message: "not a delivery's id, which is <sequence>-<endpoint> and for a replay <sequence>-<endpoint>.<replay>"}
	}
	return p, nil
}
