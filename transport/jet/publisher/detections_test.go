package publisher

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

func ofDetections(c *jetstream.StreamConfig) {
	c.Subjects, c.Duplicates = []string{"detections.>"}, time.Minute
}

func TestPublishDetections(t *testing.T) {
	_, p, stream := run(t, ofDetections)
	docs := make([][]byte, 2500)
	for i := range docs {
		docs[i] = fmt.Appendf(nil, `{"id":"%d"}`, i)
	}
	if err := p.PublishDetections(within(t), "detections.i45.north", docs); err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{1, 1000, 1001, 2500} {
		m, err := stream.GetMsg(within(t), seq)
		if err != nil || string(m.Data) != string(docs[seq-1]) || m.Subject != "detections.i45.north" {
			t.Errorf("message %d: %+v, %v", seq, m, err)
		}
	}
}

func TestADetectionWithAnIDIsStoredOnce(t *testing.T) {
	_, p, stream := run(t, ofDetections)
	for _, id := range []string{"a", "b", "a", "", ""} {
		if err := p.PublishDetection(within(t), "detections.i45", id, []byte("\ufeff{}")); err != nil {
			t.Fatal(err)
		}
	}
	if n := last(t, stream); n != 4 {
		t.Errorf("%d are stored", n)
	}
}

func TestPublishDetectionsRefuses(t *testing.T) {
	_, p, stream := run(t, ofDetections)
	for name, c := range map[string]struct{ subject, id, doc, field string }{
		"an event's subject": {"events.a.b", "", "{}", "subject"},
		"a wildcard":         {"detections.>", "", "{}", "subject"},
		"an id":              {"detections.a", "a\nb", "{}", "id"},
		"not JSON":           {"detections.a", "", "{", "data"},
		"too large":          {"detections.a", "", `"` + strings.Repeat("x", 1<<20) + `"`, "data"},
	} {
		var fe *transport.FieldError
		if err := p.PublishDetection(within(t), c.subject, c.id, []byte(c.doc)); !errors.As(err, &fe) || fe.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
		if c.id != "" {
			continue
		}
		if err := p.PublishDetections(within(t), c.subject, [][]byte{[]byte("{}"), []byte(c.doc)}); !errors.As(err, &fe) || fe.Field != c.field {
			t.Errorf("%s in a list: %v", name, err)
		}
	}
	if n := last(t, stream); n != 0 {
		t.Errorf("%d were stored all the same", n)
	}
}
