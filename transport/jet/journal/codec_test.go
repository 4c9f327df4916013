package journal

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/jet/wire"
)

// journalMessage encodes records as the journal does.
func journalMessage(records ...*transport.Record) []byte {
	msg := []byte{journalVersion}
	for _, r := range records {
		for rest := r.Endpoints; ; {
			n := min(len(rest), fanOutPart)
			msg = appendPart(msg, r, rest[:n], uint64(len(rest)-n))
			if rest = rest[n:]; len(rest) == 0 {
				break
			}
		}
	}
	return msg
}

func readRecords(msg []byte) (all []*transport.Record, err error) {
	err = newRecordReader().message(msg, func(r *transport.Record) error {
		all = append(all, r)
		return nil
	})
	return all, err
}

func drawRecord(t *rapid.T) *transport.Record {
	text := rapid.StringN(0, 60, 300)
	r := &transport.Record{
		Kind: transport.Kind(rapid.IntRange(1, 5).Draw(t, "kind")), Seq: rapid.Uint64().Draw(t, "seq"),
		Replay: rapid.Uint64().Draw(t, "replay"), Customer: text.Draw(t, "customer"), Endpoint: jettest.DrawEndpoint(t, "endpoint"),
		EventID: text.Draw(t, "id"), EventType: text.Draw(t, "type"), At: jettest.DrawTime(t, "at"), Reason: text.Draw(t, "reason")}
	if r.Kind == transport.FanOut || r.Kind == transport.Skipped && r.Endpoint == "" {
		// It is written by what lies between, which is no more than some 290 years.
		if stored := r.At.Add(time.Duration(rapid.Int64Range(-1<<61, 1<<61).Draw(t, "stored"))); !r.At.IsZero() && !stored.IsZero() {
			r.Stored = stored
		}
	}
	if id := rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, "trace"); len(id) == 16 {
		r.Trace = transport.TraceID(id)
	}
	switch r.Kind {
	case transport.Lost:
		r.To = rapid.Uint64().Draw(t, "to")
	case transport.FanOut:
		r.Revision = rapid.Uint64().Draw(t, "revision")
		for i := range rapid.IntRange(0, 5).Draw(t, "endpoints") {
			if id := jettest.DrawEndpoint(t, fmt.Sprint("endpoint ", i)); id != "" {
				r.Endpoints = append(r.Endpoints, id)
			}
		}
	case transport.Tried:
		r.Number, r.NextAt = rapid.IntRange(0, 1<<31-1).Draw(t, "number"), jettest.DrawTime(t, "next")
		r.Answer = transport.Answer{Revision: rapid.Uint64().Draw(t, "endpoint revision"), Settings: rapid.Uint32().Draw(t, "settings"), Class: transport.Class(rapid.IntRange(0, 6).Draw(t, "class")),
			Status: rapid.IntRange(0, 999).Draw(t, "status"), Reason: text.Draw(t, "answer reason"), Detail: text.Draw(t, "detail"),
			RetryAfter: jettest.DrawDuration(t, "retry after"), Took: jettest.DrawDuration(t, "took"), DNS: jettest.DrawDuration(t, "dns"),
			Connect: jettest.DrawDuration(t, "connect"), TLS: jettest.DrawDuration(t, "tls"), FirstByte: jettest.DrawDuration(t, "first byte"), Resent: rapid.Bool().Draw(t, "resent")}
		if b := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "body"); len(b) > 0 {
			r.Answer.Body = b
		}
		if sum := rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "sum"); len(sum) == 32 {
			r.Answer.BodySum = [32]byte(sum)
		}
	}
	return r
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in []*transport.Record
		for range rapid.IntRange(0, 5).Draw(t, "records") {
			in = append(in, drawRecord(t))
		}
		out, err := readRecords(journalMessage(in...))
		if err != nil {
			t.Fatal(err)
		}
		if len(out) != len(in) {
			t.Fatalf("%d records, want %d", len(out), len(in))
		}
		for i := range in {
			slices.Sort(in[i].Endpoints) // UUIDs go first; the order of endpoints means nothing
			slices.Sort(out[i].Endpoints)
			if !reflect.DeepEqual(in[i], out[i]) {
				t.Fatalf("\n got %+v\nwant %+v", out[i], in[i])
			}
		}
	})
}

func TestFanOutOfManyEndpointsIsWholeOrNotThere(t *testing.T) {
	r := &transport.Record{Kind: transport.FanOut, Seq: 7, Revision: 3, Customer: "acme", At: jettest.Time}
	for i := range 3*fanOutPart + 5 {
		r.Endpoints = append(r.Endpoints, fmt.Sprintf("5f0c2b7e-8f7d-4a63-9a55-%012x", i))
	}
	after := jettest.TriedRecord(8, 1, transport.Delivered)
	got, err := readRecords(journalMessage(r, after))
	if err != nil || len(got) != 2 || !slices.Equal(got[0].Endpoints, r.Endpoints) {
		t.Fatalf("%d records, %v", len(got), err)
	}
	cut := appendPart([]byte{journalVersion}, r, r.Endpoints[:fanOutPart], 5)
	cut = appendPart(cut, after, nil, 0)
	if got, err = readRecords(cut); err != nil || len(got) != 1 || got[0].Kind != transport.Tried {
		t.Fatalf("a fan-out cut off by a crash must not be given: %v, %v", got, err)
	}
}

func TestNewerFieldsAreSteppedOver(t *testing.T) {
	dst, at := wire.OpenSized([]byte{journalVersion})
	dst = wire.AppendNumber(dst, recSeq, 9)
	dst = wire.AppendNumber(dst, 1000, 5)
	dst = wire.AppendBytes(dst, 1001, []byte("from a later version"))
	dst = wire.AppendNumber(dst, recKind, uint64(transport.Skipped))
	got, err := readRecords(wire.CloseSized(dst, at))
	if err != nil || len(got) != 1 || got[0].Seq != 9 || got[0].Kind != transport.Skipped {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestLongTextsAreCutBetweenCharacters(t *testing.T) {
	r := jettest.TriedRecord(1, 1, transport.Failed)
	r.Answer.Detail = strings.Repeat("é", wire.MaxText)
	r.Answer.Body = bytes.Repeat([]byte("x"), 2*transport.MaxAnswerKept)
	got, err := readRecords(journalMessage(r))
	if err != nil || got[0].Answer.Detail != strings.Repeat("é", wire.MaxText/2) || len(got[0].Answer.Body) != transport.MaxAnswerKept {
		t.Fatalf("%v, detail %d bytes, body %d", err, len(got[0].Answer.Detail), len(got[0].Answer.Body))
	}
}

func TestBrokenMessagesAreErrors(t *testing.T) {
	whole := journalMessage(jettest.TriedRecord(1, 1, transport.Delivered))
	for name, msg := range map[string][]byte{
		"empty": {}, "a later version": {9}, "cut": whole[:len(whole)-1], "a length too far": {journalVersion, 0xff, 0xff, 0xff, 0x7f},
		"a text where a number belongs": {journalVersion, 3, recSeq<<1 | wire.FormBytes, 1, 1},
	} {
		if _, err := readRecords(msg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(journalMessage(jettest.TriedRecord(1, 1, transport.Delivered)))
	f.Add(journalMessage(&transport.Record{Kind: transport.FanOut, Seq: 2, Endpoints: []string{jettest.EndpointA, "x"}}))
	f.Fuzz(func(t *testing.T, msg []byte) {
		got, err := readRecords(msg)
		if err != nil {
			return
		}
		again, err := readRecords(journalMessage(got...))
		if err != nil || len(again) != len(got) {
			t.Fatalf("%d records, then %d, %v", len(got), len(again), err)
		}
	})
}

func BenchmarkEncodeTried(b *testing.B) {
	r := jettest.TriedRecord(123456, 1, transport.Delivered)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = appendPart(buf[:0], r, nil, 0)
	}
}

func BenchmarkDecodeTried(b *testing.B) {
	buf := appendPart(nil, jettest.TriedRecord(123456, 1, transport.Delivered), nil, 0)
	d := newRecordReader()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := d.record(buf[4:]); err != nil {
			b.Fatal(err)
		}
	}
}
