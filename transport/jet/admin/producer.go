package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// forbidden is what no producer may reach: what comes back by itself, what
// waits, and the streams themselves.
var forbidden = []string{"due.0.doctor.probe", "park.0.doctor.probe", "ops.doctor.probe", "attempts.0", "deadletters.doctor.probe",
	"$JS.API.STREAM.INFO." + jet.StreamEvents, "$KV." + jet.BucketEndpoints + ".doctor.probe"}

// reach tells what came of a request: nobody answered, the server refused the
// publishing, or somebody did.
type reach int

const (
	unreached reach = iota
	refusedThere
	reached
)

// producer tries as a producer what no producer may do. Nothing is stored: a
// stream that were reached would refuse the probe.
func (e *examination) producer(ctx context.Context, p Producer) {
	if p.URL == "" {
		e.add("producers", transport.FindingWarn, "not tried out", "give --producer-url (and --producer-credentials): doctor then tries whether a producer reaches due.>, park.> or the streams' API")
		return
	}
	t := &trial{}
	options := []nats.Option{nats.Name("postrider doctor"), nats.Timeout(examineTimeout), nats.ErrorHandler(t.refused)}
	if p.Credentials != "" {
		options = append(options, nats.UserCredentials(p.Credentials))
	}
	nc, err := nats.Connect(p.URL, options...)
	if err != nil {
		e.add("producers", transport.FindingFail, strings.ReplaceAll(jet.ConnectFault(p.URL, err).Error(), "nats.", "--producer-"), "give the URL and credentials of a producer")
		return
	}
	defer nc.Close()
	open := []string{}
	for _, subject := range forbidden {
		if t.try(ctx, nc, subject) == reached {
			open = append(open, subject)
		}
	}
	switch got := t.try(ctx, nc, "events.doctor.probe"); {
	case len(open) > 0:
		e.add("producers", transport.FindingFail, "can reach "+strings.Join(open, ", "), "let them publish events.> and detections.> alone; postrider setup prints an account configuration")
	case got != reached:
		e.add("producers", transport.FindingFail, "cannot publish events.>, or no acknowledgement comes back to them", "let them publish events.> and subscribe to _INBOX.>; postrider setup prints an account configuration")
	default:
		e.add("producers", transport.FindingOK, fmt.Sprintf("reach events.>, and none of %d subjects that are not theirs", len(forbidden)), "")
	}
}

// trial hears of what the server refuses a connection.
type trial struct {
	mu      sync.Mutex
	subject string
	stop    context.CancelFunc
	denied  bool
}

func (t *trial) refused(_ *nats.Conn, _ *nats.Subscription, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stop != nil && errors.Is(err, nats.ErrPermissionViolation) && strings.Contains(err.Error(), `"`+t.subject+`"`) {
		t.denied = true
		t.stop()
	}
}

func (t *trial) try(ctx context.Context, nc *nats.Conn, subject string) reach {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	t.mu.Lock()
	t.subject, t.stop, t.denied = subject, cancel, false
	t.mu.Unlock()
	answer, err := nc.RequestMsgWithContext(ctx, probe(subject))
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.denied:
		return refusedThere
	case err != nil:
		return unreached
	}
	// JetStream of the producers' own account answers too, and knows no such
	// stream.
	var api struct {
		Error struct {
			Code    int `json:"code"`
			ErrCode int `json:"err_code"`
		} `json:"error"`
	}
	const streamNotFound = 10059
	if json.Unmarshal(answer.Data, &api) == nil && api.Error.ErrCode == streamNotFound {
		return unreached
	}
	const notEnabled = 10039
	if api.Error.ErrCode == notEnabled {
		return unreached
	}
	return reached
}
