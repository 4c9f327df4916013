package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// eventSink is where documents are published: NATS, or the HTTP API.
type eventSink interface {
	// publish returns once all events are durable; stored tells how many are.
	publish(ctx context.Context, events []publisher.Event) (stored int, err error)
	close()
}

type publishFlags struct {
	lines, http bool
	id, natsURL string
}

func (a *app) publishCommand() *cobra.Command {
	var f publishFlags
	c := &cobra.Command{
		Use:   "publish SUBJECT [FILE|-]",
		Short: "Publish one JSON document, or one a line",
		Long: `Publishes to events.<customer>.<type> what is in FILE (default: stdin), over NATS
or with --http over the node's API; to detections.<words> over NATS. It returns
once the log has it on disk.`,
		Example: `  postrider publish events.acme.access.granted event.json
  echo '{"door":"Main"}' | postrider publish events.acme.access.granted --id 17
  postrider publish events.acme.access.granted --lines events.ndjson
  postrider publish detections.i45.north --lines detections.ndjson
  postrider publish events.acme.access.granted --http --server https://postrider.example.com event.json`,
		Args: arguments("SUBJECT", "[FILE|-]"),
		RunE: func(c *cobra.Command, args []string) error {
			file := "-"
			if len(args) > 1 {
				file = args[1]
			}
			return a.publish(c.Context(), args[0], file, &f)
		},
	}
	c.Flags().BoolVar(&f.lines, "lines", false, "each line is a document of its own")
	c.Flags().StringVar(&f.id, "id", "", "the event's id: within the dedup time the same id is delivered once; of detections with the same id within two minutes the first is kept")
	c.Flags().StringVar(&f.natsURL, "nats-url", "", "NATS server (default nats.url of the settings, else nats.listen: nats://127.0.0.1:4222)")
	c.Flags().BoolVar(&f.http, "http", false, "publish over the HTTP API at --server")
	return c
}

func (a *app) publish(ctx context.Context, subject, file string, f *publishFlags) error {
	to, err := parseSubject(subject)
	if err != nil {
		return err
	}
	switch {
	case f.lines && f.id != "":
		return usagef("--id names one document; with --lines there are many")
	case f.http && f.natsURL != "":
		return usagef("--http and --nats-url are two ways; give one")
	case f.http && to.detections != "":
		return usagef("detections are published by NATS alone; leave --http out")
	}
	in, err := a.open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	if file == "-" {
		file = "stdin"
	}
	event := publisher.Event{Customer: to.customer, Type: to.typ, ID: f.id}
	if !f.lines {
		if event.Data, err = readDocument(in, file, to.check); err != nil {
			return err
		}
	}
	sink, err := a.eventSink(f, to.detections)
	if err != nil {
		return err
	}
	defer sink.close()
	if f.lines {
		return a.publishLines(ctx, &lines{in: in, file: file, check: to.check}, sink, event)
	}
	if _, err := sink.publish(ctx, []publisher.Event{event}); err != nil {
		return err
	}
	return a.published(1)
}

// target is where documents go, and what they must be.
type target struct {
	customer, typ string
	detections    string // the subject of detections; "": they are events
	check         func([]byte) error
}

// parseSubject reads what producers may publish on.
func parseSubject(subject string) (to target, err error) {
	if strings.HasPrefix(subject, "ops.") {
		return to, usagef("%s: ops.> is published by Postrider alone; publish to events.<customer>.<type>", oneLine(subject))
	}
	if strings.HasPrefix(subject, "detections.") {
		to.detections, to.check = subject, checkDetection
		err = transport.CheckDetectionSubject(subject)
	} else {
		to.check = checkDocument
		to.customer, to.typ, err = transport.ParseEventSubject(subject)
	}
	if err != nil {
		return to, usagef("SUBJECT %q: %s", subject, err)
	}
	return to, nil
}

func (a *app) open(file string) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(a.stdin), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%w; give a file, or - for stdin", err)
	}
	return f, nil
}

// readDocument reads the one JSON document that file is.
func readDocument(in io.Reader, file string, check func([]byte) error) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, transport.MaxHTTPEvent+1))
	if err != nil {
		return nil, err
	}
	if len(data) > transport.MaxHTTPEvent {
		return nil, fmt.Errorf("%s is larger than %s bytes; publish a reference to the document, or split it, or --lines for one a line",
			file, grouped(transport.MaxHTTPEvent))
	}
	data = bytes.TrimSpace(data)
	if err := check(data); err != nil {
		return nil, fmt.Errorf("%s %w", file, err)
	}
	return data, nil
}

// checkDocument says what is wrong with a document, after its place.
func checkDocument(data []byte) error {
	if len(data) == 0 {
		return errors.New("is empty; give a JSON document")
	}
	if !jsontext.Valid(jsontext.Trim(data)) {
		return errors.New("is not JSON; give one JSON document, or --lines for one a line")
	}
	return nil
}

// checkDetection is checkDocument for what must be a detection.
func checkDetection(data []byte) error {
	var d matching.Detection
	err := d.Decode(data, time.Time{})
	if err == nil {
		return nil
	}
	if err := checkDocument(data); err != nil {
		return err
	}
	return fmt.Errorf("is no detection: %w", err)
}

func (a *app) published(n int) error {
	if a.output == "json" {
		return a.printJSON(map[string]int{"published": n})
	}
	_, err := fmt.Fprintf(a.stdout, "published %s\n", grouped(uint64(n)))
	return err
}
