package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

func (n *node) Series(_ context.Context, f transport.SeriesFilter) (*transport.DeliverySeries, error) {
	n.counted = append(n.counted, f)
	none := make([]uint32, 2)
	return &transport.DeliverySeries{Series: []transport.Series{{Key: "a.b", Waiting: none, Retrying: none, Delivered: []uint32{0, 3}, DeadLettered: none, Skipped: none,
		P50: []time.Duration{0, 1500 * time.Microsecond}, P99: []time.Duration{0, time.Second}}}, Others: 4}, n.failure
}

func TestSeries(t *testing.T) {
	b := start(t, nil)
	anyone := token(t, "acme", RoleGetAlerts)
	b.want(b.call(anyone, "GET", "/v1/series?from=2026-01-01T00:00:00Z&to=2026-01-01T02:00:00Z&step=1h&by=type&status=delivered", ""), 200,
		`{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T02:00:00Z","step":"1h0m0s","steps":2,"series":[{"key":"a.b","waiting":[0,0],"retrying":[0,0],"delivered":[0,3],`+
			`"dead_lettered":[0,0],"skipped":[0,0],"p50_ms":[0,1.5],"p99_ms":[0,1000]}],"others":4}`)
	if f := b.counted[0]; f.Customer != "acme" || f.By != transport.ByType || len(f.Outcomes) != 1 || f.Outcomes[0].State != transport.StateDelivered || f.Step != time.Hour {
		t.Errorf("%+v", f)
	}
	// Without anything: the last day in steps of 15 minutes, which begin at whole ones.
	b.wantStatus(b.call(anyone, "GET", "/v1/series", ""), 200)
	if f := b.counted[1]; f.Step != 15*time.Minute || !f.To.Equal(testNow) || !f.From.Equal(time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", f)
	}
	const one, two = "019b7d5a-0000-7000-8000-000000000001", "019b7d5a-0000-7000-8000-000000000002"
	b.wantStatus(b.call(anyone, "GET", "/v1/series?by=endpoint&endpoint="+one+","+two, ""), 200)
	if f := b.counted[2]; len(f.Endpoints) != 2 || f.Endpoints[1] != two || f.Endpoint != "" {
		t.Errorf("%+v", f)
	}
	for query, field := range map[string]string{"step=fast": "step", "step=1ms": "step", "by=customer": "by", "endpoint=" + one + ",x": "endpoint",
		"from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z": "to", "status=fine": "status", "endpoint=" + strings.TrimSuffix(strings.Repeat(one+",", 101), ","): "endpoint"} {
		got := b.call(anyone, "GET", "/v1/series?"+query, "")
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	b.want(b.call(anyone, "GET", "/v1/series?customer=other", ""), 403, `{"detail":"Token of customer 'acme' may not act for another customer"}`)
}

// Looking at the whole log is for few at a time; who waits too long is told.
func TestSeriesWaitForTheirTurn(t *testing.T) {
	b := start(t, nil)
	for range seriesAtOnce {
		b.server.looks <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.server.turn(ctx); err == nil || !strings.Contains(err.Error(), "Others are counting") {
		t.Error(err)
	}
	<-b.server.looks
	free, err := b.server.turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	free()
}
