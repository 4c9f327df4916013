package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
)

// SetupStep is what becomes of one stream or bucket at a server.
type SetupStep struct {
	// Name is the stream's; a bucket's begins with KV_ or OBJ_.
	Name string `json:"name"`
	// Action is "created", "updated" or "unchanged".
	Action string `json:"action"`
	// Fields are those of the configuration that change.
	Fields []string `json:"fields"`
}

// Plan is what a node makes at its start.
type Plan struct {
	// Streams are the streams as they are to be.
	Streams func(ctx context.Context, conn *jet.Conn) ([]jetstream.StreamConfig, error)
	// Buckets are the names of the buckets' streams.
	Buckets []string
	// Make makes both.
	Make func(ctx context.Context, conn *jet.Conn) error
}

// Setup makes at the server of o.URL what a node makes at its start, streams
// and buckets, and tells what that was; with dry, what it would be. What an
// operator chose, replicas and placement, stays. It needs no master key.
func Setup(ctx context.Context, o jet.Options, plan Plan, dry bool) (steps []SetupStep, err error) {
	if o.URL == "" {
		return nil, errors.New("the embedded server needs no setup: serve makes what it needs")
	}
	conn, err := jet.OpenAside(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.CloseAside(ctx)) }()
	if steps, err = setupSteps(ctx, conn, plan); err != nil || dry {
		return steps, err
	}
	return steps, plan.Make(ctx, conn)
}

func setupSteps(ctx context.Context, conn *jet.Conn, plan Plan) ([]SetupStep, error) {
	configs, err := plan.Streams(ctx, conn)
	if err != nil {
		return nil, err
	}
	var steps []SetupStep
	for _, want := range configs {
		step, err := setupStep(ctx, conn.JetStream(), want)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	for _, name := range plan.Buckets {
		step, err := setupStep(ctx, conn.JetStream(), jetstream.StreamConfig{Name: name})
		if err != nil {
			return nil, err
		}
		step.Fields = nil // a bucket that is there stays as it is
		if step.Action == "updated" {
			step.Action = "unchanged"
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func setupStep(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (SetupStep, error) {
	step := SetupStep{Name: want.Name, Action: "created"}
	there, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return step, nil
	}
	if err != nil {
		return step, fmt.Errorf("stream %s: %w", want.Name, jet.Unavailable(err))
	}
	step.Action = "unchanged"
	if step.Fields = jet.ConfigChanges(there.CachedInfo().Config, want); len(step.Fields) > 0 {
		step.Action = "updated"
	}
	return step, nil
}

// ProducerAccounts is a part of a nats-server's configuration that keeps
// producers to what is theirs: they reach events.> and detections.> in
// Postrider's account, get their acknowledgements, and can name nothing else
// of it. Permissions in one account are not enough: a producer could name
// due.0.x.1 as the subject where its acknowledgement is to go. The limits are what
// an account can do without a gate: how much disk all streams share, and how many
// connections, subscriptions and bytes a message producers may have. What one
// customer's events take of the disk is not the account's to bound.
const ProducerAccounts = `accounts {
  POSTRIDER {
    # The disk that all streams share, at most what the server has: set it as it
    # is wanted. Each stream gets its part by postrider setup.
    jetstream: {max_file: 4GB}
    users: [{user: postrider, password: "CHANGE-ME"}]
    exports: [
      {service: "events.>", accounts: [PRODUCERS]}
      {service: "detections.>", accounts: [PRODUCERS]}
    ]
  }
  PRODUCERS {
    limits: {max_connections: 1024, max_subscriptions: 10000, max_payload: 1MB}
    users: [{
      user: producer, password: "CHANGE-ME-TOO"
      permissions: {publish: ["events.>", "detections.>"], subscribe: ["_INBOX.>"]}
    }]
    imports: [
      {service: {account: POSTRIDER, subject: "events.>"}}
      {service: {account: POSTRIDER, subject: "detections.>"}}
    ]
  }
}
`
