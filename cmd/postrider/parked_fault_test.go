package main

import (
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	parkedKills = 10
	// earlyAtMost is how much sooner than its schedule an attempt may be seen
	// to come: the clocks of two processes.
	earlyAtMost = 5 * time.Millisecond
)

// parkedSchedule grows, so that an attempt that comes too soon shows.
var parkedSchedule = []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second}

// failuresOf is how often an event's attempts fail before one is accepted: 0
// to 5, and 5 is once more than the schedule has attempts. Most never fail.
func failuresOf(path, id string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(path + id))
	n := int(h.Sum32()>>8) % (6 * (len(parkedSchedule) + 2))
	if n > len(parkedSchedule)+1 {
		return 0
	}
	return n
}

// attemptsOf is how many attempts a pair is given where nothing is repeated.
func attemptsOf(key string) int {
	path, id, _ := strings.Cut(key, " ")
	return min(failuresOf(path, id), len(parkedSchedule)) + 1
}

// kill -9 while segments wait, come due and are parked again: every pair ends
// once, never sooner than its schedule and with no more attempts than it
// allows; what comes again was in flight at a kill.
func TestParkedWorkSurvivesKill9(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 3))
	n := newTestNode(t, hardy...)
	w := newWitness(t, func(path, id string, nth int) int {
		if nth <= failuresOf(path, id) {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	n.start()
	var schedule []string
	for _, d := range parkedSchedule {
		schedule = append(schedule, d.String())
	}
	for _, path := range []string{"/a", "/b", "/c"} {
		n.addEndpoint(w.url+path, ">", schedule...)
	}
	load := startPacedLoad(n, 30*time.Millisecond)
	for range parkedKills {
		time.Sleep(time.Duration(200+random.IntN(900)) * time.Millisecond) // the fault's own timing
		w.fault()
		n.kill()
		w.fault() // what was on its way when the signal was sent has arrived
		n.start()
	}
	accepted := load.stop()
	sum := n.settledAudit()
	if want := uint64(3 * len(accepted)); sum.Owed < want || sum.Missing+sum.Unowed > 0 {
		t.Errorf("%d pairs are owed, the audit says %+v", want, sum)
	}
	repeats := w.checkSchedule(t)
	if sum.Repeated > uint64(repeats) {
		t.Errorf("%d repeats are journaled, %d were seen", sum.Repeated, repeats)
	}
	after := w.repeated(t)
	t.Logf("%d kills (seed %d): %d events accepted; of %d pairs %d delivered, %d dead letters; %d attempts repeated, %d of them up to %s after the delivery",
		parkedKills, seed, len(accepted), sum.Owed, sum.Delivered, sum.DeadLettered, repeats, after, w.oldest.Round(time.Millisecond))
	n.terminate()
}

// checkSchedule holds every pair's arrivals against parkedSchedule and gives
// the number of attempts that were certainly made again because of a kill. An
// attempt that was made again keeps its number, so that the wait after it is
// that of an attempt before.
func (w *witness) checkSchedule(t *testing.T) (repeats int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, all := range w.arrivals {
		again := 0 // attempts that a kill may have had repeated so far
		for i := 1; i < len(all); i++ {
			gap := all[i].at.Sub(all[i-1].at)
			if w.faultsBetween(all[i-1].at, all[i].at) > 0 {
				again++
				continue
			}
			step := min(max(0, i-1-again), len(parkedSchedule)-1)
			if gap < parkedSchedule[step]-earlyAtMost {
				t.Errorf("%s: attempt %d came %s after the one before, with no kill between", key, i+1, gap)
			}
		}
		extra := max(0, len(all)-attemptsOf(key))
		repeats += extra
		if extra > again {
			t.Errorf("%s: %d attempts, %d of them because of a kill", key, len(all), again)
		}
	}
	return repeats
}
