package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// attempt is a failed one, with everything set that must not be logged.
func attempt() *transport.Record {
	return &transport.Record{Kind: transport.Tried, Seq: 1, Customer: "acme", Endpoint: "e-1", EventID: "id-1",
		EventType: "a.b", Trace: transport.TraceOf(traceparent), Number: 2, NextAt: time.Unix(9, 0),
		Answer: transport.Answer{Class: transport.Failed, Status: 500, Reason: "status",
			Detail: "the secret detail", Body: []byte("the secret body"), Took: 1500 * time.Millisecond}}
}

func logging(t *testing.T, level string) (*Telemetry, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	log, err := NewLogger(&out, "json", level)
	if err != nil {
		t.Fatal(err)
	}
	return New("test").LogTo(log), &out
}

func TestOneLinePerAttempt(t *testing.T) {
	tele, out := logging(t, "debug")
	tele.Record(attempt())
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for key, want := range map[string]any{"level": "DEBUG", "msg": "attempt", "event": "id-1", "type": "a.b",
		"endpoint": "e-1", "customer": "acme", "number": 2.0, "status": 500.0, "class": "failed", "reason": "status",
		"took": 1.5e9, "trace": "4bf92f3577b34da6a3ce929d0e0e4736"} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	if strings.Contains(out.String(), "secret") {
		t.Errorf("what a receiver answered is in %s", out)
	}
}

func TestLinesByKind(t *testing.T) {
	for _, c := range []struct {
		record *transport.Record
		want   string
	}{
		{&transport.Record{Kind: transport.Skipped, Reason: "expired", Replay: 4}, `"msg":"skipped".*"replay":4.*"reason":"expired"`},
		{&transport.Record{Kind: transport.DeadLettered, Reason: "panic"}, `"msg":"dead letter".*"reason":"panic"`},
		{&transport.Record{Kind: transport.FanOut, Endpoints: []string{"a"}}, `^$`},
	} {
		tele, out := logging(t, "debug")
		tele.Record(c.record)
		if !regexp.MustCompile(c.want).MatchString(strings.TrimSpace(out.String())) {
			t.Errorf("got %q, want %s", out, c.want)
		}
	}
}

func TestNothingIsFormattedWhenDebugIsOff(t *testing.T) {
	tele, out := logging(t, "info")
	r := attempt()
	if n := testing.AllocsPerRun(100, func() { tele.Record(r) }); n > 0 {
		t.Errorf("%.0f allocations a record", n)
	}
	if out.Len() > 0 {
		t.Errorf("logged %s", out)
	}
}

func TestStateChangesAreTold(t *testing.T) {
	tele, out := logging(t, "info")
	tele.StateChange("acme", "e-1", "failing", "5 failures in a row")
	tele.StateChange("acme", "e-1", "no such state", "")
	if !strings.Contains(out.String(), `"level":"INFO","msg":"endpoint is failing","customer":"acme","endpoint":"e-1","reason":"5 failures in a row"`) {
		t.Error(out)
	}
	expect(t, tele, `postrider_state_changes_total{state="failing"} 1`, `postrider_state_changes_total{state="other"} 1`)
}

func TestWhatIsCounted(t *testing.T) {
	tele, _ := logging(t, "error")
	tele.Published(3)
	tele.Unrouted()
	tele.FilterError()
	tele.Deferred(64)
	tele.InFlight(5)
	tele.InFlight(-2)
	tele.JournalBatch(256, time.Millisecond, nil)
	tele.JournalBatch(1, time.Second, errors.New("away"))
	tele.LedgerError()
	tele.LedgerFellBack(7)
	tele.LedgerFallback(true)
	tele.Record(attempt())
	tele.Record(&transport.Record{Kind: transport.Tried, Answer: transport.Answer{Class: transport.Delivered, Took: time.Millisecond}})
	tele.Record(&transport.Record{Kind: transport.Tried, Answer: transport.Answer{Class: transport.Refused, Reason: "a new reason"}})
	tele.Record(&transport.Record{Kind: transport.Tried}) // no class
	tele.Record(&transport.Record{Kind: transport.Tried, Answer: transport.Answer{Class: 99}})
	tele.Record(&transport.Record{Kind: transport.Skipped, Reason: "duplicate"})
	tele.Record(&transport.Record{Kind: transport.DeadLettered, Reason: "retries_exhausted"})
	tele.Watch(Sources{
		Waiting: func() int { return 12 }, OldestWaiting: func() time.Duration { return 90 * time.Second },
		Actors: func() int { return 4 }, WindowEvents: func() int { return 7 }, WindowBytes: func() int64 { return 1 << 40 },
		Endpoints: func() map[string]int { return map[string]int{"active": 2, "odd": 1} },
	})
	expect(t, tele,
		`postrider_published_total 3`, `postrider_unrouted_total 1`, `postrider_filter_errors_total 1`, `postrider_deferred_total 64`, `postrider_in_flight 3`,
		`postrider_delivered_total 1`,
		`postrider_failed_total{class="failed",reason="status"} 1`, `postrider_failed_total{class="refused",reason="other"} 1`,
		`postrider_skipped_total{reason="duplicate"} 1`, `postrider_dead_lettered_total{reason="retries_exhausted"} 1`,
		`postrider_attempt_duration_seconds_count{class="failed"} 1`, `postrider_attempt_duration_seconds_sum{class="failed"} 1.5`,
		`postrider_journal_batches_total 2`, `postrider_journal_records_total 256`, `postrider_journal_errors_total 1`,
		`postrider_ledger_errors_total 1`, `postrider_ledger_fallback_events_total 7`, `postrider_ledger_fallback 1`,
		`postrider_waiting 12`, `postrider_oldest_waiting_seconds 90`, `postrider_actors 4`,
		`postrider_window_events 7`, `postrider_window_bytes 1.099511627776e+12`,
		`postrider_endpoints{state="active"} 2`, `postrider_endpoints{state="failing"} 0`, `postrider_endpoints{state="other"} 1`,
		`postrider_build_info{version="test"} 1`, `go_goroutines `)
	tele.LedgerFallback(false)
	expect(t, tele, `postrider_ledger_fallback 0`)
}

func expect(t *testing.T, tele *Telemetry, lines ...string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	tele.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range lines {
		if !strings.Contains(recorder.Body.String(), "\n"+line) {
			t.Errorf("no %s in the metrics", line)
		}
	}
}

// From the bucket of an attempt that was slow to its trace: an exemplar, in
// OpenMetrics alone, and of traces that are kept alone.
func TestAttemptsHaveExemplars(t *testing.T) {
	tele, _ := logging(t, "error")
	scrape := func(accept string) string {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", accept)
		recorder := httptest.NewRecorder()
		tele.Handler().ServeHTTP(recorder, r)
		return recorder.Body.String()
	}
	const openMetrics, bucket = "application/openmetrics-text; version=1.0.0", "postrider_attempt_duration_seconds_bucket{class=\"failed\",le=\"2.5\"} 1"
	r := attempt()
	tele.Record(r)
	if out := scrape(openMetrics); !strings.Contains(out, bucket+"\n") {
		t.Error("an attempt whose trace is not kept has an exemplar, or is not counted")
	}
	r.Sampled = true
	tele.Record(r)
	want := regexp.MustCompile(`postrider_attempt_duration_seconds_bucket\{class="failed",le="2.5"\} 2 # \{trace_id="4bf92f3577b34da6a3ce929d0e0e4736"\} 1.5 \d`)
	if out := scrape(openMetrics); !want.MatchString(out) || !strings.HasSuffix(out, "# EOF\n") {
		t.Errorf("no exemplar in\n%s", out)
	}
	if out := scrape("text/plain"); strings.Contains(out, "trace_id") {
		t.Error("an exemplar in a format that has none")
	}
}

func TestLabelsAreBounded(t *testing.T) {
	tele, _ := logging(t, "error")
	before, err := testutil.GatherAndCount(tele.registry)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		r := attempt()
		r.Customer, r.Endpoint, r.Answer.Reason = fmt.Sprint(i), fmt.Sprint(i), fmt.Sprint(i)
		tele.Record(r)
		tele.Record(&transport.Record{Kind: transport.Skipped, Reason: fmt.Sprint(i)})
		tele.StateChange(fmt.Sprint(i), fmt.Sprint(i), fmt.Sprint(i), fmt.Sprint(i))
	}
	if after, err := testutil.GatherAndCount(tele.registry); err != nil || after != before {
		t.Errorf("%d series became %d (%v)", before, after, err)
	}
	if problems, err := testutil.GatherAndLint(tele.registry); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func TestNilCountsNothing(t *testing.T) {
	var tele *Telemetry
	tele.Record(attempt())
	tele.Published(1)
	tele.Unrouted()
	tele.Deferred(1)
	tele.InFlight(1)
	tele.JournalBatch(1, 1, nil)
	tele.LedgerError()
	tele.LedgerFellBack(1)
	tele.LedgerFallback(true)
	tele.StateChange("", "", "", "")
	tele.Watch(Sources{})
}

func TestLogger(t *testing.T) {
	for _, c := range []struct{ format, level, field string }{
		{"", "", ""}, {"text", "debug", ""}, {"json", "warn", ""}, {"json", "error", ""},
		{"xml", "", "log.format"}, {"", "loud", "log.level"},
	} {
		_, err := NewLogger(io.Discard, c.format, c.level)
		var fe *transport.FieldError
		if c.field == "" && err != nil || c.field != "" && !(errors.As(err, &fe) && fe.Field == c.field) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestPprof(t *testing.T) {
	said := make(chan string, 1)
	log := slog.New(slog.NewTextHandler(addressOf(said), nil))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ServePprof(ctx, "127.0.0.1:0", log) }()
	url := "http://" + <-said
	for path, want := range map[string]int{"/debug/pprof/": 200, "/debug/pprof/heap?debug=1": 200, "/debug/pprof/cmdline": 404, "/": 404} {
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := ServePprof(t.Context(), "127.0.0.1:99999", log); err == nil || !strings.Contains(err.Error(), "another address") {
		t.Errorf("a bad address gave %v", err)
	}
}

// addressOf passes on the address that a log line names.
type addressOf chan<- string

func (a addressOf) Write(b []byte) (int, error) {
	if found := regexp.MustCompile(`address=(\S+)`).FindSubmatch(b); found != nil {
		a <- string(found[1])
	}
	return len(b), nil
}

func BenchmarkRecord(b *testing.B) {
	log, _ := NewLogger(io.Discard, "json", "info")
	tele := New("bench").LogTo(log)
	r := &transport.Record{Kind: transport.Tried, Answer: transport.Answer{Class: transport.Delivered, Took: time.Millisecond}}
	b.ReportAllocs()
	for b.Loop() {
		tele.Record(r)
	}
}
