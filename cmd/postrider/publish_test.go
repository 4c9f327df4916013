package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// collector takes events until it has room for no more.
type collector struct {
	events  []publisher.Event
	batches []int
	room    int
}

func (s *collector) publish(_ context.Context, events []publisher.Event) (int, error) {
	n := min(len(events), s.room-len(s.events))
	s.events, s.batches = append(s.events, events[:n]...), append(s.batches, n)
	if n < len(events) {
		return n, errors.New("the log is full")
	}
	return n, nil
}

func (*collector) close() {}

func publishLines(t *testing.T, sink *collector, in string) (string, error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{stdout: &stdout, stderr: &stderr, output: "table"}
	err := a.publishLines(t.Context(), &lines{in: strings.NewReader(in), file: "in.ndjson", check: checkDocument}, sink, publisher.Event{Customer: "acme", Type: "x"})
	return stdout.String() + stderr.String(), err
}

func TestLinesGoInBatches(t *testing.T) {
	var in strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&in, "{\"n\":%d}\r\n\n", i)
	}
	sink := &collector{room: 1 << 20}
	out, err := publishLines(t, sink, in.String())
	if err != nil || out != "published 2,500\n" {
		t.Errorf("%q, %v", out, err)
	}
	if fmt.Sprint(sink.batches) != "[1000 1000 500]" {
		t.Errorf("batches %v", sink.batches)
	}
	for i, e := range sink.events {
		if want := fmt.Sprintf(`{"n":%d}`, i); string(e.Data) != want || e.Customer != "acme" || e.Type != "x" {
			t.Fatalf("event %d is %s, want %s", i, e.Data, want)
		}
	}
}

func TestLargeLinesMakeSmallBatches(t *testing.T) {
	line := `"` + strings.Repeat("x", 2<<20) + `"` + "\n"
	sink := &collector{room: 1 << 20}
	if _, err := publishLines(t, sink, strings.Repeat(line, 5)); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(sink.batches) != "[2 2 1]" {
		t.Errorf("batches %v", sink.batches)
	}
	_, err := publishLines(t, sink, `1`+"\n"+`"`+strings.Repeat("x", transport.MaxHTTPEvent)+`"`)
	if err == nil || !strings.Contains(err.Error(), "in.ndjson line 2 is larger than 8,388,608 bytes") {
		t.Error(err)
	}
}

func TestABreakTellsHowFarItCame(t *testing.T) {
	in := "1\n\n" + strings.Repeat("2\n", 1998)
	_, err := publishLines(t, &collector{room: 1500}, in)
	if want := "the log is full (1,500 documents were published, up to line 1501)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = publishLines(t, &collector{room: 1 << 20}, strings.Repeat("1\n", 1000)+"1\n{\n")
	if want := "in.ndjson line 1002 is not JSON; give one JSON document, or --lines for one a line (1,000 documents were published, up to line 1000)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestWhatIsPublishedOnASubject(t *testing.T) {
	for subject, want := range map[string]string{
		"events.acme.access.granted": `{"a":1}: ok`,
		"detections.i45.north":       `{"a":1}: ok`,
		"events.acme":                "SUBJECT",
		"ops.acme.x":                 "Postrider alone",
		"detections.*":               "SUBJECT",
		"detections.":                "SUBJECT",
		"runs.acme.hot":              "SUBJECT",
	} {
		to, err := parseSubject(subject)
		got := fmt.Sprint(err)
		if err == nil && to.check([]byte(`{"a":1}`)) == nil {
			got = `{"a":1}: ok`
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", subject, got, want)
		}
	}
	for document, want := range map[string]string{
		`{"time":"2024-05-21T12:00:00Z"}`: "<nil>", `{"time":"noon"}`: "<nil>", `[]`: "is no detection", `{`: "is not JSON", "": "is empty",
	} {
		if err := checkDetection([]byte(document)); !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %s", document, err, want)
		}
	}
}

func TestNATSAddressOfTheSettings(t *testing.T) {
	tests := []struct {
		flags map[string]any
		want  string
	}{
		{nil, "nats://127.0.0.1:4222"},
		{map[string]any{"nats.listen": "0.0.0.0:4300", "nats.user": "u", "nats.password": "p@w"}, "nats://u:p%40w@127.0.0.1:4300"},
		{map[string]any{"nats.listen": ":4222", "nats.token": "t", "nats.tls_cert": "c", "nats.tls_key": "k"}, "tls://t@127.0.0.1:4222"},
		{map[string]any{"nats.url": "nats://u:p@far:4222"}, "nats://u:p@far:4222"},
		{map[string]any{"nats.listen": ""}, "nats.listen is empty"},
		{map[string]any{"nats.url": "nats://far", "nats.credentials": "x.creds"}, "nats.credentials is set"},
	}
	t.Chdir(t.TempDir())
	for _, tt := range tests {
		cfg, err := config.Load(config.Sources{Flags: tt.flags})
		if err != nil {
			t.Fatal(err)
		}
		got, err := natsURL(cfg)
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%v: got %s, want %s", tt.flags, got, tt.want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for args, want := range map[string]int{
		"version":                     0,
		"frobnicate":                  exitUsage,
		"endpoint frobnicate":         exitUsage,
		"version --frob":              exitUsage,
		"version -o xml":              exitUsage,
		"publish":                     exitUsage,
		"publish events.a.b /nowhere": exitFailed,
		"audit --server x":            exitUsage,
		"audit --server http://127.0.0.1:1 --token t": exitFailed,
		"audit --config /nowhere.yaml":                exitFailed,
	} {
		var stdout, stderr bytes.Buffer
		if code := Run(t.Context(), strings.Fields(args), nil, strings.NewReader(""), &stdout, &stderr); code != want {
			t.Errorf("postrider %s: exit code %d, want %d: %s", args, code, want, stderr.String())
		}
		if want != 0 && strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("postrider %s: not one line: %q", args, stderr.String())
		}
	}
}

func TestErrorAnswersAreOneLine(t *testing.T) {
	for body, want := range map[string]string{
		`{"message":"url: missing","details":{"field":"url"}}`:    "url: missing",
		`{"message":"too large","details":{"field":"events[3]"}}`: "events[3]: too large",
		`{"detail":"User lacks required roles: ['admin']"}`:       "User lacks required roles: ['admin']",
		`{"message":"two\nlines\u001b[31m"}`:                      "two lines [31m",
		`<html>`:                                                  "http://x answered 404 Not Found; check --server",
		`{"detail":[{"loc":"body"}]}`:                             "http://x answered 404 Not Found; check --server",
		``:                                                        "http://x answered 404 Not Found; check --server",
	} {
		if got := answerError("http://x", 404, []byte(body)).Error(); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}
