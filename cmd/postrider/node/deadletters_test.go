package node

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/transport"
)

// toldLetters is what was told, with when.
type toldLetters struct {
	mu    sync.Mutex
	began time.Time
	told  []letterDocument
	at    []time.Duration
	fail  error
}

func (l *toldLetters) Endpoint(id string) (*transport.Endpoint, bool) {
	return &transport.Endpoint{ID: id, Name: "Front desk"}, id == "a"
}

func (l *toldLetters) SetState(context.Context, string, string, string) (uint64, error) {
	return 0, errors.New("not asked for")
}

func (l *toldLetters) submit(_ context.Context, customer, what, id string, _ time.Time, data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	var d letterDocument
	if err := json.Unmarshal(data, &d); err != nil || customer != "acme" || what != "deadletter.created" || id == "" {
		return errors.New("told " + customer + " " + what)
	}
	l.told, l.at = append(l.told, d), append(l.at, time.Since(l.began))
	return nil
}

func withLetterNews(t *testing.T, f func(l *toldLetters, gaveUp func(endpoint, reason, typ string))) {
	synctest.Test(t, func(t *testing.T) {
		told := &toldLetters{began: time.Now()}
		n := newLetterNews(told, told.submit, time.Now, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { n.run(ctx) })
		f(told, func(endpoint, reason, typ string) {
			n.record(&transport.Record{Kind: transport.DeadLettered, Customer: "acme", Endpoint: endpoint, Reason: reason, EventType: typ, EventID: "e", At: time.Now()})
		})
		cancel()
		running.Wait()
	})
}

func TestDeadLettersAreToldOnceAMinute(t *testing.T) {
	withLetterNews(t, func(l *toldLetters, gaveUp func(string, string, string)) {
		for range 90 { // one each second, of two kinds
			gaveUp("a", "retries_exhausted", "a.b")
			gaveUp("a", "gone", "a.c")
			time.Sleep(time.Second)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		sum := 0
		for i, d := range l.told {
			if sum += d.Count; i > 0 && l.at[i]-l.at[i-1] < time.Minute {
				t.Errorf("told %s after the one before", l.at[i]-l.at[i-1])
			}
			if d.Endpoint != "a" || d.Name != "Front desk" || d.Reasons["gone"]+d.Reasons["retries_exhausted"] != d.Count || d.Time.Before(d.Since) {
				t.Errorf("%+v", d)
			}
		}
		if sum != 180 || len(l.told) != 3 || l.at[0] > 2*time.Second {
			t.Errorf("%d letters in %d events, the first after %s", sum, len(l.told), l.at[0])
		}
	})
}

func TestWhatIsNoNewsOfDeadLetters(t *testing.T) {
	withLetterNews(t, func(l *toldLetters, gaveUp func(string, string, string)) {
		gaveUp("a", "endpoint_removed", "a.b")
		gaveUp("a", "endpoint_disabled", "a.b")
		gaveUp("a", "gone", "ops.endpoint.failing")
		gaveUp("", "not_json", "a.b")
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(l.told) != 0 {
			t.Errorf("told %+v", l.told)
		}
	})
}

func TestDeadLettersAreToldWhenTheyCanBe(t *testing.T) {
	withLetterNews(t, func(l *toldLetters, gaveUp func(string, string, string)) {
		l.fail = transport.ErrUnavailable
		gaveUp("a", "gone", "a.b")
		gaveUp("b", "gone", "a.b")
		time.Sleep(10 * time.Second)
		gaveUp("a", "panic", "a.b")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		l.mu.Lock()
		l.fail = nil
		l.mu.Unlock()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		counts := map[string]int{}
		for _, d := range l.told {
			counts[d.Endpoint] += d.Count
		}
		if counts["a"] != 2 || counts["b"] != 1 || len(l.told) != 2 {
			t.Errorf("told %+v", l.told)
		}
	})
}

func TestTheNodesEndTellsWhatIsLeft(t *testing.T) {
	var l *toldLetters
	withLetterNews(t, func(told *toldLetters, gaveUp func(string, string, string)) {
		l = told
		gaveUp("a", "gone", "a.b")
	})
	if len(l.told) != 1 || l.told[0].Count != 1 {
		t.Errorf("told %+v", l.told)
	}
}
