package ledger_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/ledger"
	"github.com/postrider/postrider/transport/ledger/cursortest"
)

const detections = "DETECTIONS@2026-11-21T07:00:00Z"

func redisCursors(t *testing.T, url, log string) (*ledger.RedisCursors, *atomic.Int64) {
	t.Helper()
	r, err := ledger.NewRedis(url, 0, ledger.RedisOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	calls := new(atomic.Int64)
	c, err := ledger.NewRedisCursors(r, log, func(error) { calls.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	return c, calls
}

// asked waits until Redis is asked again after it was away.
func asked(t *testing.T, c *ledger.RedisCursors) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; {
		if _, err := c.Read(t.Context(), []string{"acme.hot"}); err == nil {
			return
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestRedisCursors(t *testing.T) {
	s := ledger.StartServer(t)
	c, _ := redisCursors(t, s.URL(), detections)
	cursortest.Run(t, c, func() {
		s.Kill()
		if err := c.Move(t.Context(), "acme.hot", 1, 2); !errors.Is(err, transport.ErrUnavailable) {
			t.Errorf("with Redis away: %v", err)
		}
		s.Start()
		asked(t, c)
	})
}

func TestRedisCursorsOfALogMadeAnew(t *testing.T) {
	s := ledger.StartServer(t)
	was, _ := redisCursors(t, s.URL(), detections)
	if err := was.Move(t.Context(), "acme.hot", 0, 900); err != nil {
		t.Fatal(err)
	}
	is, _ := redisCursors(t, s.URL(), "DETECTIONS@2026-11-22T07:00:00Z")
	if at, err := is.Read(t.Context(), []string{"acme.hot"}); err != nil || at[0] != 0 {
		t.Errorf("at %v, %v: sequences of a log made anew begin again", at, err)
	}
}

func TestRedisCursorsAskNoMoreForAMoment(t *testing.T) {
	s := ledger.StartServer(t)
	c, calls := redisCursors(t, s.URL(), detections)
	asked(t, c)
	s.Kill()
	for range 20 {
		if _, err := c.Read(t.Context(), []string{"acme.hot"}); !errors.Is(err, transport.ErrUnavailable) {
			t.Fatalf("with Redis away: %v", err)
		}
	}
	if calls.Load() > 3 || c.Ready() == nil {
		t.Errorf("%d calls reached for Redis; ready: %v", calls.Load(), c.Ready())
	}
	s.Start()
	asked(t, c)
	if err := c.Ready(); err != nil {
		t.Error(err)
	}
}

func TestRedisCursorsNeedALog(t *testing.T) {
	var fe *transport.FieldError
	if _, err := ledger.NewRedisCursors(nil, "", nil); !errors.As(err, &fe) || fe.Field != "log" {
		t.Errorf("without a log: %v", err)
	}
}
