package run

import (
	"slices"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// job is a run on its way through a sweep, with what it has found so far.
type job struct {
	// asked is the run as the sweep began, which those who match go by; run may
	// be made shorter by who collects.
	asked, run transport.Run
	alerts     []*matching.Alert // that matched, each once
	seen       map[string]bool   // their ids
	matches    []matching.Match
	bytes      int // of the report
	coming     int // bytes of the detection in hand
	// cut tells that the rest is another run's.
	cut bool
	// reported: its event is stored already, there is nothing to look for.
	reported bool
}

func newJob(run transport.Run) *job {
	run.Detections = 0
	asked := run
	asked.Parts = slices.Clone(run.Parts)
	return &job{asked: asked, run: run, seen: map[string]bool{}, bytes: reportRoom}
}

const (
	// maxReport bounds a report: what the object store and a receiver are asked
	// to take at once.
	maxReport = 64 << 20
	// reportRoom is what a report has besides alerts and matches.
	reportRoom = 4 << 10
)

// size tells how many bytes more a hit makes the report.
func (j *job) size(f *found) int {
	if j.seen[f.alert.ID] {
		return f.bytes
	}
	return f.bytes + alertBytes(f.alert)
}

func (j *job) take(f *found) {
	j.bytes += j.size(f)
	j.matches = append(j.matches, f.match)
	if !j.seen[f.alert.ID] {
		j.seen[f.alert.ID] = true
		j.alerts = append(j.alerts, f.alert)
	}
}

// shorten ends the job's run at through; one that is reported stays as it is.
func (j *job) shorten(through uint64) {
	if !j.reported && through < j.run.Through {
		j.cut = true
		shorten(&j.run, through)
	}
}

// jobs finds the runs that an alert belongs to.
type jobs struct {
	all        []*job
	byCustomer map[string]*[4]coverage
}

// coverage is the job that covers a type of alerts, nil where none does, and what
// it is about for them.
type coverage struct {
	job  *job
	part transport.RunPart
}

// coveredTypes are the types of alerts that runs cover; their places are those in
// jobs.
var coveredTypes = [4]string{matching.AlertNormal, matching.AlertHot, matching.AlertLive, transport.RunCatchUp}

func newJobs(all []*job) *jobs {
	js := &jobs{all: all, byCustomer: map[string]*[4]coverage{}}
	for _, j := range all {
		of := js.byCustomer[j.run.Customer]
		if of == nil {
			of = &[4]coverage{}
			js.byCustomer[j.run.Customer] = of
		}
		for _, part := range j.asked.Ranges() {
			if i := slices.Index(coveredTypes[:], part.Type); i >= 0 {
				of[i] = coverage{j, part}
			}
		}
	}
	return js
}

func (js *jobs) runs() []*transport.Run {
	runs := make([]*transport.Run, 0, len(js.all))
	for _, j := range js.all {
		if !j.reported {
			runs = append(runs, &j.asked)
		}
	}
	return runs
}

// wanting gives the job in which alert a may match the detection seq, nil where
// none does.
func (js *jobs) wanting(a *matching.Alert, seq uint64, catchUp func(id string) uint64) *job {
	of := js.byCustomer[a.Customer]
	if of == nil {
		return nil
	}
	for i, t := range coveredTypes {
		j := of[i].job
		if j == nil || j.reported || t != a.AlertType && (t != transport.RunCatchUp || a.AlertType != matching.AlertLive) {
			continue
		}
		upTo := uint64(0)
		if seq < of[i].part.From {
			upTo = catchUp(a.ID)
		}
		if wants(&of[i].part, j.asked.Through, seq, a.Position, upTo) {
			return j
		}
	}
	return nil
}

// read counts the detections of a chunk, which is in order, that the job's run
// reads.
func (j *job) read(chunk []transport.RawDetection) {
	first, last, some := j.run.Span()
	if j.reported || !some {
		return
	}
	for len(chunk) > 0 && chunk[0].Seq < first {
		chunk = chunk[1:]
	}
	for len(chunk) > 0 && chunk[len(chunk)-1].Seq > last {
		chunk = chunk[:len(chunk)-1]
	}
	j.run.Detections += len(chunk)
}
