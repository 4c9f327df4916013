package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/porttest"
)

// How the soak is run: SOAK is its length (default a short one, so that the
// suite has it), SOAK_SEED repeats its faults.
const (
	soakShort     = 15 * time.Second
	soakEndpoints = 8
	// goneAt is the endpoint that answers 410 now and then, and is disabled for it.
	goneAt = soakEndpoints - 1
	// soakDrain is what the backlog may take to arrive when all faults are over.
	soakDrain = 10 * time.Minute
)

// soakSettings have endpoints probed in time, and bound what grows to its
// bound within the soak.
var soakSettings = []string{
	"POSTRIDER_BREAKER_WAIT=1s", "POSTRIDER_BREAKER_MAX_WAIT=5s", "POSTRIDER_DRAIN_PACE=200",
	"POSTRIDER_LOG_MAX_ATTEMPTS=10000", "POSTRIDER_DEDUP_LOCAL=20s", "POSTRIDER_ACTORS_IDLE=5s",
}

// soak is a node with an external NATS server, Redis and receivers, all of
// which get into trouble.
type soak struct {
	t         *testing.T
	length    time.Duration
	seed      uint64
	node      *testNode
	nats      *natsProcess
	redis     *redisProcess
	receivers []*soakReceiver
	faults    *faultCount
	pulse     *pulse
}

// Random faults of every part for as long as SOAK says: nothing that was
// accepted is lost, the audit adds up, and neither goroutines nor memory grow.
func TestSoak(t *testing.T) {
	t.Parallel()
	s := newSoak(t)
	calm := s.pulse.take()
	if calm.goroutines < 10 || calm.heapMiB <= 0 || calm.rssMiB <= 0 {
		t.Fatalf("the node's pulse cannot be read: %+v", calm)
	}
	load := startPacedLoad(s.node, 200*time.Millisecond)
	began := time.Now()
	s.trouble()
	accepted := load.stop()
	lasted := time.Since(began)
	s.node.awaitFor(soakDrain, "all that was accepted to arrive", func() bool { return s.behind(len(accepted)) == 0 })
	drained := time.Since(began) - lasted
	lost := s.lost(accepted)
	s.node.awaitFor(soakDrain, "nothing to wait any more", func() bool { _, sum := s.node.audit(); return sum.Waiting == 0 })
	dead, adds := s.checkAudit()
	end := s.pulse.calmDown(calm.goroutines)
	s.pulse.stop()
	s.pulse.judge()
	if lost > 0 {
		t.Errorf("%d deliveries are lost", lost)
	}
	s.report(lasted, drained, len(accepted), lost, dead, adds, calm, end)
	s.node.terminate()
}

func newSoak(t *testing.T) *soak {
	s := &soak{t: t, length: soakShort, seed: uint64(time.Now().UnixNano()), nats: newNATS(t, true), redis: newRedis(t), faults: newFaultCount()}
	var err error
	if text := os.Getenv("SOAK"); text != "" {
		if s.length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("SOAK: %v", err)
		}
	}
	if text := os.Getenv("SOAK_SEED"); text != "" {
		if s.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("SOAK_SEED: %v", err)
		}
	}
	t.Logf("%s of faults, SOAK_SEED=%d", s.length, s.seed)
	s.nats.start()
	s.redis.start()
	profiler := porttest.Address(t)
	s.node = newTestNode(t, append(soakSettings, "POSTRIDER_NATS_URL="+s.nats.url(), "POSTRIDER_REDIS_URL=redis://"+s.redis.addr,
		"POSTRIDER_HTTP_PPROF_LISTEN="+profiler, "POSTRIDER_LOG_LEVEL=error")...)
	s.node.start()
	for i := range soakEndpoints {
		s.receivers = append(s.receivers, newSoakReceiver(t, s.node, i))
	}
	s.pulse = startPulse(s.node, profiler)
	return s
}

// trouble goes on for the soak's length. The node itself is killed in the
// first half alone, so that its last life is long enough to see growth in.
func (s *soak) trouble() {
	end := time.Now().Add(s.length)
	half := time.Now().Add(s.length / 2)
	var done []<-chan struct{}
	for i, r := range s.receivers {
		random, over := rand.New(rand.NewPCG(s.seed, uint64(i))), make(chan struct{})
		done = append(done, over)
		go func() {
			defer close(over)
			for time.Now().Before(end) {
				s.pause(random, s.length/20)
				s.faults.add(r.fault(random, s.outage(random)))
			}
		}()
	}
	random := rand.New(rand.NewPCG(s.seed, 1000))
	for i := 0; time.Now().Before(end); i++ {
		s.pause(random, s.length/10)
		switch {
		case i%3 == 0 && time.Now().Before(half):
			s.faults.add("kill -9 of the node")
			s.pulse.anotherLife()
			s.node.kill()
			s.node.start()
		case i%3 == 1:
			s.faults.add("kill -9 of NATS")
			s.nats.kill()
			time.Sleep(s.outage(random)) // the fault's own timing
			s.nats.start()
			s.node.awaitReady()
		default:
			s.faults.add("kill -9 of Redis")
			s.redis.kill()
			time.Sleep(s.outage(random)) // the fault's own timing
			s.redis.start()
		}
	}
	for _, over := range done {
		<-over
	}
}

// pause is the faults' own timing: up to most, and 20 s.
func (s *soak) pause(random *rand.Rand, most time.Duration) {
	time.Sleep(time.Duration(random.Int64N(int64(min(most, 20*time.Second)))))
}

// outage is how long a fault lasts.
func (s *soak) outage(random *rand.Rand) time.Duration {
	return 200*time.Millisecond + time.Duration(random.Int64N(int64(min(s.length/20, 5*time.Second))))
}

// behind is how many deliveries have not arrived, the one endpoint aside that
// says 410.
func (s *soak) behind(accepted int) (n int) {
	for _, r := range s.receivers[:goneAt] {
		n += max(0, accepted-r.pairs())
	}
	return n
}

// lost counts what was accepted and did not arrive.
func (s *soak) lost(accepted []string) (n int) {
	for _, r := range s.receivers[:goneAt] {
		n += r.missing(accepted)
	}
	return n
}

// checkAudit has the node's count agree: only what was owed to the endpoint
// that says 410 may have been given up.
func (s *soak) checkAudit() (deadLettered uint64, ok bool) {
	a, _ := s.node.audit()
	if !a.OK {
		s.t.Errorf("the audit does not add up: %+v", a)
	}
	for _, e := range a.Endpoints {
		gone := e.Endpoint == s.receivers[goneAt].endpoint
		if e.DeadLettered > 0 && !gone || e.Owed != e.Delivered+e.DeadLettered+e.Skipped {
			s.t.Errorf("the audit says %+v", e)
		}
		deadLettered += e.DeadLettered
	}
	return deadLettered, a.OK
}

func (s *soak) report(lasted, drained time.Duration, accepted, lost int, dead uint64, adds bool, calm, end heartbeat) {
	arrived, repeated := 0, 0
	for _, r := range s.receivers {
		pairs, more := r.counts()
		arrived, repeated = arrived+pairs, repeated+more
	}
	heap, rss := s.pulse.growth()
	s.t.Logf(`

| | |
|---|---|
| length, seed | %s, %d |
| faults | %s |
| events accepted, deliveries | %d, %d |
| **lost** | **%d** |
| repeated | %d |
| dead letters of the endpoint that said 410 | %d |
| all arrived after the last fault | %s |
| audit | adds up: %t |
| goroutines at rest, idle senders aside, before and after | %d, %d |
| live heap at rest, before and after | %.1f MiB, %.1f MiB |
| growth over the second half of the last life (%s) | heap %+.2f MiB/min, resident %+.2f MiB/min |
| most resident | %.0f MiB |
`, lasted.Round(time.Second), s.seed, s.faults, accepted, arrived, lost, repeated, dead, drained.Round(100*time.Millisecond), adds,
		calm.goroutines, end.goroutines, calm.heapMiB, end.heapMiB, s.pulse.lastHalf().Round(time.Second), heap, rss, s.pulse.most())
}

// addSoakEndpoint adds one with room for the faults: its attempts outlast them.
func (n *testNode) addSoakEndpoint(url string) string {
	n.t.Helper()
	schedule := strings.TrimSuffix(strings.Repeat(`"1s",`, 30), ",")
	body := fmt.Sprintf(`{"customer":"acme","url":%q,"secret":%q,"profile":"custom","events":[">"],"delivery":{"retries":true,"jitter":0.2,"timeout":"1s","schedule":[%s]}}`, url, faultSecret, schedule)
	var made struct{ ID string }
	if status, text := n.call(http.MethodPost, "/v1/endpoints", body, &made); status != http.StatusCreated {
		n.t.Fatalf("adding an endpoint: %d %s", status, text)
	}
	return made.ID
}
