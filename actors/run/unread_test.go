package run

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// fieldsSeen collects what an observer is told of fields.
type fieldsSeen struct {
	nobody
	mu     sync.Mutex
	fields []string
}

func (f *fieldsSeen) DetectionFieldUnread(field string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fields = append(f.fields, field)
}

// A field that cannot be read costs neither the match nor a dead letter; it is
// counted once, though two sweeps read the detection.
func TestAFieldThatCannotBeReadCostsNothing(t *testing.T) {
	w, seen := newWorld(), &fieldsSeen{}
	for seq, doc := range []string{
		`{"license_plate":"FLT0001","usdot":987654.0}`,
		`{"license_plate":"FLT0001","usdot":1.5,"lat_long":true}`,
		`{"license_plate":"FLT0001","time":"2026-11-30t14:00:00z","vin":[1]}`,
		`{"license_plate":"FLT0001"`,
	} {
		w.log = append(w.log, transport.RawDetection{Seq: uint64(seq + 1), Data: []byte(doc), Stored: w.now})
	}
	l := w.start(Options{Observer: seen})
	a := matching.NewAlert()
	a.ID, a.Customer, a.AlertName, a.Email, a.LicensePlate = "456e7890-e12b-34d5-a678-426614174111", "acme", "a", "a@example.com", "FLT0001"
	l.runner.Change("acme", a.ID, &Alert{Alert: a})
	for range 2 {
		j := newJob(transport.Run{Customer: "acme", Type: matching.AlertNormal, State: transport.RunOpen, From: 1, Since: 1, To: 4, Through: 4})
		if err := l.runner.rounds.sweeper.sweep(t.Context(), l.ReadDetections, []*job{j}); err != nil {
			t.Fatal(err)
		}
		if len(j.matches) != 3 {
			t.Errorf("%d matches, want 3", len(j.matches))
		}
	}
	if len(w.buried) != 1 || w.buried[4] != 1 {
		t.Errorf("dead letters %v, want that of the fourth alone", w.buried)
	}
	slices.Sort(seen.fields)
	if fmt.Sprint(seen.fields) != "[lat_long usdot vin]" {
		t.Errorf("unread %v", seen.fields)
	}
}
