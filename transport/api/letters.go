package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/cloudevents"
)

func (s *Server) letterRoutes(h huma.API) {
	handle(s, h, route{method: http.MethodGet, path: "/v1/deadletters", id: "list-deadletters",
		summary: "List what was given up, newest first"}, s.listLetters)
	handle(s, h, route{method: http.MethodGet, path: "/v1/deadletters/{id}", id: "show-deadletter", roles: readerRoles,
		summary: "Show a dead letter, its event and its attempts"}, s.showLetter)
	handle(s, h, route{method: http.MethodPost, path: "/v1/deadletters/{id}/replay", id: "replay-deadletter",
		roles: []string{RoleReplay}, summary: "Deliver it again", status: http.StatusAccepted}, s.replayLetter)
}

// Letter is a dead letter as answers show it.
type Letter struct {
	ID       uint64    `json:"id"`
	Customer string    `json:"customer"`
	Endpoint string    `json:"endpoint" doc:"Empty: a document that could not be read"`
	Reason   string    `json:"reason"`
	Detail   string    `json:"detail"`
	At       time.Time `json:"at"`
	Replay   uint64    `json:"replay" doc:"0: the first delivery"`
	Subject  string    `json:"subject,omitempty" doc:"Where an unreadable document was published"`
	// Event, Attempts and LastAnswer: lists hold the event without its data.
	Event      *LetterEvent    `json:"event,omitempty"`
	Attempts   []LetterAttempt `json:"attempts,omitempty"`
	LastAnswer string          `json:"last_answer,omitempty"`
}

// LetterEvent is the event of a dead letter. Text holds data that is not JSON.
type LetterEvent struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Time *time.Time      `json:"time,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
	Text string          `json:"text,omitempty"`
	// CloudEvent is what a CloudEvent says of itself.
	CloudEvent *cloudevents.Attributes `json:"cloudevent,omitempty" doc:"Of a CloudEvent: its own id, source, subject, extensions"`
}

// LetterAttempt is one attempt that failed.
type LetterAttempt struct {
	At     time.Time `json:"at"`
	Took   float64   `json:"took_ms"`
	Status int       `json:"status"`
	Class  string    `json:"class"`
	Reason string    `json:"reason"`
}

// LetterList is a page of dead letters; without next_cursor it is the last.
type LetterList struct {
	Items      []Letter `json:"items"`
	NextCursor string   `json:"next_cursor,omitempty"`
}

type letterQuery struct {
	Page
	LetterChoice
}

type (
	letterID struct {
		ID uint64 `path:"id" doc:"The dead letter's id"`
	}
	letterListAnswer struct{ Body LetterList }
	letterAnswer     struct{ Body Letter }
	replayAnswer     struct{ Body Replay }
)

// Replay is the answer to a replay that is on its way.
type Replay struct {
	ID     uint64 `json:"id" doc:"The dead letter's id"`
	Replay uint64 `json:"replay" doc:"The replay's number"`
	Status string `json:"status" enum:"accepted"`
}

func (s *Server) listLetters(ctx context.Context, in *letterQuery) (*letterListAnswer, error) {
	who := callerOf(ctx)
	f, err := in.filter(who)
	if err != nil {
		return nil, err
	}
	if f.Before, err = in.before(); err != nil {
		return nil, err
	}
	f.Limit = in.Limit
	letters, next, err := s.Letters.DeadLetters(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &letterListAnswer{Body: LetterList{Items: []Letter{}}}
	for i := range letters {
		if who.sees(letters[i].Customer) {
			out.Body.Items = append(out.Body.Items, letterOf(&letters[i]))
		}
	}
	if next != 0 {
		out.Body.NextCursor = listOfLetters.cursorAt(strconv.FormatUint(next, 10))
	}
	return out, nil
}

func (p *Page) before() (uint64, error) {
	key, err := p.after(listOfLetters)
	if err != nil || key == "" {
		return 0, err
	}
	before, err := strconv.ParseUint(key, 10, 64)
	if err != nil {
		return 0, badCursor()
	}
	return before, nil
}

func (s *Server) findLetter(ctx context.Context, id uint64) (*transport.DeadLetter, error) {
	letter, err := s.Letters.DeadLetter(ctx, id)
	if isNotFound(err) || err == nil && !callerOf(ctx).sees(letter.Customer) {
		return nil, notFound("Dead Letter", strconv.FormatUint(id, 10))
	}
	return letter, err
}

func (s *Server) showLetter(ctx context.Context, in *letterID) (*letterAnswer, error) {
	letter, err := s.findLetter(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := letterOf(letter)
	out.LastAnswer = s.shownAnswer(letter.LastAnswer, s.veilOf(letter.Endpoint))
	for _, try := range letter.Tries {
		out.Attempts = append(out.Attempts, LetterAttempt{At: try.At, Took: ms(try.Took),
			Status: try.Status, Class: try.Class.String(), Reason: try.Reason})
	}
	if ev := letter.Event; ev != nil {
		if json.Valid(ev.Data) {
			out.Event.Data = s.shownData(ev.Data)
		} else {
			out.Event.Text = text(s.Redact(ev.Data))
		}
	}
	return &letterAnswer{Body: out}, nil
}

func letterOf(l *transport.DeadLetter) Letter {
	out := Letter{ID: l.ID, Customer: l.Customer, Endpoint: l.Endpoint, Reason: l.Reason, Detail: l.Detail,
		At: l.At, Replay: l.Replay, Subject: l.Subject}
	if ev := l.Event; ev != nil {
		out.Event = &LetterEvent{ID: ev.ID, Type: ev.Type, CloudEvent: ev.Cloud}
		if !ev.Time.IsZero() {
			out.Event.Time = &ev.Time
		}
	}
	return out
}

func (s *Server) replayLetter(ctx context.Context, in *letterID) (*replayAnswer, error) {
	letter, err := s.findLetter(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if letter.Endpoint == "" {
		return nil, newError(http.StatusConflict, "The document could not be read, so no endpoint was owed it: publish it again, corrected")
	}
	if err := s.takesReplays(letter.Endpoint, letter.Customer); err != nil {
		return nil, err
	}
	number, err := s.Letters.ReplayDeadLetter(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &replayAnswer{Body: Replay{ID: in.ID, Replay: number, Status: "accepted"}}, nil
}

// text is bytes of others as a JSON string can hold them.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }
