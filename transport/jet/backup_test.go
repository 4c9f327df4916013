package jet

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
)

func noTell(int64) {}

// What a backup carries: streams with their sequences, consumers with what is
// acked, and schedules, both those that are still due and those that would
// have fired meanwhile. From an external server into an embedded one.
func TestBackupCarriesConsumersAndSchedules(t *testing.T) {
	b := startBare(t)
	s := b.open()
	sink := newSink(100)
	c, _ := startConsuming(t, s, sink)
	for range 2 {
		publishOn(t, s, "events.acme.x", `{}`)
		sink.event(t).h.Ack()
	}
	eventually(t, func() bool { return ackFloor(t, s, StreamEvents) == 2 })
	soon, later := time.Now().Add(2*time.Second), time.Now().Add(6*time.Second)
	parkOne(t, s, endpointA, 11, soon)
	parkOne(t, s, endpointA, 12, later)
	folder := t.TempDir()
	if _, err := Backup(testContext(t), Options{URL: b.srv.ClientURL()}, folder, noTell); err == nil || !strings.Contains(err.Error(), "a node is at work") {
		t.Fatalf("while a node pulls: %v", err)
	}
	shutWith(t, c.Stop)
	publishOn(t, s, "events.acme.x", `{}`) // producers go on
	foreign := jetstream.StreamConfig{Name: "OTHERS", Subjects: []string{"others.>"}}
	if _, err := s.js.CreateStream(testContext(t), foreign); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		cons, err := s.js.Consumer(testContext(t), StreamEvents, consumerName)
		return err == nil && cons.CachedInfo().NumWaiting == 0
	})
	all, err := Backup(testContext(t), Options{URL: b.srv.ClientURL()}, folder, noTell)
	if err != nil {
		t.Fatal(err)
	}
	var names, ours []string
	for _, one := range all {
		names = append(names, one.Name)
	}
	for info := range s.js.ListStreams(testContext(t)).Info() {
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
	if notes, err := Restore(testContext(t), o, folder, all, noTell); err != nil || len(notes) != 0 {
		t.Fatal(notes, err)
	}
	if _, err := Restore(testContext(t), o, folder, all, noTell); err == nil || !strings.Contains(err.Error(), "into an empty node only") {
		t.Errorf("over data: %v", err)
	}
	restored := openEmbedded(t, o)
	if floor := ackFloor(t, restored, StreamEvents); floor != 2 {
		t.Errorf("ack floor %d", floor)
	}
	again := newSink(100)
	startConsuming(t, restored, again)
	if got := again.event(t); got.ev.Seq != 3 {
		t.Errorf("event %d", got.ev.Seq)
	}
	for i, want := range []uint64{11, 12} {
		got := receiveFrom(t, again.due, "what was parked")
		if seq := got.seg.Entries[0].Event.Seq; seq != want || i == 1 && got.at.Before(later.Add(-250*time.Millisecond)) {
			t.Errorf("came back: %d at %s, due %s", seq, got.at, later)
		}
		got.h.Ack()
	}
	if seq := publishOn(t, restored, "events.acme.x", `{}`); seq != 4 {
		t.Errorf("the next event is %d", seq)
	}
}

func TestBackupsThatAreRefused(t *testing.T) {
	o := embeddedOptions(t)
	if _, err := Backup(testContext(t), o, t.TempDir(), noTell); err == nil || !strings.Contains(err.Error(), "nothing to back up") {
		t.Errorf("nothing there: %v", err)
	}
	s := openEmbedded(t, o)
	publishOn(t, s, "events.acme.x", `{}`)
	folder := t.TempDir()
	if _, err := Backup(testContext(t), o, folder, noTell); err == nil || !strings.Contains(err.Error(), "in use by another node") {
		t.Errorf("while a node runs: %v", err)
	}
	closeStore(t, s)
	all, err := Backup(testContext(t), o, folder, noTell)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(testContext(t), embeddedOptions(t), folder, []BackupStream{{Name: "../x"}}, noTell); err == nil || !strings.Contains(err.Error(), "no stream's name") {
		t.Errorf("another path: %v", err)
	}

	const nonsense = "not a snapshot at all"
	// A file that lies, with a digest that fits it: the server refuses it, and
	// nothing stays behind.
	last := &all[len(all)-1]
	if err := os.WriteFile(last.path(folder), []byte(nonsense), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := embeddedOptions(t)
	if _, err := Restore(testContext(t), empty, folder, all, noTell); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("damaged: %v", err)
	}
	*last = BackupStream{Name: last.Name, Config: last.Config, State: last.State, SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(nonsense)))}
	if _, err := Restore(testContext(t), empty, folder, all, noTell); err == nil {
		t.Error("nonsense was restored")
	}
	entries, err := os.ReadDir(filepath.Join(empty.DataDir, "jetstream", accountSystem, "streams"))
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
		if all[i].Name == StreamEvents {
			lying[0] = all[i]
		}
	}
	lying[0].State.Messages++
	if _, err := Restore(testContext(t), empty, folder, lying, noTell); err == nil || !strings.Contains(err.Error(), "1 messages up to sequence 1 are there") {
		t.Errorf("fewer messages: %v", err)
	}
}
