package shard

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

func TestRoutesAreWhatTheChangesSay(t *testing.T) {
	ids := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"})
	customers := rapid.SampledFrom([]string{"acme", "beta"})
	patterns := rapid.SliceOfN(rapid.SampledFrom([]string{">", "door.>", "door.open", "*.open", "alert.>", "ops.>"}), 0, 3)
	types := rapid.SampledFrom([]string{"door.open", "door.shut", "gate.open", "alert.x.y", "ops.endpoint"})
	start := time.Unix(1000, 0)
	times := rapid.Map(rapid.IntRange(0, 3), func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) })
	rapid.Check(t, func(t *rapid.T) {
		r, model, revision := newRoutes(), map[string]*transport.Endpoint{}, uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"apply": func(t *rapid.T) {
				revision++
				ep := &transport.Endpoint{
					ID: ids.Draw(t, "id"), Customer: customers.Draw(t, "customer"), Events: patterns.Draw(t, "events"),
					Enabled: rapid.IntRange(0, 5).Draw(t, "enabled") > 0, From: times.Draw(t, "from"),
					State: rapid.SampledFrom([]string{"active", "failing", "paused", "disabled"}).Draw(t, "state"),
				}
				r.apply(transport.Change{ID: ep.ID, Customer: ep.Customer, Endpoint: ep, Revision: revision})
				model[ep.ID] = ep
			},
			"remove": func(t *rapid.T) {
				revision++
				id := ids.Draw(t, "id")
				r.apply(transport.Change{ID: id, Revision: revision})
				delete(model, id)
			},
			"match": func(t *rapid.T) {
				ev := &transport.Event{Customer: customers.Draw(t, "customer"), Type: types.Draw(t, "type"), Stored: times.Draw(t, "stored")}
				var got []string
				if m := r.match(ev); m != nil {
					got = slices.Clone(m.ids)
				}
				slices.Sort(got)
				var want []string
				for id, ep := range model {
					if wanted(ep, ev) {
						want = append(want, id)
					}
				}
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Fatalf("%s of %s goes to %v, want %v", ev.Type, ev.Customer, got, want)
				}
			},
			"": func(t *rapid.T) {
				if len(r.byID) != len(model) || r.revision != revision {
					t.Fatalf("%d endpoints at revision %d, want %d at %d", len(r.byID), r.revision, len(model), revision)
				}
				n := 0
				for _, cr := range r.byCustomer {
					n += len(cr.endpoints)
				}
				if n != len(model) {
					t.Fatalf("%d endpoints among the customers, want %d", n, len(model))
				}
			},
		})
	})
}

func wanted(ep *transport.Endpoint, ev *transport.Event) bool {
	return ep.Customer == ev.Customer && ep.Enabled && ep.State != "disabled" && !ev.Stored.Before(ep.From) &&
		slices.ContainsFunc(ep.Events, func(p string) bool { return transport.MatchType(p, ev.Type) })
}

func TestTypesRememberedAreBounded(t *testing.T) {
	r := newRoutes()
	r.apply(transport.Change{ID: "a", Endpoint: makeEndpoint("a")})
	for i := range 3 * maxCachedTypes {
		if m := r.match(&transport.Event{Customer: customer, Type: fmt.Sprint("t", i)}); len(m.ids) != 1 {
			t.Fatal("not matched")
		}
	}
	if n := len(r.byCustomer[customer].wanted); n > maxCachedTypes {
		t.Errorf("%d types remembered", n)
	}
}

// A registered endpoint costs its place in the routes: the endpoint's own
// settings, which the registry made, are not counted.
func TestARegisteredEndpointIsCheap(t *testing.T) {
	const n = 100_000
	eps := make([]*transport.Endpoint, n)
	for i := range eps {
		eps[i] = makeEndpoint(fmt.Sprintf("ep%06d", i))
		eps[i].Customer = fmt.Sprint("c", i/100)
	}
	before := heap()
	r := newRoutes()
	for i, ep := range eps {
		r.apply(transport.Change{ID: ep.ID, Customer: ep.Customer, Endpoint: ep, Revision: uint64(i)})
	}
	each := (heap() - before) / n
	runtime.KeepAlive(r)
	runtime.KeepAlive(eps)
	t.Logf("%d B per registered endpoint in the routes", each)
	if each > 150 {
		t.Errorf("%d B per registered endpoint", each)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
