package node

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/telemetry"
)

// toldNews is where stateNews under test writes; it has endpoint a alone.
type toldNews struct {
	fail     error
	ids      []string
	disabled []string
}

func (*toldNews) Endpoint(id string) (*transport.Endpoint, bool) {
	return &transport.Endpoint{ID: id, Customer: "acme", Name: "Front desk"}, id == "a"
}

func (r *toldNews) SetState(_ context.Context, id, _, _ string) (uint64, error) {
	r.disabled = append(r.disabled, id)
	return 1, r.fail
}

func (r *toldNews) submit(ctx context.Context, _, what, id string, _ time.Time, _ []byte) error {
	if err := cmp.Or(ctx.Err(), r.fail); err != nil {
		return err
	}
	r.ids = append(r.ids, what+" "+id)
	return nil
}

// withStateNews runs f beside stateNews, ends it, and gives what was told.
func withStateNews(t *testing.T, f func(r *stateNews, told *toldNews)) (told *toldNews) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		told = &toldNews{}
		r := newStateNews(told, told.submit, telemetry.New("test"), slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { r.run(ctx); close(ended) }()
		f(r, told)
		cancel()
		<-ended
	})
	return told
}

func failing(since time.Time) transport.News {
	return transport.News{Endpoint: "a", Customer: "acme", What: transport.NewsFailing, Since: since, At: since.Add(time.Millisecond)}
}

func TestNewsThatAKillMayHaveLostAreToldAgain(t *testing.T) {
	since := time.Unix(1_700_000_000, 0)
	first := withStateNews(t, func(r *stateNews, _ *toldNews) { r.Tell(failing(since)) })
	again := withStateNews(t, func(r *stateNews, _ *toldNews) {
		r.again(map[string]transport.Memory{
			"a":       {FailingSince: since},
			"b":       {FailingSince: since}, // removed meanwhile
			"healthy": {Opens: 1},
		}, since.Add(time.Minute), 2*time.Minute)
		r.again(map[string]transport.Memory{"a": {FailingSince: since}}, since.Add(time.Hour), 2*time.Minute)
	})
	if len(first.ids) != 1 || !slices.Equal(first.ids, again.ids) {
		t.Errorf("told %q, and then %q", first.ids, again.ids)
	}
}

func TestTheNodesEndTellsTheNewsThatAreLeft(t *testing.T) {
	told := withStateNews(t, func(r *stateNews, told *toldNews) {
		told.fail = transport.ErrUnavailable
		r.Tell(failing(time.Unix(1, 0)))
		synctest.Wait()
		told.fail = nil
	})
	if len(told.ids) != 1 {
		t.Errorf("told %q", told.ids)
	}
}

func TestADisabledEndpointIsWrittenBeforeItIsTold(t *testing.T) {
	told := withStateNews(t, func(r *stateNews, told *toldNews) {
		told.fail = transport.ErrUnavailable
		r.Tell(transport.News{Endpoint: "a", Customer: "acme", What: transport.NewsDisabled})
		time.Sleep(3 * outboxPause)
		synctest.Wait()
		if len(told.disabled) < 3 || len(told.ids) > 0 {
			t.Errorf("tried %d times, told %q", len(told.disabled), told.ids)
		}
		told.fail = nil
	})
	if len(told.ids) != 1 {
		t.Errorf("told %q", told.ids)
	}
}
