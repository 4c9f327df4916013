package bench

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Figure is one value of one case, as it was printed, once for each round.
type Figure struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"`
}

// Spread is what rounds of one figure say.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Rounds int     `json:"rounds"`
}

// Spread of the figure's rounds; all 0 where there are none.
func (f *Figure) Spread() Spread {
	n := len(f.Values)
	if n == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(f.Values))
	return Spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1], Rounds: n}
}

// begin prints the head, and notes every figure that is printed after it.
func (r *Report) begin(w io.Writer) io.Writer {
	printHeader(w, r.Machine)
	return &recorder{out: w, report: r}
}

// recorder passes on what is printed, and keeps the figures.
type recorder struct {
	out    io.Writer
	report *Report
	rest   []byte // of a line that has not ended
}

// Write never fails but as the writer behind it does.
func (r *recorder) Write(b []byte) (int, error) {
	r.rest = append(r.rest, b...)
	for {
		line, rest, whole := bytes.Cut(r.rest, []byte("\n"))
		if !whole {
			break
		}
		r.report.note(string(line))
		r.rest = rest
	}
	return r.out.Write(b)
}

// note keeps the figures of a line as benchstat reads it; other lines are none.
func (r *Report) note(line string) {
	name, found := strings.CutPrefix(line, "Benchmark")
	fields := strings.Fields(name)
	if !found || len(fields) < 4 {
		return
	}
	for i := 2; i+1 < len(fields); i += 2 {
		if v, err := strconv.ParseFloat(fields[i], 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
			r.keep(fields[0], fields[i+1], v)
		}
	}
}

// keep adds a round's value to the figure of that name and unit.
func (r *Report) keep(name, unit string, values ...float64) {
	for i := range r.Figures {
		if f := &r.Figures[i]; f.Name == name && f.Unit == unit {
			f.Values = append(f.Values, values...)
			return
		}
	}
	r.Figures = append(r.Figures, Figure{Name: name, Unit: unit, Values: values})
}

// figure is the spread of a figure of that name and unit; Rounds is 0 where
// there is none.
func (r *Report) figure(name, unit string) Spread {
	for i := range r.Figures {
		if f := &r.Figures[i]; f.Name == name && f.Unit == unit {
			return f.Spread()
		}
	}
	return Spread{}
}

// String is the median, and how far the rounds lie apart.
func (s Spread) String() string {
	if s.Rounds < 2 {
		return short(s.Median)
	}
	return fmt.Sprintf("%s (%s-%s)", short(s.Median), short(s.Min), short(s.Max))
}
