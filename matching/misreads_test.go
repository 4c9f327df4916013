package matching

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// misreadModes are the ways to look for a plate that docs/matching.md compares.
var misreadModes = []struct {
	name string
	set  func(*Alert)
}{
	{"exact", func(*Alert) {}},
	{"`lookalikes`", func(a *Alert) { a.Lookalikes = true }},
	{"first five characters and `*`", func(a *Alert) { a.LicensePlate = a.LicensePlate[:5] + "*" }},
	{"`max_differences: 1`", func(a *Alert) { a.MaxDifferences = 1 }},
	{"`max_differences: 1` and `lookalikes`", func(a *Alert) { a.MaxDifferences, a.Lookalikes = 1, true }},
	{"`max_differences: 2`", func(a *Alert) { a.MaxDifferences = 2 }},
	{"`max_differences: 2` and `lookalikes`", func(a *Alert) { a.MaxDifferences, a.Lookalikes = 2, true }},
}

// TestMisreads holds the table of misreads in docs/matching.md to what the code
// does.
func TestMisreads(t *testing.T) {
	const begin, end = "<!-- misreads -->\n", "<!-- /misreads -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	table, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", page)
	}
	got := misreadTable(t)
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+got+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != table {
		t.Errorf("the table of %s is not what is measured; run with -update\n%s", page, got)
	}
}

func misreadTable(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	out.WriteString("| mode | misreads found | false matches of one alert among 10,000 other plates |\n|---|---|---|\n")
	for _, mode := range misreadModes {
		found, wrong := measureMisreads(t, mode.set)
		fmt.Fprintf(&out, "| %s | %.1f %% | %.3f |\n", mode.name, found*100, wrong)
	}
	return out.String()
}

// measureMisreads gives the share of misreads found, and how many of 10,000
// other plates one alert matches.
func measureMisreads(t *testing.T, set func(*Alert)) (found, wrong float64) {
	t.Helper()
	const trucks = 10_000
	g, x := NewGenerator(7), NewIndex()
	plates, reads := map[string]string{}, map[string]string{} // by the alert's id
	for len(plates) < trucks {
		a := NewAlert()
		a.ID, a.LicensePlate = g.id(), g.Plate()
		plates[a.ID], reads[a.ID] = a.LicensePlate, g.Misread(a.LicensePlate)
		set(&a)
		if err := x.Put(&a); err != nil {
			t.Fatal(err)
		}
	}
	for id, read := range reads {
		if slices.Contains(matched(x, read), id) {
			found++
		}
	}
	for range 10_000 {
		other := g.Plate()
		for _, id := range matched(x, other) {
			if plates[id] != other {
				wrong++
			}
		}
	}
	return found / trucks, wrong / trucks
}

// matched are the ids of the alerts that match a plate.
func matched(x *Index, plate string) (ids []string) {
	var p Probe
	p.Load(&Detection{LicensePlate: plate})
	for _, hit := range x.Match(nil, &p, nil) {
		ids = append(ids, hit.Alert.ID)
	}
	return ids
}
