package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeBroker acknowledges at once, and counts what is stored.
type fakeBroker struct {
	refuses bool
	mu      sync.Mutex
	ids     map[string]bool
	subject string
}

func (b *fakeBroker) Process() int { return os.Getpid() }

func (b *fakeBroker) Publish(context.Context, string, []byte) error {
	return errors.New("one after the other")
}

func (b *fakeBroker) PublishAsync(subject, id string, data []byte, done func(error)) error {
	b.mu.Lock()
	b.ids[id], b.subject = len(data) == DocumentSize, subject
	b.mu.Unlock()
	if b.refuses {
		go done(errors.New("the disk is full"))
		return nil
	}
	go done(nil)
	return nil
}

func (b *fakeBroker) Consume(_ context.Context, n uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > uint64(len(b.ids)) {
		return fmt.Errorf("%d of %d ids are there", len(b.ids), n)
	}
	return nil
}

func limitOf(b *fakeBroker) LimitOptions {
	return LimitOptions{Seconds: 60 * time.Millisecond, Broker: func(context.Context, string, bool, bool) (Broker, error) {
		b.ids = map[string]bool{}
		return brokerOf{b}, nil
	}}
}

// brokerOf and clientOf close it, each in its own way.
type brokerOf struct{ *fakeBroker }

func (b brokerOf) Connect() (BrokerClient, error) { return clientOf(b), nil }
func (b brokerOf) Close(context.Context) error    { return nil }

type clientOf struct{ *fakeBroker }

func (c clientOf) Close() {}

func TestLimit(t *testing.T) {
	var out bytes.Buffer
	o := limitOf(&fakeBroker{})
	o.DataDir, o.Report, o.Stdout = t.TempDir(), t.TempDir(), &out
	report, err := Limit(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	l := report.Limit[0]
	if len(l.Parts) != 7 || l.EventCPU <= 0 || l.EachCPU <= 0 || l.CPU(10) >= l.CPU(1) {
		t.Errorf("%+v", l)
	}
	for _, p := range l.Parts {
		if p.Count == 0 || p.PerSecond <= 0 || p.CPU < 0 {
			t.Errorf("%+v", p)
		}
	}
	checkLines(t, out.String(), 9)
	checkReport(t, o.Report, report)
	if left, _ := filepath.Glob(filepath.Join(o.DataDir, "*")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestLimitTellsWhatIsWrong(t *testing.T) {
	o := limitOf(&fakeBroker{refuses: true})
	if _, err := Limit(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("got %v", err)
	}
	for field, o := range map[string]LimitOptions{
		"broker":  {},
		"seconds": {Broker: o.Broker, Seconds: time.Hour},
		"count":   {Broker: o.Broker, Count: -1},
		"scheme":  {Broker: o.Broker, Scheme: "gopher"},
	} {
		if _, err := Limit(t.Context(), o); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
