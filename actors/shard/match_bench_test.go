package shard

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// BenchmarkMatch is choosing the endpoints for an event. A type is known where
// events of it came since the customer's endpoints last changed, and new where
// none did. p50-ns is the median; the mean beside it is the time without the
// clock's.
func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct {
		name      string
		endpoints int
		patterns  func(i int) []string
		typ       func(i int) string
	}{
		{"endpoints=3/types=known", 3, usual, usualType},
		{"endpoints=3/types=new", 3, usual, newType},
		{"endpoints=100000/types=known", 100_000, different, siteType},
		{"endpoints=100000/types=new", 100_000, different, newSiteType},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := newRoutes()
			for i := range c.endpoints {
				ep := makeEndpoint(fmt.Sprintf("ep%06d", i))
				ep.Events = c.patterns(i)
				r.apply(transport.Change{ID: ep.ID, Customer: customer, Endpoint: ep})
			}
			events := make([]*transport.Event, 1<<17)
			for i := range events {
				events[i] = makeEvent(uint64(i + 1))
				events[i].Type = c.typ(i)
			}
			benchmarkMatch(b, r, events)
		})
	}
}

func benchmarkMatch(b *testing.B, r *routes, events []*transport.Event) {
	i := 0
	next := func() *transport.Event { i++; return events[i%len(events)] }
	wanted := 0
	took := make([]time.Duration, 1000)
	for i := range took {
		ev, start := next(), time.Now()
		r.match(ev)
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	b.ReportAllocs()
	for b.Loop() {
		if ids, _ := r.match(next()); ids != nil {
			wanted++
		}
	}
	b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
	if wanted == 0 {
		b.Error("nothing was wanted")
	}
}

var usualRoots = []string{"access", "door", "control_point", "monitor_point", "interface_panel", "schedule", "remote_operation", "audit"}

func usual(i int) []string {
	return [][]string{{"access.>"}, {"door.*", "audit.*.created"}, {">"}}[i%3]
}
func usualType(i int) string { return usualRoots[i%len(usualRoots)] + ".granted" }
func newType(i int) string   { return fmt.Sprintf("%s.n%d", usualRoots[i%len(usualRoots)], i) }

// different gives each endpoint patterns of its own: four to a site, in four
// shapes. An event of a site is wanted by two to four of them.
func different(i int) []string {
	site := i / 4
	return [][]string{
		{fmt.Sprintf("site.s%d.door.>", site)},
		{fmt.Sprintf("site.*.door.d%d", site), fmt.Sprintf("site.s%d.>", site)},
		{fmt.Sprintf("*.s%d.*.opened", site)},
		{fmt.Sprintf("site.s%d.door.opened", site)},
	}[i%4]
}
func siteType(i int) string    { return fmt.Sprintf("site.s%d.door.opened", i%64) }
func newSiteType(i int) string { return fmt.Sprintf("site.s%d.door.d%d", i%25_000, i) }

// BenchmarkChange is taking one edit of an endpoint in, among so many of one
// customer.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{3, 100_000} {
		b.Run(fmt.Sprintf("endpoints=%d", n), func(b *testing.B) {
			r := newRoutes()
			eps := make([]*transport.Endpoint, n)
			for i := range eps {
				eps[i] = makeEndpoint(fmt.Sprintf("ep%06d", i), different(i)...)
				r.apply(transport.Change{ID: eps[i].ID, Endpoint: eps[i]})
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				edited := *eps[i%n]
				r.apply(transport.Change{ID: edited.ID, Endpoint: &edited})
			}
		})
	}
}
