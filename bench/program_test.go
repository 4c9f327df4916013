package bench

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/postrider/postrider/transport"
)

// fakeProgram keeps what is published over its kills, and delivers it endpoint
// by endpoint, one after the other.
type fakeProgram struct {
	directNode
	up    bool
	begin func(*lane) // runs a lane until the next kill
	stop  context.CancelFunc
	lanes []*lane

	// What a broken program would do.
	forgets bool // what is under way at a kill, and the first event after it
	hurries bool // no rate is kept
	shares  bool // all endpoints wait for each other; what fails is given up
	line    sync.Mutex
	killed  bool
}

// lane is what an endpoint is owed, and how much of it was settled.
type lane struct {
	endpoint *transport.Endpoint
	owed     []delivery
	settled  int
	changed  chan struct{} // has room for one
	level    float64
	at       time.Time
}

const (
	// fakeRetry is how long a lane waits after a failure.
	fakeRetry = 5 * time.Millisecond
	// fakeBacklog is what a lane may be owed while more is published.
	fakeBacklog = 400
)

func newFakeProgram(change func(*fakeProgram)) *fakeProgram {
	p := &fakeProgram{directNode: directNode{client: &http.Client{Transport: &http.Transport{}, Timeout: 300 * time.Millisecond}}}
	if change != nil {
		change(p)
	}
	return p
}

func fakePrograms(change func(*fakeProgram)) NewProgram {
	return func(NodeOptions) (Program, error) { return newFakeProgram(change), nil }
}

// startLanes is a node in this process that works as the fake program does.
func startLanes(change func(*fakeProgram)) StartNode {
	return func(ctx context.Context, _ NodeOptions) (Node, error) {
		p := newFakeProgram(change)
		return p, p.Start(ctx)
	}
}

func (p *fakeProgram) Start(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	p.up = true
	p.begin = func(l *lane) { p.group.Go(func() { p.work(ctx, l) }) }
	for _, l := range p.lanes {
		p.begin(l)
	}
	return nil
}

func (p *fakeProgram) Kill() error {
	p.mu.Lock()
	p.up, p.killed = false, true
	p.stop()
	p.mu.Unlock()
	p.group.Wait()
	if p.forgets {
		for _, l := range p.lanes {
			l.settled = len(l.owed)
		}
	}
	return nil
}

func (p *fakeProgram) Close(context.Context) error {
	defer p.client.CloseIdleConnections()
	return p.Kill()
}

func (p *fakeProgram) Memory() uint64 { return 1 << 20 }

func (p *fakeProgram) AddEndpoint(_ context.Context, e *transport.Endpoint) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &lane{endpoint: e, changed: make(chan struct{}, 1), at: time.Now()}
	p.lanes = append(p.lanes, l)
	p.begin(l)
	return nil
}

func (p *fakeProgram) Publish(ctx context.Context, events []transport.Event) error {
	for !p.took(events) {
		if err := sleep(ctx, fakeRetry); err != nil {
			return err
		}
	}
	return nil
}

func (p *fakeProgram) took(events []transport.Event) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	full := func(l *lane) bool { return len(l.owed)-l.settled > fakeBacklog }
	if !p.up || slices.ContainsFunc(p.lanes, full) {
		return false
	}
	if p.forgets && p.killed {
		events, p.killed = events[1:], false
	}
	for _, ev := range events {
		p.seq++
		for _, l := range p.lanes {
			if wants(l.endpoint, ev.Type) {
				l.owed = append(l.owed, delivery{"EVENTS-" + strconv.Itoa(p.seq), ev.Data, l.endpoint})
				l.wake()
			}
		}
	}
	return true
}

func (l *lane) wake() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (p *fakeProgram) work(ctx context.Context, l *lane) {
	for ctx.Err() == nil {
		p.mu.Lock()
		next, some := delivery{}, l.settled < len(l.owed)
		if some {
			next = l.owed[l.settled]
		}
		p.mu.Unlock()
		if !some {
			select {
			case <-l.changed:
			case <-ctx.Done():
			}
			continue
		}
		p.attempt(ctx, l, next)
	}
}

func (p *fakeProgram) attempt(ctx context.Context, l *lane, d delivery) {
	if p.shares {
		p.line.Lock()
		defer p.line.Unlock()
	}
	if rate := l.endpoint.Delivery.Rate; rate > 0 && !p.hurries {
		if over := l.drained(rate) + 1 - float64(l.endpoint.Delivery.Burst); over > 0 {
			if sleep(ctx, time.Duration(over/rate*float64(time.Second))+time.Microsecond) != nil {
				return
			}
		}
	}
	err := p.post(d)
	l.level = l.drained(l.endpoint.Delivery.Rate) + 1
	if err != nil && !p.shares {
		_ = sleep(ctx, fakeRetry)
		return
	}
	p.mu.Lock()
	l.settled++
	p.mu.Unlock()
}

func (l *lane) drained(rate float64) float64 {
	now := time.Now()
	l.level = max(0, l.level-rate*now.Sub(l.at).Seconds())
	l.at = now
	return l.level
}

func (p *fakeProgram) Stored(context.Context, string) (Stored, error) {
	return Stored{Messages: 2, Bytes: 600, Ever: 4}, nil
}

func (p *fakeProgram) Audit(context.Context) (*transport.Audit, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.up {
		return nil, errors.New("not running")
	}
	a := &transport.Audit{OK: true}
	for _, l := range p.lanes {
		owed, settled := uint64(len(l.owed)), uint64(l.settled)
		a.Endpoints = append(a.Endpoints, transport.EndpointAudit{Owed: owed, Delivered: settled, Waiting: owed - settled})
	}
	return a, nil
}
