package sim

import (
	"fmt"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/actors/lease"
	"github.com/postrider/postrider/transport"
)

// plan is what one seed makes of the world before it begins.
type plan struct {
	// span is how long events are published and faults happen.
	span      time.Duration
	events    int
	customers int
	endpoints int
	// external: the NATS server outlives the node.
	external bool
	// hosts is how many nodes there are: more than one at an external server alone.
	hosts       int
	recordsKeep [lease.Streams]time.Duration // how long each stream keeps a message
	window      int
	windowBytes int
	idle        time.Duration
	keep        time.Duration // of events that are settled
	tuning      endpoint.Tuning
	// How many of each fault happen in the span.
	kills, drains, outages, uplinks, jumps, edits, replays, setBacks int
	// The same for faults that an external server alone has.
	freezes, cutOffs, wallJumps, anyKills int
	// modeLasts is the mean time for which a receiver behaves in one mode.
	modeLasts time.Duration
}

func newPlan(d dice) plan {
	p := plan{
		span:      d.between(time.Minute, 10*time.Minute),
		events:    d.IntN(300),
		customers: d.most(4), endpoints: d.most(12),
		external: d.one(2), window: of(d, 0, 32, 64, 256), windowBytes: of(d, 0, 0, 1<<16),
		idle: of(d, 30*time.Second, 30*time.Second, 2*time.Second), tuning: endpoint.DefaultTuning(),
		kills: d.IntN(4), drains: d.IntN(2), outages: d.IntN(3), jumps: d.IntN(3), edits: d.IntN(8), replays: d.IntN(4),
	}
	p.keep = of(d, time.Minute, 10*time.Minute, 24*time.Hour)
	if d.one(4) {
		p.span = d.between(10*time.Minute, 4*time.Hour)
	}
	if d.one(12) { // many endpoints, so that an uplink that is down shows
		p.endpoints, p.uplinks, p.window = 20+d.IntN(8), d.most(2), of(d, 0, 256)
	}
	if d.one(100) { // a large backlog
		p.events, p.window = 1000+d.IntN(2000), of(d, 0, 256)
	}
	if d.one(10) {
		p.kills = 4 + d.IntN(12)
	}
	if d.one(6) {
		p.setBacks, p.kills = d.most(3), p.kills+1
	}
	p.hosts = 1
	if p.external {
		p.several(d)
	}
	if d.one(10) {
		p.tuning.FailingMost = 30 * time.Minute
	}
	p.modeLasts = p.span / time.Duration(d.most(6))
	return p
}

// several plans what goes wrong between nodes at an external server.
func (p *plan) several(d dice) {
	if p.setBacks == 0 && !d.one(3) {
		p.hosts = 2
	}
	p.freezes, p.cutOffs, p.wallJumps, p.anyKills = d.IntN(4), d.IntN(3), d.IntN(2), d.IntN(2)
	if d.one(8) {
		p.freezes, p.cutOffs = d.most(12), d.most(8)
	}
	if d.one(3) {
		p.recordsKeep[lease.Journal], p.recordsKeep[lease.DeadLetters] = d.between(5*time.Minute, time.Hour), d.between(5*time.Minute, time.Hour)
	}
}

var (
	types     = []string{"door.open", "door.shut", "card.made", "audit.card.made"}
	wanted    = [][]string{{">"}, {">"}, {">"}, {"door.>"}, {"card.made", "audit.>"}, {"door.open"}}
	schedules = [][]time.Duration{
		{10 * time.Second, 10 * time.Second, 10 * time.Second},
		{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour},
		{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, time.Minute},
		{time.Minute}, {},
	}
)

// newReceiver makes an endpoint and its receiver.
func (w *world) newReceiver() *receiver {
	d := w.dice
	n := len(w.receivers) + 1
	rcv := &receiver{number: n, id: fmt.Sprintf("ep-%02d", n), customer: fmt.Sprintf("customer-%d", 1+d.IntN(w.plan.customers)),
		base: d.between(time.Millisecond, 60*time.Millisecond), took: map[transport.Pair]int{}}
	now := w.serverNow()
	rcv.endpoint = &transport.Endpoint{
		ID: rcv.id, Customer: rcv.customer, URL: "https://receiver/1", Enabled: true, Profile: of(d, "standard", "standard", "genea"),
		State: transport.StateActive, Events: of(d, wanted...), From: now, CreatedAt: now, Delivery: w.newDelivery(),
	}
	w.receivers = append(w.receivers, rcv)
	w.byID[rcv.id] = rcv
	return rcv
}

func (w *world) newDelivery() transport.Delivery {
	d := w.dice
	p := transport.Delivery{
		Retries: !d.one(10), Jitter: of(d, 0, 0.2, 0.2, 0.5), Timeout: transport.Duration(time.Duration(d.most(15)) * time.Second),
		Concurrency: of(d, 1, 2, 4, 8, 8, 32), Ordered: d.one(4), MaxWaiting: transport.DefaultMaxWaiting,
	}
	for _, wait := range of(d, schedules...) {
		p.Schedule = append(p.Schedule, transport.Duration(wait))
	}
	if d.one(3) {
		w.limit(&p)
	}
	if d.one(12) {
		p.MaxAge = transport.Duration(d.between(time.Minute, 10*time.Minute))
	}
	if d.one(12) {
		p.MaxWaiting = d.most(40)
	}
	return p
}

func (w *world) limit(p *transport.Delivery) {
	p.Rate = of(w.dice, 0.1, 0.5, 2, 10, 50)
	p.Burst = w.dice.most(2 + int(2*p.Rate))
}

// begin builds the world and sets the times of its faults.
func (w *world) begin() {
	p, d := &w.plan, w.dice
	for range p.endpoints {
		w.newReceiver()
	}
	for range p.hosts {
		w.newHost()
	}
	for _, h := range w.hosts {
		w.after(d.between(0, time.Second), h.boot)
	}
	w.publishAll()
	for _, rcv := range w.receivers {
		w.modes(rcv)
	}
	some := func(n int, f func()) {
		for range n {
			w.after(d.between(0, p.span), func() {
				if w.faulty {
					f()
				}
			})
		}
	}
	some(p.kills, func() { w.killIn = d.most(60) })
	some(p.drains, w.stop)
	some(p.outages, w.outage)
	some(p.uplinks, w.uplink)
	some(p.jumps, w.jump)
	some(p.edits, w.edit)
	some(p.replays, w.replay)
	some(p.freezes, w.freezeSoon)
	some(p.cutOffs, w.cutOff)
	some(p.wallJumps, w.setWall)
	some(p.anyKills, w.killAny)
	some(p.setBacks, func() { w.copyOf(of(d, transport.StreamEvents, transport.StreamDeferred, transport.StreamAttempts)) })
	w.after(p.span, w.calmDown)
}

// publishAll spreads the events in bursts.
func (w *world) publishAll() {
	for left := w.plan.events; left > 0; {
		n := min(left, w.dice.most(1+w.plan.events/4))
		at, over := w.dice.between(0, w.plan.span), of(w.dice, 0, time.Second, time.Minute)
		for range n {
			w.after(at+w.dice.between(0, over), w.publish)
		}
		left -= n
	}
}

var document = make([]byte, 1<<13)

func (w *world) publish() {
	if !w.serverUp || w.filling {
		w.after(500*time.Millisecond, w.publish)
		return
	}
	d := w.dice
	ev := &transport.Event{Customer: fmt.Sprintf("customer-%d", d.most(w.plan.customers)), Type: of(d, types...),
		Data: document[:of(d, 2, 200, 200, 4000)]}
	if last := w.log.last(); last > 0 && d.one(50) {
		ev.DuplicateOf = 1 + d.Uint64N(last)
	}
	seq := w.log.publish(ev, d.one(200))
	ev.ID = fmt.Sprintf("EVENTS-%d", seq)
	w.note(line{what: "published", seq: seq, more: ev.Type})
	for _, n := range w.living() {
		w.log.swallow(n)
	}
}
