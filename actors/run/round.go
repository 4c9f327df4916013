package run

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

// rounds carries out what is due: it has the records made, the detections swept
// and the runs concluded, and tells those who asked.
type rounds struct {
	shared
	due     *dueSet
	collect time.Duration // what is due together is one round
	retry   retry
	closed  func() // told when runs are open no more
}

// carryOut carries out what is due. What fails is due again after a pause, what
// was too much for one run, and what had to wait for another, at once.
func (r *rounds) carryOut(ctx context.Context, due dues) {
	turns, later, err := r.openRuns(ctx, due)
	defer r.close(due)
	if err == nil {
		err = r.sweeper.sweep(ctx, r.detections.ReadDetections, jobsOf(turns))
	}
	if err != nil {
		r.troubles.note(partRuns, err)
		if turns == nil { // nothing is known of any
			for key, t := range due {
				turns = append(turns, &turn{situation: situation{key: key}, triggers: t})
			}
		}
		for _, t := range turns {
			r.again(ctx, t, err)
		}
		r.postpone(later, true)
		return
	}
	errs := r.writes.each(len(turns), func(i int) error {
		if turns[i].job == nil {
			return nil
		}
		return r.concluder.conclude(ctx, turns[i].job)
	})
	var fault error
	for i, t := range turns {
		if errs[i] != nil {
			fault = errs[i]
			r.again(ctx, t, errs[i])
			continue
		}
		r.ended(t)
	}
	r.troubles.note(partRuns, fault)
	r.postpone(later, fault != nil)
}

// close: what was due is open no more, and an alert may have waited for that to be
// adopted.
func (r *rounds) close(due dues) {
	r.adopter.leave(due)
	r.closed()
}

// ended tells of a run that is done, and has the key's next one made where one
// is due.
func (r *rounds) ended(t *turn) {
	if t.job == nil {
		return
	}
	for _, one := range t.told {
		one.Tell(&t.job.run)
	}
	if t.job.run.Rest || len(t.waiting) > 0 {
		r.due.add(t.key, t.waiting...)
	}
}

// postpone makes keys due that had to wait for others; where these failed, with
// a pause.
func (r *rounds) postpone(later dues, failed bool) {
	for key, t := range later {
		if !failed {
			r.due.add(key, t...)
			continue
		}
		time.AfterFunc(r.retry.pause(0), func() { r.due.add(key, t...) })
	}
}

// again makes a key due after a pause that grows with its failures. Those who
// wait for it hear why.
func (r *rounds) again(ctx context.Context, t *turn, err error) {
	if t.idle {
		return
	}
	unsettled := slices.Concat(t.triggers, t.waiting)
	var run *transport.Run
	if t.job != nil {
		run = &t.job.run
	}
	failures := 0
	if !isConflict(err) { // else somebody else goes on with it
		failures = r.concluder.fail(ctx, t.key, run, err)
		why := r.concluder.why(err)
		for _, one := range unsettled {
			one.Delay(why)
		}
		if run != nil {
			failed := *run
			failed.Error = why
			for _, one := range t.told {
				one.Tell(&failed)
			}
		}
	}
	time.AfterFunc(r.retry.pause(failures), func() { r.due.add(t.key, unsettled...) })
}

func jobsOf(turns []*turn) (jobs []*job) {
	for _, t := range turns {
		if t.job != nil {
			jobs = append(jobs, t.job)
		}
	}
	return jobs
}
