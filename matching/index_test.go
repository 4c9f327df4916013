package matching

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// check is the index's invariants: what is counted, linked and numbered is the same.
func (x *Index) check() error {
	nodes, parts := 0, 0
	for l, chains := range x.postings.chains {
		if chains != nil && len(chains) == 0 {
			return fmt.Errorf("lane %d is empty and not nil", l)
		}
		if chains != nil && lane(l) >= firstDeletion {
			parts++
		}
		for key, c := range chains {
			n, err := x.checkChain(lane(l), key, c)
			if err != nil {
				return err
			}
			nodes += n
		}
	}
	switch {
	case parts != x.postings.parts:
		return errors.New("the lanes of parts are miscounted")
	case nodes+len(x.postings.nodes.free) != int(x.postings.nodes.used), len(x.slots)+len(x.alerts.free) != int(x.alerts.used):
		return errors.New("an entry is lost")
	}
	return nil
}

func (x *Index) checkChain(l lane, key uint64, c chain) (int, error) {
	count, prev := 0, uint32(0)
	for i := c.first; i != 0; i = x.postings.nodes.at(i).next {
		n := x.postings.nodes.at(i)
		a := x.alerts.at(n.slot).alert
		switch {
		case n.key != key || n.lane != l || n.prev != prev:
			return 0, errors.New("a node is in the wrong chain")
		case a == nil || x.slots[a.ID] != n.slot:
			return 0, errors.New("a node of an alert that is gone")
		}
		count, prev = count+1, i
	}
	if count != int(c.count) || count == 0 {
		return 0, errors.New("a chain is miscounted")
	}
	return count, nil
}

// scan is what Match promises, alert by alert.
func scan(t *rapid.T, alerts map[string]*Alert, p *Probe) (ids []string) {
	for id, a := range alerts {
		c, err := compile(a)
		if err != nil {
			t.Fatal(err)
		}
		if a.IsActive && c.holds(p) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// draw makes alerts and detections that are near each other: few characters,
// many of them look-alikes, detections made from alerts by small changes.
type draw struct{ t *rapid.T }

func (d draw) word(label string) string {
	return rapid.StringMatching(`[AB8O0DI15SÄ]{1,9}`).Draw(d.t, label)
}

func (d draw) maybe(label string, value func() string) string {
	if rapid.IntRange(0, 3).Draw(d.t, label+"?") > 0 {
		return ""
	}
	return value()
}

func (d draw) number(label string) string {
	return d.maybe(label, func() string {
		return rapid.OneOf(
			rapid.StringMatching(`[AB8O0DI15SÄ]{1,9}`),
			rapid.StringMatching(`[AB8O0DI15SÄ]{3,8}`),
			rapid.StringMatching(`[AB8O0]{18,23}`),
			rapid.StringMatching(`[AB8O0?*]{2,9}`),
			rapid.StringMatching(`[AB8O]{2,5}[?*][AB8O]{2,5}[?*]?`),
		).Draw(d.t, label)
	})
}

func (d draw) text(label string) string {
	return d.maybe(label, func() string {
		return rapid.StringMatching(`(red|RED|blue|ab|straße|ΣΑΣ|σας)( (red|blue|ab|σας)){0,3}`).Draw(d.t, label)
	})
}

func (d draw) flag(label string) bool { return rapid.Bool().Draw(d.t, label) }

func (d draw) of(label string, values ...string) string {
	return rapid.SampledFrom(values).Draw(d.t, label)
}

// alert draws until it gets one that may be saved.
func (d draw) alert(id string) *Alert {
	for {
		a := NewAlert()
		a.ID, a.IsActive = id, rapid.IntRange(0, 9).Draw(d.t, "active") > 0
		a.Match = d.of("match", MatchAll, MatchAny)
		a.Lookalikes, a.MaxDifferences = d.flag("lookalikes"), rapid.IntRange(0, MaxDifferences).Draw(d.t, "differences")
		a.ExactMatchTrailerNumber, a.ExactMatchChassisNumber = d.flag("trailer"), d.flag("chassis")
		a.LicensePlate, a.TrailerNumber, a.CabNumber = d.number("plate"), d.number("trailer number"), d.number("cab")
		a.ChassisNumber, a.ContainerNumber = d.number("chassis number"), d.number("container")
		a.LicensePlateState = d.maybe("plate state", func() string { return d.of("ps", "TX", "Texas", "GA") })
		a.VIN = d.maybe("vin", func() string { return d.of("v", "1HGCM82633A004352", "OO4352", "004353") })
		a.USDOTNumber = d.maybe("usdot", func() string { return d.of("u", "00987", "987", "988") })
		a.MCNumber = d.maybe("mc", func() string { return d.of("m", "MC-111", "FF111", "111") })
		a.TrailerLogo, a.EquipmentType, a.DeepSearch = d.text("logo"), d.text("equipment"), d.text("deep")
		a.LocationState = d.maybe("state", func() string { return d.of("s", "TX", "texas", "GA") })
		a.LocationCity = d.text("city")
		a.StartDate = d.maybe("start", func() string { return d.of("sd", "2024-05-21", "2024-05-22") })
		a.EndDate = d.maybe("end", func() string { return d.of("ed", "2024-05-22", "2024-05-23T12:00:00Z") })
		if _, err := compile(&a); err == nil {
			return &a
		}
	}
}

// misread changes a number by up to three characters, and takes its wildcards
// for some.
func (d draw) misread(label, number string) string {
	number = strings.ReplaceAll(strings.ReplaceAll(number, "?", d.word(label + " ?")[:1]), "*", d.maybe(label+" *", func() string { return d.word(label) }))
	runes := []rune(number)
	for range rapid.IntRange(0, 3).Draw(d.t, label+" changes") {
		at := rapid.IntRange(0, len(runes)).Draw(d.t, label+" at")
		with := []rune(d.word(label + " with"))[0]
		switch what := rapid.IntRange(0, 2).Draw(d.t, label+" what"); {
		case what == 0:
			runes = slices.Insert(runes, at, with)
		case at < len(runes) && what == 1:
			runes[at] = with
		case at < len(runes):
			runes = slices.Delete(runes, at, at+1)
		}
	}
	return string(runes)
}

func (d draw) detection(alerts map[string]*Alert) *Detection {
	ids := []string{""}
	for id := range alerts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	a := alerts[d.of("near", ids...)]
	if a == nil {
		a = d.alert("none")
	}
	return &Detection{
		Time:         time.Date(2024, 5, rapid.IntRange(20, 24).Draw(d.t, "day"), 12, 0, 0, 0, time.UTC),
		LicensePlate: d.misread("read plate", a.LicensePlate), TrailerNumber: d.misread("read trailer", a.TrailerNumber),
		CabNumber: d.misread("read cab", a.CabNumber), ChassisNumber: d.misread("read chassis", a.ChassisNumber),
		ContainerNumber: d.misread("read container", a.ContainerNumber), LicensePlateState: d.of("read ps", "", "TX", "GA"),
		VIN:   d.of("read vin", "", "1HGCM82633A004352", "004352", a.VIN),
		USDOT: d.of("read usdot", "", "987", a.USDOTNumber), MC: d.of("read mc", "", "111", a.MCNumber),
		TrailerLogo: []string{d.text("read logo"), a.TrailerLogo}, EquipmentType: d.of("read equipment", "", a.EquipmentType),
		Text: d.text("read text") + " " + a.DeepSearch, State: d.of("read state", "", "TX", "GA"), City: d.of("read city", "red", a.LocationCity),
	}
}

// TestIndexLeavesNothingOut: for any alerts and detections, after any changes,
// the index gives what looking at every alert gives.
func TestIndexLeavesNothingOut(t *testing.T) {
	var hits, near int
	rapid.Check(t, func(t *rapid.T) {
		d, x, alerts := draw{t}, NewIndex(), map[string]*Alert{}
		var p Probe
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			id := d.of("id", "a", "b", "c", "d", "e", "f")
			if rapid.IntRange(0, 4).Draw(t, "remove") == 0 {
				delete(alerts, id)
				x.Remove(id)
			} else {
				alerts[id] = d.alert(id)
				if err := x.Put(alerts[id]); err != nil {
					t.Fatal(err)
				}
			}
			if err := x.check(); err != nil {
				t.Fatal(err)
			}
			p.Load(d.detection(alerts))
			var got []string
			x.Match(nil, &p, nil) // a probe may be used again
			for _, hit := range x.Match(nil, &p, nil) {
				got = append(got, hit.Alert.ID)
			}
			want := scan(t, alerts, &p)
			if !slices.Equal(got, want) {
				t.Fatalf("index %v, scan %v of %+v", got, want, p.d)
			}
			if hits := x.Match(nil, &p, nil); !slices.Equal(hits, x.Scan(nil, &p)) {
				t.Fatalf("Match %v, Scan %v of %+v", hits, x.Scan(nil, &p), p.d)
			}
			near++
			hits += len(got)
		}
	})
	// A generator that never makes a match would prove nothing.
	if hits*10 < near {
		t.Errorf("only %d hits for %d detections", hits, near)
	}
}

// TestNumbersLeaveNothingOut is the same of many alerts for one number each,
// and of detections that are near one of them.
func TestNumbersLeaveNothingOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, x, alerts := draw{t}, NewIndex(), map[string]*Alert{}
		for i := range rapid.IntRange(1, 20).Draw(t, "alerts") {
			a := NewAlert()
			a.ID, a.Lookalikes, a.MaxDifferences = fmt.Sprint(i), d.flag("lookalikes"), rapid.IntRange(0, MaxDifferences).Draw(t, "differences")
			a.TrailerNumber, a.ExactMatchTrailerNumber = d.number("trailer"), d.flag("exact")
			if x.Put(&a) == nil {
				alerts[a.ID] = &a
			}
		}
		var p Probe
		for id := range rapid.IntRange(0, 20).Draw(t, "near") {
			if a := alerts[fmt.Sprint(id)]; a != nil {
				p.Load(&Detection{TrailerNumber: d.misread("read", a.TrailerNumber)})
				var got []string
				for _, hit := range x.Match(nil, &p, nil) {
					got = append(got, hit.Alert.ID)
				}
				if want := scan(t, alerts, &p); !slices.Equal(got, want) {
					t.Fatalf("index %v, scan %v of %q", got, want, p.d.TrailerNumber)
				}
			}
		}
	})
}

// TestEdges: what stands at the edge of a key's range is found.
func TestEdges(t *testing.T) {
	long := "ABCDEFGHIJKLMNOPQRST" // maxDeletion characters
	for _, c := range []struct {
		plate string
		k     int
		read  string
	}{
		{"*A?1*", 0, "AX1"}, // the first alert is found by A, the second by 1
		{long, 1, long + "U"},
		{long, 2, "U" + long + "U"},
		{long + "U", 2, "U" + long + "UU"},
		{long + "U", 1, long},
	} {
		x := NewIndex()
		for _, id := range []string{"a", "b"} {
			a := NewAlert()
			a.ID, a.LicensePlate, a.MaxDifferences = id, c.plate, c.k
			if err := x.Put(&a); err != nil {
				t.Fatal(err)
			}
		}
		if got := matched(x, c.read); len(got) != 2 {
			t.Errorf("%s with %d differences: %v for %s", c.plate, c.k, got, c.read)
		}
	}
}

func TestMatchOrdersAndFilters(t *testing.T) {
	x := NewIndex()
	for _, id := range []string{"c", "a", "b"} {
		a := NewAlert()
		a.ID, a.Customer, a.Match = id, "customer of "+id, MatchAny
		// Found by two keys, and still one hit.
		a.LicensePlate, a.VIN = "ABC1234", "004352"
		if err := x.Put(&a); err != nil {
			t.Fatal(err)
		}
	}
	var p Probe
	p.Load(&Detection{LicensePlate: "ABC1234", VIN: "004352"})
	first := Hit{Alert: &Alert{ID: "z"}}
	got := ""
	for _, hit := range x.Match([]Hit{first}, &p, func(a *Alert) bool { return a.Customer != "customer of b" }) {
		got += hit.Alert.ID
	}
	if got != "zac" {
		t.Errorf("hits %q, want what was there, then a and c", got)
	}
	if again := x.Match(nil, &p, nil); len(again) != 3 {
		t.Errorf("%d hits the second time", len(again))
	}
	if x.Len() != 3 || !x.Remove("a") || x.Remove("a") || x.Len() != 2 {
		t.Error("Len and Remove do not agree")
	}
	if err := x.Put(&Alert{LicensePlate: "ABC1234"}); err == nil {
		t.Error("an alert without an id was taken")
	}
}

// TestChangeWhileMatching: what is not changed is found all the time.
func TestChangeWhileMatching(t *testing.T) {
	x, g := NewIndex(), NewGenerator(3)
	stays := NewAlert()
	stays.ID, stays.LicensePlate, stays.MaxDifferences = "stays", "ABC1234", 1
	if err := x.Put(&stays); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			var p Probe
			for {
				select {
				case <-done:
					return
				default:
				}
				p.Load(&Detection{LicensePlate: "ABC124", Text: "flame"})
				if hits := x.Match(nil, &p, nil); len(hits) != 1 {
					t.Errorf("%d hits while others are changed, want 1", len(hits))
					return
				}
			}
		})
	}
	for i := range 3000 {
		a := g.Alert("acme", Kind(i%6))
		a.ID = fmt.Sprint(i % 500)
		if a.LicensePlate != "" {
			a.LicensePlate = "ZZZ" + a.LicensePlate
		}
		if err := x.Put(a); err != nil {
			t.Error(err)
		}
		if i%3 == 0 {
			x.Remove(fmt.Sprint(i % 700))
		}
	}
	close(done)
	readers.Wait()
	if err := x.check(); err != nil {
		t.Error(err)
	}
}
