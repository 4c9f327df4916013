package run

import (
	"context"
	"errors"
	"sync"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// found is one alert that matches one detection, for a job.
type found struct {
	seq   uint64
	job   *job
	alert *matching.Alert
	match matching.Match
	bytes int
}

// task is a chunk of detections on its way through a sweep.
type task struct {
	raws   []transport.RawDetection
	found  []found
	unread []transport.UnreadDetection
	fields []unreadFields
	done   chan struct{}
}

// source gives detections; Detections is one, a batch of live ones another.
type source func(ctx context.Context, from, to uint64, take func([]transport.RawDetection) error) error

// sweeper reads detections for runs, and finds what matches.
type sweeper struct {
	alerts  *alerts
	links   matching.Links
	workers int
	memory  int // most bytes of matches that are held
	most    int // of one report
	bury    undertaker
	fields  *fieldCount
}

// undertaker makes dead letters of what is no detection, each once.
type undertaker interface {
	BuryDetections(ctx context.Context, unread []transport.UnreadDetection) error
}

// sweep reads for jobs from a source.
func (s *sweeper) sweep(ctx context.Context, from source, all []*job) error {
	one := &sweep{alerts: s.alerts, links: &s.links, jobs: newJobs(all), memory: s.memory, most: s.most, bury: s.bury.BuryDetections, fields: s.fields}
	return one.read(ctx, from, s.workers)
}

// sweep is one reading of detections for several runs: chunks are decoded and
// matched on several goroutines, and what they found is taken in order.
type sweep struct {
	alerts *alerts
	links  *matching.Links
	jobs   *jobs
	// memory is how many bytes of matches may be held; held, how many are.
	memory, held int
	// most bounds one report, in bytes.
	most   int
	bury   func(context.Context, []transport.UnreadDetection) error
	fields *fieldCount
}

// errFull ends a sweep whose runs hold as much as they may.
var errFull = errors.New("the runs hold as much as they may")

// read goes through source. Jobs that it did not come to the end of are cut.
func (s *sweep) read(ctx context.Context, from source, workers int) error {
	for _, span := range spans(s.jobs.runs()) {
		err := s.span(ctx, from, span, workers)
		if errors.Is(err, errFull) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *sweep) span(ctx context.Context, from source, span span, workers int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work, order := make(chan *task), make(chan *task, 2*workers)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() { newMatcher(s).run(work) })
	}
	collected := make(chan error, 1)
	go func() {
		err := s.collect(ctx, order)
		cancel(err)
		collected <- err
	}()
	err := from(ctx, span.from, span.to, func(raws []transport.RawDetection) error {
		t := &task{raws: raws, done: make(chan struct{})}
		select {
		case order <- t:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		work <- t // workers take until it is closed
		return nil
	})
	close(work)
	close(order)
	running.Wait()
	if fault := <-collected; fault != nil {
		return fault
	}
	return err
}

// collect takes what tasks found, in their order.
func (s *sweep) collect(ctx context.Context, order <-chan *task) error {
	for t := range order {
		<-t.done
		s.fields.note(t)
		if len(t.unread) > 0 {
			if err := s.bury(ctx, t.unread); err != nil {
				return err
			}
		}
		full := !s.takeAll(t.found)
		for _, j := range s.jobs.all { // by where each run ends now
			j.read(t.raws)
		}
		if full {
			return errFull
		}
	}
	return nil
}

// takeAll takes hits in their order; false: no more than that has room.
func (s *sweep) takeAll(hits []found) bool {
	for len(hits) > 0 {
		n := 1
		for n < len(hits) && hits[n].seq == hits[0].seq {
			n++
		}
		if !s.take(hits[:n]) {
			return false
		}
		hits = hits[n:]
	}
	return true
}

// take gives the matches of one detection to their jobs. It is false where
// they have no room together: then every run ends before this detection. A run
// whose report has no room for them ends there too; matches of one detection
// that would not fit into any report are left out.
func (s *sweep) take(hits []found) bool {
	seq, size := hits[0].seq, 0
	for i := range hits {
		j := hits[i].job
		j.coming += j.size(&hits[i])
		size += j.size(&hits[i])
	}
	full := s.held > 0 && s.held+size > s.memory
	if full {
		for _, j := range s.jobs.all {
			j.shorten(seq - 1)
		}
	}
	for i := range hits {
		j := hits[i].job
		if j.coming > 0 && len(j.matches) > 0 && j.bytes+j.coming > s.most {
			j.shorten(seq - 1)
		}
		j.coming = 0
		if seq > j.run.Through {
			continue
		}
		if size := j.size(&hits[i]); j.bytes+size <= s.most {
			s.held += size
			j.take(&hits[i])
		} else {
			j.run.LeftOut++
		}
	}
	return !full
}
