package log

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

// counted is what a series should be: key and step to the deliveries there.
func counted(m *model, f *transport.SeriesFilter) map[string][]transport.LoggedDelivery {
	cells := map[string][]transport.LoggedDelivery{}
	for _, d := range m.list(&f.DeliveryFilter) {
		if len(f.Endpoints) > 0 && !slices.Contains(f.Endpoints, d.Endpoint) {
			continue
		}
		key := map[string]string{transport.ByEndpoint: d.Endpoint, transport.ByType: d.EventType, transport.ByStatus: fmt.Sprint(d.Status)}[f.By]
		cell := fmt.Sprintf("%s@%d", key, d.Since.Sub(f.From)/f.Step)
		cells[cell] = append(cells[cell], d)
	}
	return cells
}

// A series is what brute force over the list counts, and its latencies are
// right to within an eighth.
func TestSeriesIsBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, m := newTable(rapid.IntRange(1, 9).Draw(t, "rows")), &model{}
		for seq := range rapid.IntRange(1, 60).Draw(t, "records") {
			r := drawn(t)
			table.record(placeOf(uint64(seq+1), 0), r)
			m.record(r)
		}
		f := transport.SeriesFilter{DeliveryFilter: *drawnFilter(t), Step: time.Duration(rapid.IntRange(1, 4).Draw(t, "step")) * time.Second,
			By: rapid.SampledFrom([]string{"", transport.ByType, transport.ByStatus}).Draw(t, "by")}
		f.From, f.To = testTime, testTime.Add(time.Duration(rapid.IntRange(1, 12).Draw(t, "to"))*time.Second)
		if rapid.Bool().Draw(t, "named") {
			f.Endpoints = []string{"a", "c", "gone"}
		}
		got, err := table.series(context.Background(), &f)
		if err != nil {
			t.Fatal(err)
		}
		cells := counted(m, &f)
		for _, s := range got.Series {
			for step := range f.Steps() {
				cell := fmt.Sprintf("%s@%d", s.Key, step)
				checkCell(t, &s, step, cells[cell])
				delete(cells, cell)
			}
		}
		if len(cells) > 0 {
			t.Fatalf("not counted: %v", cells)
		}
	})
}

func checkCell(t *rapid.T, s *transport.Series, step int, all []transport.LoggedDelivery) {
	var states [transport.StateSkipped + 1]uint32
	var took []time.Duration
	for _, d := range all {
		states[d.State]++
		if d.State == transport.StateDelivered {
			took = append(took, d.Changed.Sub(d.Since))
		}
	}
	for state, counts := range map[transport.DeliveryState][]uint32{transport.StateWaiting: s.Waiting, transport.StateRetrying: s.Retrying,
		transport.StateDelivered: s.Delivered, transport.StateDeadLettered: s.DeadLettered, transport.StateSkipped: s.Skipped} {
		if counts[step] != states[state] {
			t.Fatalf("%q step %d: %d %s, want %d", s.Key, step, counts[step], state, states[state])
		}
	}
	slices.Sort(took)
	for share, got := range map[int]time.Duration{50: s.P50[step], 99: s.P99[step]} {
		exact := time.Duration(0)
		if len(took) > 0 {
			exact = took[(share*len(took)+99)/100-1]
		}
		if got < exact || got > exact+exact/8+time.Millisecond {
			t.Fatalf("%q step %d: p%d is %v, want %v of %v", s.Key, step, share, got, exact, took)
		}
	}
}

func TestTheLargestSeriesAreGiven(t *testing.T) {
	table := newTable(maxRows)
	for seq := uint64(1); seq <= 300; seq++ {
		r := fanOut(seq, fmt.Sprintf("e%03d", seq%150))
		table.record(placeOf(seq, 0), r)
	}
	table.record(placeOf(301, 0), fanOut(301, "e149"))
	got, err := table.series(t.Context(), &transport.SeriesFilter{DeliveryFilter: transport.DeliveryFilter{From: testTime, To: testTime.Add(time.Hour)},
		Step: time.Hour, By: transport.ByEndpoint})
	if err != nil || len(got.Series) != transport.MaxSeries || got.Others != 50 || got.Series[0].Key != "e149" || got.Series[0].Total() != 3 {
		t.Errorf("%v: %d series, %d others, first %+v", err, len(got.Series), got.Others, got.Series[0])
	}
}

func TestWrongSeries(t *testing.T) {
	table := newTable(maxRows)
	good := transport.SeriesFilter{DeliveryFilter: transport.DeliveryFilter{From: testTime, To: testTime.Add(time.Hour)}, Step: time.Minute}
	for field, change := range map[string]func(f *transport.SeriesFilter){
		"step":   func(f *transport.SeriesFilter) { f.Step = time.Second },
		"step 0": func(f *transport.SeriesFilter) { f.Step = 0 },
		"to":     func(f *transport.SeriesFilter) { f.To = f.From },
		"by":     func(f *transport.SeriesFilter) { f.By = "customer" },
		"type":   func(f *transport.SeriesFilter) { f.EventType = "a..b" },
		"status": func(f *transport.SeriesFilter) { f.Outcomes = []transport.Outcome{{Status: 1000}} },
	} {
		f := good
		change(&f)
		_, err := table.series(t.Context(), &f)
		var fe *transport.FieldError
		if field, _, _ = strings.Cut(field, " "); !errors.As(err, &fe) || fe.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := table.series(t.Context(), &good); err != nil {
		t.Error(err)
	}
}

// Every value lies in a cell that ends an eighth above it at most.
func TestLatencyCells(t *testing.T) {
	for ms := uint64(0); ms <= 1<<32-1; ms += 1 + ms/97 {
		l := &latencies{}
		l.add(uint32(ms))
		if got := uint64(l.at(1) / time.Millisecond); got < ms || got > ms+ms/8 {
			t.Fatalf("%d ms is %d", ms, got)
		}
	}
}
