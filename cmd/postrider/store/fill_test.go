package store

import (
	"slices"
	"testing"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestFill(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	for _, text := range []string{`1`, `2`} {
		if _, err := s.Events.Submit(jettest.Context(t), []transport.Event{{Customer: "a", Type: "a", Data: []byte(text)}}); err != nil {
			t.Fatal(err)
		}
	}
	fill := s.Fill(jettest.Context(t))
	if len(fill) != 9 {
		t.Errorf("of 9 streams %d are told: %+v", len(fill), fill)
	}
	at := slices.IndexFunc(fill, func(i jet.StreamInfo) bool { return i.Name == jet.StreamEvents })
	if at < 0 || fill[at].Messages != 2 || fill[at].Bytes == 0 || fill[at].MaxBytes <= 0 || fill[at].LastSeq != 2 {
		t.Errorf("EVENTS: %+v", fill)
	}
	first, err1 := s.StoredAt(jettest.Context(t), 1)
	second, err2 := s.StoredAt(jettest.Context(t), 2)
	none, err3 := s.StoredAt(jettest.Context(t), 3)
	if err1 != nil || err2 != nil || err3 != nil || first.IsZero() || second.Before(first) || !none.IsZero() {
		t.Errorf("stored at %v, %v, %v (%v, %v, %v)", first, second, none, err1, err2, err3)
	}
}
