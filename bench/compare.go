package bench

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/postrider/postrider/transport"
)

// Verdicts of a comparison.
const (
	Better = "better"
	Worse  = "worse"
	Same   = "~"
)

// DefaultThreshold is by how much a median must have changed to count.
const DefaultThreshold = 0.1

// maxReport bounds a report.json that is read.
const maxReport = 64 << 20

// CompareOptions of Compare.
type CompareOptions struct {
	// Threshold is the least change of a median that counts, 0.1 by default.
	Threshold float64
	// All compares rates and times as well: of the same machine in the same state
	// they say something. By default ratios alone are compared.
	All bool
}

// Change is one figure that both reports have.
type Change struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	Old  Spread `json:"old"`
	New  Spread `json:"new"`
	// Delta is the change of the median: 0.1 is 10 % more.
	Delta   float64 `json:"delta"`
	Verdict string  `json:"verdict"`
}

// Comparison of two reports.
type Comparison struct {
	Changes []Change `json:"changes"`
	// Gone are figures that the old report alone has.
	Gone []string `json:"gone,omitempty"`
	// Warnings tell why figures say little, of both reports.
	Warnings []string `json:"warnings,omitempty"`
}

// Worse are the changes for the worse.
func (c *Comparison) Worse() []Change {
	return slices.DeleteFunc(slices.Clone(c.Changes), func(c Change) bool { return c.Verdict != Worse })
}

// Compare says what got better or worse from before to now. A change counts
// where the medians differ by the threshold or more and the rounds of both do
// not overlap: with one round each, the threshold alone decides.
func Compare(before, now *Report, o CompareOptions) *Comparison {
	o.Threshold = cmp.Or(o.Threshold, DefaultThreshold)
	c := &Comparison{}
	for _, side := range []struct {
		name   string
		report *Report
	}{{"before", before}, {"now", now}} {
		for _, w := range side.report.Warnings {
			c.Warnings = append(c.Warnings, side.name+": "+w)
		}
	}
	if before.Machine.CPU != now.Machine.CPU || before.Machine.Cores != now.Machine.Cores {
		c.Warnings = append(c.Warnings, fmt.Sprintf("two machines: %s with %d cores before, %s with %d now", before.Machine.CPU, before.Machine.Cores, now.Machine.CPU, now.Machine.Cores))
	}
	for _, f := range before.Figures {
		if better := betterIs(f.Unit); better == "" || !o.All && !isRatio(f.Unit) {
			continue
		}
		change := Change{Name: f.Name, Unit: f.Unit, Old: f.Spread(), New: now.figure(f.Name, f.Unit)}
		if change.New.Rounds == 0 {
			c.Gone = append(c.Gone, f.Name+" "+f.Unit)
			continue
		}
		change.judge(o.Threshold)
		c.Changes = append(c.Changes, change)
	}
	return c
}

func (c *Change) judge(threshold float64) {
	c.Verdict = Same
	switch {
	case c.Old.Median != 0:
		c.Delta = c.New.Median/c.Old.Median - 1
	case c.New.Median != 0:
		c.Delta = 1
	}
	overlap := c.Old.Min <= c.New.Max && c.New.Min <= c.Old.Max
	if overlap || math.Abs(c.Delta) < threshold {
		return
	}
	if c.Verdict = Worse; (c.Delta > 0) == (betterIs(c.Unit) == "higher") {
		c.Verdict = Better
	}
}

// betterIs says which way is better; empty where neither is.
func betterIs(unit string) string {
	for _, u := range units {
		if u.name == unit {
			return u.better
		}
	}
	return ""
}

// isRatio tells whether a figure is a ratio to something in the same run, so
// that it carries from one machine or hour to another.
func isRatio(unit string) bool {
	return unit == "ratio" || strings.HasPrefix(unit, "of-") || strings.HasSuffix(unit, "-ratio")
}

// Print writes a table, what counts first.
func (c *Comparison) Print(w io.Writer) error {
	order := map[string]int{Worse: 0, Better: 1, Same: 2}
	sorted := slices.SortedStableFunc(slices.Values(c.Changes), func(a, b Change) int { return order[a.Verdict] - order[b.Verdict] })
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FIGURE\tUNIT\tBEFORE\tNOW\tCHANGE\t")
	for _, one := range sorted {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%+.1f %%\t%s\n", one.Name, one.Unit, one.Old, one.New, 100*one.Delta, one.Verdict)
	}
	err := t.Flush()
	for _, name := range c.Gone {
		fmt.Fprintf(w, "gone: %s\n", name)
	}
	for _, warning := range c.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	return err
}

// ReadReport reads a report.json.
func ReadReport(path string) (*Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxReport+1))
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if len(text) > maxReport {
		return nil, &transport.FieldError{Field: "report", Value: path, Message: path + " is larger than 64 MiB: give a report.json of postrider bench"}
	}
	return parseReport(path, text)
}

func parseReport(path string, text []byte) (*Report, error) {
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, errors.Join(&transport.FieldError{Field: "report", Value: path, Message: path + " is not a report.json of postrider bench"}, err)
	}
	if len(r.Figures) == 0 {
		return nil, &transport.FieldError{Field: "report", Value: path, Message: path + " has no figures: give a report.json of postrider bench, of this version or a later one"}
	}
	type key struct{ name, unit string }
	seen := map[key]bool{}
	for _, f := range r.Figures {
		if k := (key{f.Name, f.Unit}); seen[k] {
			return nil, &transport.FieldError{Field: "report", Value: path, Message: fmt.Sprintf("%s has the figure %.100q %.20q twice: give a report.json as postrider bench wrote it", path, f.Name, f.Unit)}
		} else {
			seen[k] = true
		}
	}
	return &r, nil
}
