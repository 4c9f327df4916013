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

// redisCursors counts its calls. Its clock stands still until passed moves it.
func redisCursors(t *testing.T, url, log string) (c *ledger.RedisCursors, calls, passed *atomic.Int64) {
	t.Helper()
	began := time.Now()
	calls, passed = new(atomic.Int64), new(atomic.Int64)
	r, err := ledger.NewRedis(url, 0, ledger.RedisOptions{Timeout: 5 * time.Second,
		Now: func() time.Time { return began.Add(time.Duration(passed.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	c, err = ledger.NewRedisCursors(r, log, func(error) { calls.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	return c, calls, passed
}

// asked has Redis asked again.
func asked(t *testing.T, c *ledger.RedisCursors, passed *atomic.Int64) {
	t.Helper()
	passed.Add(int64(time.Minute))
	if _, err := c.Read(t.Context(), []string{"acme.hot"}); err != nil {
		t.Fatal(err)
	}
}

func TestRedisCursors(t *testing.T) {
	s := ledger.StartServer(t)
	c, _, passed := redisCursors(t, s.URL(), detections)
	cursortest.Run(t, c, func() {
		s.Kill()
		if err := c.Move(t.Context(), "acme.hot", 1, 2); !errors.Is(err, transport.ErrUnavailable) {
			t.Errorf("with Redis away: %v", err)
		}
		s.Start()
		asked(t, c, passed)
	})
}

func TestRedisCursorsOfALogMadeAnew(t *testing.T) {
	s := ledger.StartServer(t)
	was, _, _ := redisCursors(t, s.URL(), detections)
	if err := was.Move(t.Context(), "acme.hot", 0, 900); err != nil {
		t.Fatal(err)
	}
	is, _, _ := redisCursors(t, s.URL(), "DETECTIONS@2026-11-22T07:00:00Z")
	if at, err := is.Read(t.Context(), []string{"acme.hot"}); err != nil || at[0] != 0 {
		t.Errorf("at %v, %v: sequences of a log made anew begin again", at, err)
	}
}

func TestRedisCursorsAskNoMoreForAMoment(t *testing.T) {
	s := ledger.StartServer(t)
	c, calls, passed := redisCursors(t, s.URL(), detections)
	asked(t, c, passed)
	s.Kill()
	for range 20 {
		if _, err := c.Read(t.Context(), []string{"acme.hot"}); !errors.Is(err, transport.ErrUnavailable) {
			t.Fatalf("with Redis away: %v", err)
		}
	}
	if calls.Load() != 2 || c.Ready() == nil {
		t.Errorf("%d calls reached for Redis; ready: %v", calls.Load(), c.Ready())
	}
	s.Start()
	asked(t, c, passed)
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
