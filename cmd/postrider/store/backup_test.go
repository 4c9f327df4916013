package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/admin"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func noTell(int64) {}

// What a backup carries: streams with their sequences, consumers with what is
// acked, and schedules, both those that are still due and those that would
// have fired meanwhile. From an external server into an embedded one.
func TestBackupCarriesConsumersAndSchedules(t *testing.T) {
	b := jettest.StartBare(t)
	s := openBare(t, b)
	sink := jettest.NewSink(100)
	c, _ := startConsuming(t, s, sink)
	for range 2 {
		jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
		sink.Next(t).H.Ack()
	}
	jettest.Eventually(t, func() bool { return jettest.AckFloor(t, s.JetStream(), jet.StreamEvents) == 2 })
	soon, later := time.Now().Add(2*time.Second), time.Now().Add(6*time.Second)
	parkOne(t, s, jettest.EndpointA, 11, soon)
	parkOne(t, s, jettest.EndpointA, 12, later)
	folder := t.TempDir()
	if _, err := admin.Backup(jettest.Context(t), jet.Options{URL: b.Server.ClientURL()}, folder, noTell); err == nil || !strings.Contains(err.Error(), "a node is at work") {
		t.Fatalf("while a node pulls: %v", err)
	}
	jettest.ShutWith(t, c.Stop)
	jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`) // producers go on
	foreign := jetstream.StreamConfig{Name: "OTHERS", Subjects: []string{"others.>"}}
	if _, err := s.JetStream().CreateStream(jettest.Context(t), foreign); err != nil {
		t.Fatal(err)
	}
	jettest.Eventually(t, func() bool {
		cons, err := s.JetStream().Consumer(jettest.Context(t), jet.StreamEvents, jet.ConsumerName)
		return err == nil && cons.CachedInfo().NumWaiting == 0
	})
	all, err := admin.Backup(jettest.Context(t), jet.Options{URL: b.Server.ClientURL()}, folder, noTell)
	if err != nil {
		t.Fatal(err)
	}
	var names, ours []string
	for _, one := range all {
		names = append(names, one.Name)
	}
	for info := range s.JetStream().ListStreams(jettest.Context(t)).Info() {
		if info.Config.Name != "OTHERS" {
			ours = append(ours, info.Config.Name)
		}
	}
	slices.Sort(ours)
	if !slices.Equal(names, ours) {
		t.Errorf("backed up %v, there are %v", names, ours)
	}
	closeStore(t, s)
	<-time.After(time.Until(soon)) // it is due while nobody is there

	o := embeddedOptions(t)
	if notes, err := admin.Restore(jettest.Context(t), o.Options, folder, all, noTell); err != nil || len(notes) != 0 {
		t.Fatal(notes, err)
	}
	if _, err := admin.Restore(jettest.Context(t), o.Options, folder, all, noTell); err == nil || !strings.Contains(err.Error(), "into an empty node only") {
		t.Errorf("over data: %v", err)
	}
	restored := openEmbedded(t, o)
	if floor := jettest.AckFloor(t, restored.JetStream(), jet.StreamEvents); floor != 2 {
		t.Errorf("ack floor %d", floor)
	}
	again := jettest.NewSink(100)
	startConsuming(t, restored, again)
	if got := again.Next(t); got.Ev.Seq != 3 {
		t.Errorf("event %d", got.Ev.Seq)
	}
	for i, want := range []uint64{11, 12} {
		got := jettest.Receive(t, again.DueC, "what was parked")
		if seq := got.Seg.Entries[0].Event.Seq; seq != want || i == 1 && got.At.Before(later.Add(-250*time.Millisecond)) {
			t.Errorf("came back: %d at %s, due %s", seq, got.At, later)
		}
		got.H.Ack()
	}
	if seq := jettest.Publish(t, restored.JetStream(), "events.acme.x", `{}`); seq != 4 {
		t.Errorf("the next event is %d", seq)
	}
}

func TestBackupsThatAreRefused(t *testing.T) {
	o := embeddedOptions(t)
	if _, err := admin.Backup(jettest.Context(t), o.Options, t.TempDir(), noTell); err == nil || !strings.Contains(err.Error(), "nothing to back up") {
		t.Errorf("nothing there: %v", err)
	}
	s := openEmbedded(t, o)
	jettest.Publish(t, s.JetStream(), "events.acme.x", `{}`)
	folder := t.TempDir()
	if _, err := admin.Backup(jettest.Context(t), o.Options, folder, noTell); err == nil || !strings.Contains(err.Error(), "in use by another node") {
		t.Errorf("while a node runs: %v", err)
	}
	closeStore(t, s)
	all, err := admin.Backup(jettest.Context(t), o.Options, folder, noTell)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Restore(jettest.Context(t), embeddedOptions(t).Options, folder, []admin.BackupStream{{Name: "../x"}}, noTell); err == nil || !strings.Contains(err.Error(), "no stream's name") {
		t.Errorf("another path: %v", err)
	}

	const nonsense = "not a snapshot at all"
	// A file that lies, with a digest that fits it: the server refuses it, and
	// nothing stays behind.
	last := &all[len(all)-1]
	if err := os.WriteFile(filepath.Join(folder, last.Name+".snapshot"), []byte(nonsense), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := embeddedOptions(t)
	if _, err := admin.Restore(jettest.Context(t), empty.Options, folder, all, noTell); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("damaged: %v", err)
	}
	*last = admin.BackupStream{Name: last.Name, Config: last.Config, State: last.State, SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(nonsense)))}
	if _, err := admin.Restore(jettest.Context(t), empty.Options, folder, all, noTell); err == nil {
		t.Error("nonsense was restored")
	}
	entries, err := os.ReadDir(filepath.Join(empty.DataDir, "jetstream", "POSTRIDER", "streams"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") { // those the server is about to delete
			t.Errorf("left behind: %s", e.Name())
		}
	}
	// Fewer messages than the backup says.
	lying := slices.Clone(all[:1])
	for i := range all {
		if all[i].Name == jet.StreamEvents {
			lying[0] = all[i]
		}
	}
	lying[0].State.Messages++
	if _, err := admin.Restore(jettest.Context(t), empty.Options, folder, lying, noTell); err == nil || !strings.Contains(err.Error(), "1 messages up to sequence 1 are there") {
		t.Errorf("fewer messages: %v", err)
	}
}
