package log

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

// reread gives the table that a snapshot of t makes.
func reread(t rapid.TB, was *table) *table {
	t.Helper()
	var b bytes.Buffer
	at := transport.JournalPosition{Journal: "ATTEMPTS", Seq: 17, At: testTime.Add(123456789)}
	w := &writer{w: &b}
	if w.table(at, was); w.err != nil {
		t.Fatal(w.err)
	}
	r := &reader{r: &b}
	got, table := r.table(was.rows)
	if r.err != nil || got != at || b.Len() != 0 {
		t.Fatalf("%+v, %v, %d bytes left", got, r.err, b.Len())
	}
	if table.bytes() > was.bytes() || table.pruned != was.pruned {
		t.Fatalf("%d bytes, pruned %d; was %d, %d", table.bytes(), table.pruned, was.bytes(), was.pruned)
	}
	return table
}

func sampleTable() *table {
	t := newTable(5)
	for seq := uint64(1); seq <= 12; seq++ {
		t.record(placeOf(seq, 0), fanOut(seq, "a", "b"))
		t.record(placeOf(seq, 1), tried(seq, "a", transport.Failed, 503))
		t.record(placeOf(seq, 2), tried(seq, "a", transport.Delivered, 200))
		replayed := tried(seq, "b", transport.Delivered, 200)
		replayed.Replay = seq
		t.record(placeOf(seq, 3), replayed)
	}
	return t
}

func fanOut(seq uint64, endpoints ...string) *transport.Record {
	return &transport.Record{Kind: transport.FanOut, Seq: seq, Customer: "acme", EventID: "5fd0aad3d64a99000414d61e",
		EventType: "access.granted", At: testTime.Add(time.Duration(seq) * time.Second), Endpoints: endpoints}
}

func tried(seq uint64, endpoint string, class transport.Class, status int) *transport.Record {
	r := fanOut(seq)
	r.Kind, r.Endpoint, r.Number = transport.Tried, endpoint, 1
	r.Answer = transport.Answer{Class: class, Status: status, Took: 3 * time.Millisecond}
	return r
}

// Whatever of the file is wrong, it is passed over.
func TestASnapshotThatIsDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log", snapshotFile)
	was := sampleTable()
	if err := writeSnapshot(path, transport.JournalPosition{Seq: 12}, was); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, table, err := readSnapshot(path, 5); err != nil || table.count() != was.count() {
		t.Fatal(err)
	}
	if _, table, err := readSnapshot(filepath.Join(t.TempDir(), "none"), 5); table != nil || err != nil {
		t.Errorf("no file: %v", err)
	}
	damaged := map[string][]byte{"empty": {}, "another file": []byte("hello, this is another file altogether")}
	for at := range good {
		if at%7 == 0 {
			damaged["cut off"] = good[:at]
			flipped := bytes.Clone(good)
			flipped[at] ^= 0x41
			damaged["flipped"] = flipped
		}
		for what, b := range damaged {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, table, err := readSnapshot(path, 5); table != nil || err == nil {
				t.Fatalf("%s at %d is taken", what, at)
			}
		}
		clear(damaged)
	}
	if _, table, err := readSnapshot(path, 4); table != nil || err == nil {
		t.Error("larger chunks than ours are taken")
	}
}

func TestASnapshotIsReplacedWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, snapshotFile)
	for seq := range uint64(3) {
		if err := writeSnapshot(path, transport.JournalPosition{Seq: seq}, sampleTable()); err != nil {
			t.Fatal(err)
		}
	}
	if at, _, err := readSnapshot(path, 5); err != nil || at.Seq != 2 {
		t.Error(at, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeSnapshot(filepath.Join(dir, "file", snapshotFile), transport.JournalPosition{}, sampleTable()); err == nil {
		t.Error("written below a file")
	}
}

// Whatever is read can be used: listed, looked up, trimmed, and gone on with.
func FuzzSnapshot(f *testing.F) {
	for _, t := range []*table{newTable(5), sampleTable()} {
		var b bytes.Buffer
		w := &writer{w: &b}
		w.table(transport.JournalPosition{Journal: "x", Seq: 3}, t)
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r := &reader{r: bytes.NewReader(file)}
		_, table := r.table(5)
		if r.err != nil {
			return
		}
		for _, d := range listed(t, table, transport.DeliveryFilter{Limit: 500, Outcomes: []transport.Outcome{{State: transport.StateDelivered}}}) {
			table.lookup(d.Pair)
		}
		for seq := uint64(1); seq < 20; seq++ {
			table.record(placeOf(seq, 0), fanOut(seq, "a", "b"))
			table.record(placeOf(seq, 1), tried(seq, "a", transport.Delivered, 200))
		}
		table.trim(0, 0)
	})
}

func FuzzCursor(f *testing.F) {
	f.Add("2f.0")
	f.Add("")
	f.Add("1.zzzzzzzz")
	table := sampleTable()
	f.Fuzz(func(t *testing.T, cursor string) {
		page, err := table.page(t.Context(), &transport.DeliveryFilter{Cursor: cursor, Limit: 3})
		if err == nil && len(page.Deliveries) > 3 {
			t.Error("more than the limit")
		}
	})
}
