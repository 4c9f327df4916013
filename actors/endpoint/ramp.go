package endpoint

import (
	"math"
	"time"
)

// ramp is the growing pace at which an endpoint that was closed is drained, so
// that the deliveries that waited do not fall upon it as a herd.
type ramp struct {
	from time.Time // zero: no bound
	next time.Time
}

// pace is deliveries a second at now; 0: unbounded.
func (r *ramp) pace(now time.Time, t *Tuning) float64 {
	if r.from.IsZero() {
		return 0
	}
	return t.rampPace(now.Sub(r.from))
}

// rampPace is the pace so long after the ramp's beginning; 0: it has grown out
// of any bound.
func (t *Tuning) rampPace(after time.Duration) float64 {
	pace := t.DrainPace * math.Exp2(math.Max(0, after.Seconds())/t.DrainDoubling.Seconds())
	if pace > t.DrainMost {
		return 0
	}
	return pace
}

// catchUp is how far a send may lag behind the pace and still be made up for.
const catchUp = 50 * time.Millisecond

func (r *ramp) ready(now time.Time, t *Tuning) (bool, time.Time) {
	if r.pace(now, t) == 0 {
		r.from = time.Time{}
		return true, time.Time{}
	}
	return !now.Before(r.next), r.next
}

func (r *ramp) sent(now time.Time, t *Tuning) {
	pace := r.pace(now, t)
	if pace == 0 {
		return
	}
	if late := now.Add(-catchUp); r.next.Before(late) {
		r.next = late
	}
	r.next = r.next.Add(time.Duration(float64(time.Second) / pace))
}
