package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// batchBytes is how much is published at once.
const batchBytes = 6 << 20

// lines is a file with a document a line.
type lines struct {
	in    io.Reader
	file  string
	check func([]byte) error
}

// publishLines publishes a document a line in batches, so that what is held
// in memory does not grow with the input.
func (a *app) publishLines(ctx context.Context, l *lines, sink eventSink, event publisher.Event) error {
	scan := bufio.NewScanner(l.in)
	scan.Buffer(nil, transport.MaxHTTPEvent+1)
	b := batch{sink: sink, progress: a.progress("published", 0)}
	defer b.progress.end()
	for scan.Scan() {
		b.line++
		data := bytes.TrimSpace(scan.Bytes())
		if len(data) == 0 {
			continue
		}
		if err := l.check(data); err != nil {
			return b.broken(fmt.Errorf("%s line %d %w", l.file, b.line, err))
		}
		event.Data = bytes.Clone(data)
		if err := b.add(ctx, event); err != nil {
			return b.broken(err)
		}
	}
	if errors.Is(scan.Err(), bufio.ErrTooLong) {
		return b.broken(fmt.Errorf("%s line %d is larger than %s bytes; publish a reference to the document, or split it", l.file, b.line+1, grouped(transport.MaxHTTPEvent)))
	}
	if err := scan.Err(); err != nil {
		return b.broken(err)
	}
	if err := b.flush(ctx); err != nil {
		return b.broken(err)
	}
	if err := b.settle(); err != nil {
		return b.broken(err)
	}
	b.progress.end()
	return a.published(b.stored)
}

// batch collects events up to what is published at once, while the batch
// before it is under way.
type batch struct {
	sink     eventSink
	progress *progress
	events   []publisher.Event
	at       []int // the line of each event
	bytes    int
	line     int // the last line read
	stored   int
	last     int          // the line of the last event stored
	underWay chan outcome // of the batch before; nil: there is none
}

// outcome is what became of a batch.
type outcome struct {
	at     []int
	stored int
	err    error
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

// flush sends the batch off once the one before is stored.
func (b *batch) flush(ctx context.Context) error {
	if err := b.settle(); err != nil || len(b.events) == 0 {
		return err
	}
	done, events, at := make(chan outcome, 1), b.events, b.at
	go func() {
		stored, err := b.sink.publish(ctx, events)
		done <- outcome{at, stored, err}
	}()
	b.underWay, b.events, b.at, b.bytes = done, nil, nil, 0
	return nil
}

// settle waits for the batch that is under way.
func (b *batch) settle() error {
	if b.underWay == nil {
		return nil
	}
	o := <-b.underWay
	b.underWay = nil
	if b.stored += o.stored; o.stored > 0 {
		b.last = o.at[o.stored-1]
	}
	b.progress.show(b.stored)
	return o.err
}

// broken says how far it came, so that nobody publishes the same lines twice.
func (b *batch) broken(err error) error {
	if fault := b.settle(); fault != nil {
		err = fault
	}
	b.progress.end()
	if b.stored == 0 {
		return fmt.Errorf("%w (nothing was published)", err)
	}
	return fmt.Errorf("%w (%s published, up to line %d)", err, counted(uint64(b.stored), "document was", "documents were"), b.last)
}
