package node

import (
	"github.com/postrider/postrider/transport/api"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/registry"
	"github.com/postrider/postrider/transport/telemetry"
)

// tell writes a line of each bound that comes near, is reached, or is so no more.
func (r *room) tell(use *jet.Use) {
	now := map[string]bool{}
	for _, b := range use.Bounds() {
		was, told := r.bounds[b.Stream]
		now[b.Stream] = b.Reached
		if told && was == b.Reached {
			continue
		}
		what := "a bound of the streams' room is near"
		if b.Reached {
			what = "a bound of the streams' room is reached"
		}
		r.log.Warn(what, "stream", b.Stream, "state", b.Text, "remedy", b.Remedy)
	}
	for stream := range r.bounds {
		if _, still := now[stream]; !still {
			r.log.Info("a bound of the streams' room is near no more", "stream", stream)
		}
	}
	r.bounds = now
}

// lacks names bounds that are near or reached: the node is ready all the same.
func (r *room) lacks() (lacks []api.Lack) {
	for _, b := range r.last().Bounds() {
		word := "near"
		if b.Reached {
			word = "reached"
		}
		lacks = append(lacks, api.Lack{Part: "room", Detail: word + ": " + b.Text + "; " + b.Remedy, Bearable: true})
	}
	return lacks
}

// last is how the room stood when it was last looked at.
func (r *room) last() *jet.Use {
	r.mu.Lock()
	defer r.mu.Unlock()
	use := r.use
	return &use
}

// answers is what the answers that are kept may have; 0: nothing bounds it.
func (r *room) answers() int64 {
	return max(0, r.last().Room.Of("KV_"+registry.BucketAnswers))
}

// gauge is the room for the metrics.
func (r *room) gauge() telemetry.Room {
	use := r.last()
	return telemetry.Room{Bytes: int64(use.Room), Used: use.Used, Refusing: use.Short()}
}
