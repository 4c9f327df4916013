package shard

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

// The model of all that routes promise: the endpoints as the changes left them,
// looked through one by one.
func TestRoutesAreWhatTheChangesSay(t *testing.T) {
	ids := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"})
	customers := rapid.SampledFrom([]string{"acme", "beta"})
	patterns := rapid.SliceOfN(rapid.SampledFrom([]string{">", "door.>", "door.open", "*.open", "alert.>", "ops.>"}), 0, 3)
	types := rapid.SampledFrom([]string{"door.open", "door.shut", "gate.open", "alert.x.y", "ops.endpoint"})
	texts := rapid.SampledFrom([]string{"", "", "odd", "even", "fails", "panics", "of no language"})
	start := time.Unix(1000, 0)
	times := rapid.Map(rapid.IntRange(0, 3), func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) })
	rapid.Check(t, func(t *rapid.T) {
		var told []string
		r := newChooser(&Options{Compile: compileForTest, Logger: quiet,
			FilterError: func(id string, err error) { told = append(told, id) }})
		model, revision := map[string]*transport.Endpoint{}, uint64(0)
		apply := func(ep *transport.Endpoint) {
			revision++
			r.apply(transport.Change{ID: ep.ID, Customer: ep.Customer, Endpoint: ep, Revision: revision})
			model[ep.ID] = ep
		}
		// About as many as take an index, so that the customer comes and goes over it.
		for i := range rapid.SampledFrom([]int{0, maxScanned - 2}).Draw(t, "others") {
			apply(makeEndpoint(fmt.Sprint("other", i), "door.open", fmt.Sprint("x", i, ".>")))
		}
		t.Repeat(map[string]func(*rapid.T){
			"apply": func(t *rapid.T) {
				apply(&transport.Endpoint{
					ID: ids.Draw(t, "id"), Customer: customers.Draw(t, "customer"), Events: patterns.Draw(t, "events"),
					Enabled: rapid.IntRange(0, 5).Draw(t, "enabled") > 0, From: times.Draw(t, "from"), Filter: texts.Draw(t, "filter"),
					State: rapid.SampledFrom([]string{"active", "failing", "paused", "disabled"}).Draw(t, "state"),
				})
			},
			"apply again": func(t *rapid.T) {
				if ep := model[ids.Draw(t, "id")]; ep != nil {
					apply(ep)
				}
			},
			"remove": func(t *rapid.T) {
				revision++
				id := ids.Draw(t, "id")
				r.apply(transport.Change{ID: id, Revision: revision})
				delete(model, id)
			},
			"match": func(t *rapid.T) {
				ev := &transport.Event{Customer: customers.Draw(t, "customer"), Type: types.Draw(t, "type"),
					Stored: times.Draw(t, "stored"), Seq: rapid.Uint64Range(1, 2).Draw(t, "seq")}
				told = nil
				got, _ := r.match(ev)
				var want, failing []string
				for _, id := range slices.Sorted(maps.Keys(model)) {
					switch ep := model[id]; {
					case !wanted(ep, ev):
					case ep.Filter == "fails" || ep.Filter == "panics":
						failing = append(failing, id)
					case ep.Filter == "" || ep.Filter == "odd" && ev.Seq == 1 || ep.Filter == "even" && ev.Seq == 2:
						want = append(want, id)
					}
				}
				if !slices.Equal(got, want) || !slices.Equal(told, failing) {
					t.Fatalf("%s of %s goes to %v, want %v; told of filters of %v, want %v", ev.Type, ev.Customer, got, want, told, failing)
				}
			},
			"": func(t *rapid.T) { checkRoutes(t, r, model, revision) },
		})
	})
}

// checkRoutes compares what routes count with the endpoints there are.
func checkRoutes(t *rapid.T, r *chooser, model map[string]*transport.Endpoint, revision uint64) {
	if len(r.byID) != len(model) || r.revision != revision {
		t.Fatalf("%d endpoints at revision %d, want %d at %d", len(r.byID), r.revision, len(model), revision)
	}
	open, users := map[string]int{}, map[string]int{}
	for _, ep := range model {
		if !ep.Enabled || ep.State == "disabled" {
			continue
		}
		open[ep.Customer]++
		if ep.Filter != "" {
			users[ep.Filter]++
		}
	}
	counted, remembered := map[string]int{}, 0
	for id, cr := range r.byCustomer {
		counted[id] = cr.count
		remembered += cr.remembered
	}
	used := map[string]int{}
	for source, f := range r.filters.bySource {
		used[source] = f.users
	}
	if !maps.Equal(counted, open) || !maps.Equal(used, users) || remembered != r.remembered {
		t.Fatalf("open %v, want %v; filters %v, want %v; %d bytes remembered, counted as %d", counted, open, used, users, remembered, r.remembered)
	}
}

// wanted tells it by type and time alone.
func wanted(ep *transport.Endpoint, ev *transport.Event) bool {
	return ep.Customer == ev.Customer && ep.Enabled && ep.State != "disabled" && !ev.Stored.Before(ep.From) &&
		slices.ContainsFunc(ep.Events, func(p string) bool { return transport.MatchType(p, ev.Type) })
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// compileForTest knows a language of four words over the event itself.
func compileForTest(source string) (func(any) (bool, error), error) {
	switch source {
	case "odd", "even":
		return func(view any) (bool, error) {
			return (view.(*transport.Event).Seq%2 == 1) == (source == "odd"), nil
		}, nil
	case "fails":
		return func(any) (bool, error) { return true, errors.New("no such field") }, nil
	case "panics":
		return func(any) (bool, error) { panic("out of reach") }, nil
	}
	return nil, errors.New("not understood")
}

func TestTypesRememberedAreBounded(t *testing.T) {
	r := newChooser(&Options{})
	r.apply(transport.Change{ID: "a", Endpoint: makeEndpoint("a")})
	const more = maxRemembered/160 + 1000
	before := heap()
	for i := range more {
		if ids, _ := r.match(&transport.Event{Customer: customer, Type: fmt.Sprint("t", i)}); len(ids) != 1 {
			t.Fatal("not matched")
		}
		if r.remembered > maxRemembered {
			t.Fatalf("%d bytes remembered", r.remembered)
		}
	}
	if n := len(r.byCustomer[customer].wanted); n == more {
		t.Errorf("all %d types remembered", n)
	}
	t.Logf("counted %d bytes, it is %d", r.remembered, heap()-before)
	runtime.KeepAlive(r)
}

// A registered endpoint costs its place in the routes: the endpoint's own
// settings, which the registry made, are not counted.
func TestARegisteredEndpointIsCheap(t *testing.T) {
	genea := []string{"access.>", "door.>", "control_point.>", "monitor_point.>", "interface_panel.>", "schedule.>", "remote_operation.>", "audit.>"}
	for _, c := range []struct {
		name     string
		each     int // endpoints of one customer
		patterns func(i int) []string
		most     int64
	}{
		{"one a customer", 1, func(int) []string { return genea }, 200},
		{"hundred a customer, all wanting the same", 100, func(int) []string { return []string{">"} }, 150},
		{"hundred a customer, each by eight patterns", 100, func(int) []string { return genea }, 300},
		{"one customer, all wanting the same", 100_000, func(int) []string { return []string{">"} }, 150},
		{"one customer, each by a pattern of its own", 100_000, func(i int) []string { return []string{fmt.Sprintf("site.s%d.door.>", i)} }, 300},
	} {
		t.Run(c.name, func(t *testing.T) {
			const n = 100_000
			eps := make([]*transport.Endpoint, n)
			for i := range eps {
				eps[i] = makeEndpoint(fmt.Sprintf("ep%06d", i), c.patterns(i)...)
				eps[i].Customer = fmt.Sprint("c", i/c.each)
			}
			before := heap()
			r := newChooser(&Options{})
			for i, ep := range eps {
				r.apply(transport.Change{ID: ep.ID, Customer: ep.Customer, Endpoint: ep, Revision: uint64(i)})
			}
			each := (heap() - before) / n
			runtime.KeepAlive(r)
			runtime.KeepAlive(eps)
			t.Logf("%d B per registered endpoint in the routes", each)
			if each > c.most {
				t.Errorf("%d B per registered endpoint", each)
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
