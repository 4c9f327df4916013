package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
)

const (
	batchBytes     = 6 << 20
	connectTimeout = 60 * time.Second
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
or with --http over the node's API. It returns once the log has it on disk.`,
		Example: `  postrider publish events.acme.access.granted event.json
  echo '{"door":"Main"}' | postrider publish events.acme.access.granted --id 17
  postrider publish events.acme.access.granted --lines events.ndjson
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
	c.Flags().StringVar(&f.id, "id", "", "the event's id: within the dedup time the same id is delivered once")
	c.Flags().StringVar(&f.natsURL, "nats-url", "", "NATS server (default nats.url of the settings, else nats.listen: nats://127.0.0.1:4222)")
	c.Flags().BoolVar(&f.http, "http", false, "publish over the HTTP API at --server")
	return c
}

func (a *app) publish(ctx context.Context, subject, file string, f *publishFlags) error {
	customer, typ, err := parseSubject(subject)
	if err != nil {
		return err
	}
	switch {
	case f.lines && f.id != "":
		return usagef("--id names one event; with --lines there are many")
	case f.http && f.natsURL != "":
		return usagef("--http and --nats-url are two ways; give one")
	}
	in, err := a.open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	if file == "-" {
		file = "stdin"
	}
	event := publisher.Event{Customer: customer, Type: typ, ID: f.id}
	if !f.lines {
		if event.Data, err = readDocument(in, file); err != nil {
			return err
		}
	}
	sink, err := a.eventSink(f)
	if err != nil {
		return err
	}
	defer sink.close()
	if f.lines {
		return a.publishLines(ctx, sink, event, in, file)
	}
	if _, err := sink.publish(ctx, []publisher.Event{event}); err != nil {
		return err
	}
	return a.published(1)
}

// parseSubject reads what producers may publish on.
func parseSubject(subject string) (customer, typ string, err error) {
	if strings.HasPrefix(subject, "detections.") {
		return "", "", usagef("%s: this version takes no detections; publish to events.<customer>.<type>", oneLine(subject))
	}
	if strings.HasPrefix(subject, "ops.") {
		return "", "", usagef("%s: ops.> is published by Postrider alone; publish to events.<customer>.<type>", oneLine(subject))
	}
	customer, typ, err = transport.ParseEventSubject(subject)
	if err != nil {
		return "", "", usagef("SUBJECT %q: %s", subject, err)
	}
	return customer, typ, nil
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
func readDocument(in io.Reader, file string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, transport.MaxHTTPEvent+1))
	if err != nil {
		return nil, err
	}
	if len(data) > transport.MaxHTTPEvent {
		return nil, fmt.Errorf("%s is larger than %s bytes; publish a reference to the document, or split it, or --lines for one a line",
			file, grouped(transport.MaxHTTPEvent))
	}
	data = bytes.TrimSpace(data)
	if err := checkDocument(data); err != nil {
		return nil, fmt.Errorf("%s %w", file, err)
	}
	return data, nil
}

// checkDocument says what is wrong with a document, after its place.
func checkDocument(data []byte) error {
	if len(data) == 0 {
		return errors.New("is empty; give a JSON document")
	}
	if !json.Valid(data) {
		return errors.New("is not JSON; give one JSON document, or --lines for one a line")
	}
	return nil
}

// publishLines publishes a document a line in batches, so that what is held
// in memory does not grow with the input.
func (a *app) publishLines(ctx context.Context, sink eventSink, event publisher.Event, in io.Reader, file string) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, transport.MaxHTTPEvent+1)
	b := batch{sink: sink, progress: a.progress("published", 0)}
	defer b.progress.end()
	for lines.Scan() {
		b.line++
		data := bytes.TrimSpace(lines.Bytes())
		if len(data) == 0 {
			continue
		}
		if err := checkDocument(data); err != nil {
			return b.broken(fmt.Errorf("%s line %d %w", file, b.line, err))
		}
		event.Data = bytes.Clone(data)
		if err := b.add(ctx, event); err != nil {
			return b.broken(err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return b.broken(fmt.Errorf("%s line %d is larger than %s bytes; publish a reference to the document, or split it", file, b.line+1, grouped(transport.MaxHTTPEvent)))
	}
	if err := lines.Err(); err != nil {
		return b.broken(err)
	}
	if err := b.flush(ctx); err != nil {
		return b.broken(err)
	}
	b.progress.end()
	return a.published(b.stored)
}

// batch collects events up to what is published at once.
type batch struct {
	sink     eventSink
	progress *progress
	events   []publisher.Event
	at       []int // the line of each event
	bytes    int
	line     int // the last line read
	stored   int
	last     int // the line of the last event stored
}

func (b *batch) add(ctx context.Context, e publisher.Event) error {
	if b.bytes+len(e.Data) > batchBytes || len(b.events) == transport.MaxBatchEvents {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	b.events, b.at, b.bytes = append(b.events, e), append(b.at, b.line), b.bytes+len(e.Data)
	return nil
}

func (b *batch) flush(ctx context.Context) error {
	if len(b.events) == 0 {
		return nil
	}
	stored, err := b.sink.publish(ctx, b.events)
	b.stored += stored
	if stored > 0 {
		b.last = b.at[stored-1]
	}
	b.events, b.at, b.bytes = b.events[:0], b.at[:0], 0
	b.progress.show(b.stored)
	return err
}

// broken says how far it came, so that nobody publishes the same lines twice.
func (b *batch) broken(err error) error {
	b.progress.end()
	if b.stored == 0 {
		return fmt.Errorf("%w (nothing was published)", err)
	}
	return fmt.Errorf("%w (%d events were published, up to line %d)", err, b.stored, b.last)
}

func (a *app) published(n int) error {
	if a.output == "json" {
		return a.printJSON(map[string]int{"published": n})
	}
	_, err := fmt.Fprintf(a.stdout, "published %s\n", grouped(uint64(n)))
	return err
}
