package log

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/transport"
)

func followed(t *testing.T, x *Index, f transport.DeliveryFilter) transport.DeliveryFeed {
	t.Helper()
	fd, err := x.Follow(f)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// told says in words what a feed has.
func told(fd transport.DeliveryFeed) string {
	rows, more := fd.Take()
	text := ""
	for _, d := range rows {
		text += fmt.Sprintf("%s %s; ", transport.DeliveryID(d.Pair), d.State)
	}
	return fmt.Sprintf("%sand %d", text, more)
}

func TestAFeedTellsWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal("ATTEMPTS")
		j.messages = append(j.messages, []*transport.Record{fanOut(1, "a")})
		x := opened(t, Options{Source: j})
		all, of, foreign := followed(t, x, transport.DeliveryFilter{}), followed(t, x, transport.DeliveryFilter{Endpoint: "b", Outcomes: []transport.Outcome{{State: transport.StateDelivered}}}),
			followed(t, x, transport.DeliveryFilter{Customer: "beta"})
		j.write([]*transport.Record{fanOut(2, "a", "b"), tried(2, "b", transport.Delivered, 200)}, []*transport.Record{tried(1, "a", transport.Delivered, 200)})
		<-all.Ready()
		<-of.Ready()
		for want, fd := range map[string]transport.DeliveryFeed{"2-a waiting; 2-b delivered; 1-a delivered; and 0": all, "2-b delivered; and 0": of, "and 0": foreign} {
			if got := told(fd); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		if again := told(all); again != "and 0" {
			t.Errorf("told twice: %s", again)
		}
		all.Close()
		all.Close()
		j.write([]*transport.Record{fanOut(3, "a")})
		if got := told(all); got != "and 0" || len(foreign.Ready()) > 0 {
			t.Errorf("a closed feed is told %s, one of another customer has %d", got, len(foreign.Ready()))
		}
	})
}

// A reader that does not read costs what MaxFeedRows take; what it misses is counted.
func TestASlowReaderIsToldHowManyItMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal("ATTEMPTS")
		x := opened(t, Options{Source: j})
		fd := followed(t, x, transport.DeliveryFilter{})
		for seq := uint64(1); seq <= 3*transport.MaxFeedRows; seq++ {
			j.write([]*transport.Record{fanOut(seq, "a"), tried(seq, "a", transport.Delivered, 200)})
		}
		rows, more := fd.Take()
		if len(rows) != transport.MaxFeedRows || more != 2*transport.MaxFeedRows {
			t.Errorf("%d rows and %d more", len(rows), more)
		}
		fd.Close()
	})
}

// Nobody is told of what was there before the log had come to the journal's end.
func TestAFeedBeginsWhereTheLogIsComplete(t *testing.T) {
	x := &Index{Options: Options{Now: time.Now, SnapshotEvery: time.Hour}, table: newTable(maxRows), savedAt: time.Now()}
	fd := followed(t, x, transport.DeliveryFilter{})
	if err := x.message(transport.JournalPosition{Seq: 1}, []*transport.Record{fanOut(1, "a")}); err != nil {
		t.Fatal(err)
	}
	if got := told(fd); got != "and 0" {
		t.Error(got)
	}
	var fe *transport.FieldError
	if _, err := x.Follow(transport.DeliveryFilter{EventType: "a..b"}); !errors.As(err, &fe) || fe.Field != "type" {
		t.Error(err)
	}
}
