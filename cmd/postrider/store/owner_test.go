package store

import (
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/jet/journal"
	"github.com/postrider/postrider/transport/jet/owner"
)

// alone acts always, and is told nothing.
type alone struct{}

func (alone) Acts() bool       { return true }
func (alone) Proved(time.Time) {}
func (alone) Refused()         {}

// take writes the owner's records in place of what is there.
func take(t *testing.T, s *Store, boot string, epoch uint64) {
	t.Helper()
	ctx := jettest.Context(t)
	v, err := s.Owners.Look(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for stream := range owner.Streams {
		if _, err := s.Owners.Write(ctx, stream, transport.Owner{Node: boot, Boot: boot, Epoch: epoch}, v.Records[stream].Seq, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.Fence.Own(epoch, s.Fence.Journal.Owned())
}

// What an owner writes beside its records is nobody's segment, letter or record,
// and leaves no hole in the journal: a message that is gone does.
func TestOwnersRecordsAreNothingElse(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	s.Fence.Watch(alone{})
	ctx := jettest.Context(t)
	beat := func() {
		t.Helper()
		if err := s.Owners.Beat(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
	}
	journalAll(t, s, jettest.FanOutOf(1, "1", jettest.EndpointA)) // of a version that knows no owners
	take(t, s, "a", 1)
	beat()
	journalAll(t, s, jettest.TriedRecord(1, 1, transport.Delivered))
	beat()
	journalAll(t, s, jettest.FanOutOf(2, "2", jettest.EndpointA))
	last, err := s.Owners.Look(ctx)
	if err != nil {
		t.Fatal(err)
	}
	beat()
	take(t, s, "b", 2)
	journalAll(t, s, jettest.TriedRecord(2, 1, transport.Delivered), jettest.FanOutOf(3, "3", jettest.EndpointA))
	parkOne(t, s, jettest.EndpointA, 3, time.Now().Add(time.Hour))
	bury(t, s, &transport.DeadLetter{Customer: "acme", Endpoint: jettest.EndpointB, Reason: transport.ReasonGone, Event: &transport.Event{Seq: 9, Data: []byte(`{}`)}})
	beat()
	o := journal.AuditOptions{Held: func() []transport.Pair { return nil }, Routed: func() uint64 { return 3 }}
	if a := audit(t, s, o); !a.OK || a.Endpoints[0].Owed != 3 || a.Endpoints[0].Waiting != 1 {
		t.Errorf("the audit: %+v", a)
	}
	letters, _, err := s.Letters.DeadLetters(ctx, transport.LetterFilter{})
	if err != nil || len(letters) != 1 {
		t.Errorf("%d letters, %v", len(letters), err)
	}
	if err := s.SweepPayloads(ctx); err != nil {
		t.Error(err)
	}
	stream, err := s.JetStream().Stream(ctx, jet.StreamAttempts)
	if err == nil {
		err = stream.DeleteMsg(ctx, last.Last) // the second fan-out
	}
	if err != nil {
		t.Fatal(err)
	}
	if a := audit(t, s, o); a.OK {
		t.Errorf("with a message gone: %+v", a)
	}
}
