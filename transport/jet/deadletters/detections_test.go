package deadletters

import (
	"testing"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

// What is no detection is buried once, however often it is read.
func TestUnreadDetectionsAreBuriedOnce(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	unread := func(seq uint64) transport.UnreadDetection {
		return transport.UnreadDetection{RawDetection: transport.RawDetection{Seq: seq, Stored: jettest.Time, Subject: "detections.cam1", Data: []byte(`[1`)}, Detail: "detection: no '{'"}
	}
	for range 3 {
		if err := s.BuryDetections(jettest.Context(t), []transport.UnreadDetection{unread(7), unread(9)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.BuryDetections(jettest.Context(t), []transport.UnreadDetection{unread(9), unread(10)}); err != nil {
		t.Fatal(err)
	}
	letters, _, err := s.DeadLetters(jettest.Context(t), transport.LetterFilter{Limit: 100})
	if err != nil || len(letters) != 3 {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	for i, seq := range []uint64{10, 9, 7} { // newest first
		l := letters[i]
		if l.Event.Seq != seq || l.Reason != transport.ReasonNotReadable || l.Detail != "detection: no '{'" || l.Subject != "detections.cam1" || string(l.Event.Data) != `[1` {
			t.Errorf("%+v", l)
		}
	}
}
