package gate

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

var twoStreams = []Stream{
	{Name: "EVENTS", Subject: "events.>", Created: time.Unix(1, 0), Window: time.Minute, Messages: 1 << 20},
	{Name: "DETECTIONS", Subject: "detections.>", Created: time.Unix(1, 0), Window: time.Minute, Messages: 1 << 20},
}

func TestNames(t *testing.T) {
	for request, want := range map[string][]string{
		``: {"EVENTS", "DETECTIONS"}, `{}`: {"EVENTS", "DETECTIONS"}, `{"subject":">"}`: {"EVENTS", "DETECTIONS"}, `{"subject":"*.a"}`: {"EVENTS", "DETECTIONS"},
		`{"subject":"events.acme.a"}`: {"EVENTS"}, `{"subject":"events.>"}`: {"EVENTS"}, `{"subject":"detections.*"}`: {"DETECTIONS"},
		`{"subject":"events"}`: {}, `{"subject":"due.0.x"}`: {}, `{"subject":"ops.>"}`: {}, `{"offset":1}`: {"DETECTIONS"}, `{"offset":-1}`: {"EVENTS", "DETECTIONS"}, `{"offset":99}`: {},
	} {
		var got apiNames
		if err := json.Unmarshal(look(twoStreams, "gate.api.STREAM.NAMES", []byte(request)), &got); err != nil || !slices.Equal(got.Streams, want) {
			t.Errorf("%s: %v, %v; want %v", request, got.Streams, err, want)
		}
	}
}

func TestNothingElseIsTold(t *testing.T) {
	for _, subject := range []string{"gate.api.STREAM.INFO.DEFERRED", "gate.api.STREAM.INFO.", "gate.api.STREAM.PURGE.EVENTS", "gate.api", "gate.api.CONSUMER.CREATE.EVENTS"} {
		if got := string(look(twoStreams, subject, nil)); !strings.Contains(got, `"code":404`) {
			t.Errorf("%s: %s", subject, got)
		}
	}
	if got := string(look(twoStreams, "gate.api.STREAM.INFO.EVENTS", nil)); !strings.Contains(got, `"messages":0`) || !strings.Contains(got, `"subjects":["events.\u003e"]`) {
		t.Error(got)
	}
}
