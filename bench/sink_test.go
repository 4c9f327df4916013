package bench

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func started(t *testing.T, flags ...string) *sinkProcess {
	t.Helper()
	p, err := startSink(context.Background(), flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestSinkCounts(t *testing.T) {
	p := started(t, checkAll...)
	b, err := newBarePost(p.url(0), bareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	client := b.netHTTP()
	defer client.close()
	send := client.worker()
	post := func() {
		t.Helper()
		if err := send(); err != nil {
			t.Fatal(err)
		}
	}
	post()
	post() // the same id again
	b.header.Set("Webhook-Id", "EVENTS-2")
	post()
	b.header.Set(signatureHeader, "sha512=00")
	b.header.Set("Webhook-Id", "EVENTS-3")
	post()
	s, err := p.stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Received != 4 || s.Bytes != 4*DocumentSize || s.Distinct != 3 || s.Verified != 4 || s.BadSignatures != 1 || s.Refused != 0 {
		t.Errorf("got %+v", s)
	}
	if s.Latency.Count != 4 || s.CPU <= 0 || len(s.PerSecond) == 0 {
		t.Errorf("got %+v", s)
	}

	if err := p.reset(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	post() // meant before the hour: counted, not timed
	if s, err = p.stats(t.Context()); err != nil || s.Received != 1 || s.Distinct != 1 || s.Latency.Count != 0 {
		t.Errorf("after the reset: %+v, %v", s, err)
	}
}

func TestSinkRefuses(t *testing.T) {
	p := started(t)
	c, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 405 ") {
		t.Errorf("got %q, %v", answer, err)
	}
	if s, err := p.stats(t.Context()); err != nil || s.Refused != 1 || s.Received != 0 {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestSinkControlRefusesWhatItCannotRead(t *testing.T) {
	p := started(t)
	if _, err := p.ask(t.Context(), http.MethodPost, "/reset?latency_from=soon"); err == nil || !strings.Contains(err.Error(), "latency_from") {
		t.Errorf("got %v", err)
	}
}

func TestSinkMainRefusesUnknownFlags(t *testing.T) {
	if err := SinkMain(t.Context(), []string{"-nothing"}, io.Discard); err == nil {
		t.Error("an unknown flag was taken")
	}
}

// The time between intended publish and receipt is what the sink reports.
func TestSinkMeasuresFromTheIntendedTime(t *testing.T) {
	p := started(t)
	b, err := newBarePost(p.url(0), bareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b.body = documents([]time.Time{time.Now().Add(-time.Minute)})[0]
	client := b.netHTTP()
	defer client.close()
	if err := client.worker()(); err != nil {
		t.Fatal(err)
	}
	s, err := p.stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Latency.P50; got < 59*time.Second {
		t.Errorf("meant a minute ago, timed as %s", got)
	}
}

// Receivers of one process behave and count each for itself.
func TestReceiversBehaveAsTheyAreTold(t *testing.T) {
	p := started(t)
	other, err := p.open(t.Context(), "other", sinkOptions{ids: true, times: true})
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBarePost(other.url(0), bareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b.timeout = 200 * time.Millisecond
	client := b.netHTTP()
	defer client.close()
	post := client.worker()
	for _, c := range []struct{ behaviour, want string }{
		{"well", ""},
		{"failing", "500"},
		{"hanging", "Timeout"},
		{"down", "refused"},
		{"down", "refused"},
		{"well", ""},
	} {
		if err := other.behave(t.Context(), c.behaviour); err != nil {
			t.Fatal(err)
		}
		if err := post(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.behaviour, err, c.want)
		}
	}
	counts, err := other.counts(t.Context())
	if err != nil || counts != (sinkCounts{Received: 2, Distinct: 1, Refused: 2}) {
		t.Errorf("got %+v, %v", counts, err)
	}
	times, err := other.arrivals(t.Context())
	if err != nil || len(times) != 2 || times[1].Before(times[0]) || time.Since(times[0]) > time.Minute {
		t.Errorf("arrived at %v, %v", times, err)
	}
	if counts, err = p.counts(t.Context()); err != nil || counts != (sinkCounts{}) {
		t.Errorf("the first one counted %+v, %v", counts, err)
	}
	if _, err := p.open(t.Context(), "other", sinkOptions{}); err == nil {
		t.Error("two of one name")
	}
	if err := other.behave(t.Context(), "moody"); err == nil || !strings.Contains(err.Error(), "as: must be") {
		t.Errorf("got %v", err)
	}
	if err := (&sinkReceiver{process: p, name: "nobody"}).behave(t.Context(), "well"); err == nil {
		t.Error("a receiver that is not there took it")
	}
}
