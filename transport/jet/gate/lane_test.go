package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// desk is a lane with what it answered and counted, and a clock.
type desk struct {
	*Lane
	t       testing.TB
	at      time.Time
	answers map[string][]string // by reply
	counted map[string]int
	seq     uint64
	hand    []publisher.Piece // taken and not stored yet
}

func newDesk(t testing.TB, bounds Bounds) *desk {
	d := &desk{t: t, at: time.Unix(1_000_000, 0), answers: map[string][]string{}, counted: map[string]int{}}
	d.Lane = NewLane(LaneOptions{
		Rules: Rules{Stream: "EVENTS", MaxPayload: 1 << 20, TooLarge: "publish it by HTTP", Read: readTest,
			Customer: func(subject string) (string, error) {
				customer, _, err := transport.ParseEventSubject(subject)
				return customer, err
			}},
		Bounds: bounds, Window: 2 * time.Minute, Now: func() time.Time { return d.at },
		Answer: func(reply string, data []byte) { d.answers[reply] = append(d.answers[reply], string(data)) },
		Count:  func(_, reason string, n int) { d.counted[reason] += n },
	})
	return d
}

// readTest takes JSON, and the id as it is.
func readTest(m *nats.Msg) (customer, id string, err error) {
	if !json.Valid(m.Data) {
		return "", "", errors.New("not_json")
	}
	customer, _, err = transport.ParseEventSubject(m.Subject)
	return customer, strings.TrimSpace(m.Header.Get(publisher.HeaderID)), err
}

// publish gives a message in, with an id or "", and the name of its reply or "".
func (d *desk) publish(customer, id, reply string, data string) {
	m := &nats.Msg{Subject: "events." + customer + ".a", Data: []byte(data)}
	if id != "" {
		m.Header = nats.Header{"Nats-Msg-Id": {id}}
	}
	if reply != "" {
		m.Reply = replyPrefix + reply
	}
	d.Take(m)
}

func (d *desk) take(messages int) int {
	before := len(d.hand)
	d.Pieces(messages, 16<<20, func(p publisher.Piece) { d.hand = append(d.hand, p) })
	return len(d.hand) - before
}

// store settles what was taken; err nil: it is stored.
func (d *desk) store(err error) {
	for _, p := range d.hand {
		if err == nil {
			d.seq++
			p.Stored(d.seq, nil)
			continue
		}
		p.Stored(0, err)
	}
	d.hand = nil
}

func (d *desk) hears(reply string, want ...string) {
	d.t.Helper()
	got := d.answers[replyPrefix+reply]
	if len(got) != len(want) {
		d.t.Errorf("%s hears %q, want %q", reply, got, want)
		return
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			d.t.Errorf("%s hears %q, want %q", reply, got[i], want[i])
		}
	}
}

var wide = DefaultBounds(1 << 20)

func TestAnAcknowledgementComesWhenItIsStored(t *testing.T) {
	d := newDesk(t, wide)
	d.publish("acme", "", "a", `{}`)
	d.publish("acme", "", "", `{}`)
	if n := d.take(10); n != 2 {
		t.Fatalf("%d taken", n)
	}
	d.hears("a")
	d.store(nil)
	d.hears("a", `{"stream":"EVENTS","seq":1}`)
}

func TestDuplicates(t *testing.T) {
	d := newDesk(t, wide)
	d.publish("acme", "1", "first", `{}`)
	d.publish("acme", "1", "under way", `{}`)
	d.publish("zeta", "1", "another's", `{}`)
	d.take(10)
	d.hears("under way")
	d.store(nil)
	d.hears("first", `"seq":1}`)
	d.hears("under way", `"seq":1,"duplicate":true`)
	d.hears("another's", `"seq":2}`)
	d.at = d.at.Add(2*time.Minute - 1)
	d.publish("acme", "1", "in time", `{}`)
	d.hears("in time", `"seq":1,"duplicate":true`)
	d.at = d.at.Add(1)
	d.publish("acme", "1", "too late", `{}`) // the ledger's, from here on
	d.take(10)
	d.store(nil)
	d.hears("too late", `"seq":3}`)
}

func TestARepeatOfOneThatFails(t *testing.T) {
	d := newDesk(t, wide)
	d.publish("acme", "1", "first", `{}`)
	d.publish("acme", "1", "second", `{}`)
	d.take(10)
	d.store(fmt.Errorf("full: %w", transport.ErrUnavailable))
	d.hears("first", `"err_code":10008`)
	d.hears("second", `"err_code":10008`)
	d.publish("acme", "1", "third", `{}`) // nothing is remembered of it
	d.take(10)
	d.store(nil)
	d.hears("third", `"seq":1}`)
}

// TestNothingIsSaidOfWhatIsNotKnown: an error would tell that it is not stored.
func TestNothingIsSaidOfWhatIsNotKnown(t *testing.T) {
	d := newDesk(t, wide)
	d.publish("acme", "1", "a", `{}`)
	d.take(1)
	d.store(transport.ErrUnknown)
	d.hears("a")
}

func TestRemembered(t *testing.T) {
	d := newDesk(t, wide)
	d.Remember("acme", "1", 7, d.at.Add(-time.Minute))
	d.Remember("acme", "2", 8, d.at.Add(-time.Second))
	d.publish("acme", "1", "a", `{}`)
	d.hears("a", `"seq":7,"duplicate":true`)
	d.at = d.at.Add(time.Minute)
	d.publish("acme", "2", "b", `{}`)
	d.hears("b", `"seq":8,"duplicate":true`)
	d.publish("acme", "1", "c", `{}`)
	if d.take(10) != 1 {
		t.Error("an id is told as a duplicate after its time")
	}
}

func TestIdsAreBounded(t *testing.T) {
	s := newIDs(time.Hour, 100)
	now := time.Now()
	for i := range 5000 {
		s.add(s.keyOf("a", fmt.Sprint(i)), uint64(i+1), now)
	}
	if len(s.stored) != 100 || len(s.order)-s.head != 100 || len(s.order) > 4096 {
		t.Errorf("%d remembered, %d in order, room %d", len(s.stored), len(s.order)-s.head, len(s.order))
	}
	if seq, _ := s.find(s.keyOf("a", "4999"), now); seq != 5000 {
		t.Errorf("the newest is at %d", seq)
	}
}

// TestSlowerBeforeRefused: a customer's queue takes what clients have in flight,
// and only what is beyond is refused; another's is not touched.
func TestSlowerBeforeRefused(t *testing.T) {
	d := newDesk(t, Bounds{Messages: 100, Bytes: 1 << 20, AllMessages: 1000, AllBytes: 1 << 24})
	for i := range 105 {
		d.publish("acme", "", fmt.Sprint(i), `{}`)
	}
	for i := range 105 {
		if i < 100 {
			d.hears(fmt.Sprint(i))
		} else {
			d.hears(fmt.Sprint(i), `"code":429,"err_code":10167`)
		}
	}
	d.publish("zeta", "", "zeta", `{}`)
	d.take(1000)
	d.store(nil)
	d.hears("zeta", `"seq":`)
	if d.counted[ReasonShare] != 5 {
		t.Errorf("counted %v", d.counted)
	}
}

func TestABadDocumentWithoutAReplyIsStored(t *testing.T) {
	d := newDesk(t, wide)
	d.publish("acme", "", "asks", `{`)
	d.hears("asks", `"err_code":10003,"description":"not_json"`)
	d.publish("acme", "", "", `{`)
	d.Take(&nats.Msg{Subject: "events.acme", Data: []byte(`{}`)})
	if d.take(10) != 2 {
		t.Error("what is to be a dead letter is not stored")
	}
}

// TestRepliesElsewhereAreNotSent: the answer would be a publish of the node's.
func TestRepliesElsewhereAreNotSent(t *testing.T) {
	d := newDesk(t, wide)
	for _, reply := range []string{"events.acme.a", "due.0.x.1", "_INBOX", "_INBOX.", "$JS.API.STREAM.PURGE.EVENTS"} {
		d.Take(&nats.Msg{Subject: "events.acme.a", Reply: reply, Data: []byte(`{}`)})
	}
	d.take(10)
	d.store(nil)
	if len(d.answers) != 0 || d.seq != 5 {
		t.Errorf("answered %v, %d stored", d.answers, d.seq)
	}
}

func TestClose(t *testing.T) {
	d := newDesk(t, wide)
	d.publish("acme", "", "a", `{}`)
	empty := d.Close()
	d.publish("acme", "", "late", `{}`)
	d.hears("late", `"err_code":10008`)
	select {
	case <-empty:
		t.Error("empty while one is under way")
	default:
	}
	d.take(1)
	d.store(nil)
	<-empty
	<-d.Close()
}

// FuzzTake: whatever comes, who asks gets one answer, which clients can read,
// and what is stored asks nothing of the server and says nothing in our name.
func FuzzTake(f *testing.F) {
	f.Add("events.acme.a", "_INBOX.x", "Nats-Msg-Id", "1", []byte(`{}`))
	f.Add("events.acme", "", "nats-rollup", "all", []byte(`{`))
	f.Add("events.a.b", "_INBOX.x", "Postrider-Object", "x", []byte(``))
	f.Add("events.a.b", "due.0.x.1", "Nats-Trace-Dest", "due.0.x.1", []byte(`1`))
	f.Fuzz(func(t *testing.T, subject, reply, name, value string, data []byte) {
		d := newDesk(t, wide)
		for range 2 {
			d.Take(&nats.Msg{Subject: subject, Reply: reply, Header: nats.Header{name: {value}}, Data: data})
		}
		d.take(10)
		for _, p := range d.hand {
			m := p.Msg()
			if m.Subject != subject || string(m.Data) != string(data) || m.Reply != "" || m.Header == nil {
				t.Errorf("%q %q became %q %q", subject, data, m.Subject, m.Data)
			}
			for name := range m.Header {
				lower := strings.ToLower(name)
				if strings.HasPrefix(lower, "nats-") || strings.HasPrefix(lower, "postrider-") && !allowedOwn[lower] {
					t.Errorf("header %q is stored", name)
				}
			}
		}
		d.store(nil)
		if !answerable(reply) {
			if len(d.answers) != 0 {
				t.Errorf("answered %v", d.answers)
			}
			return
		}
		if len(d.answers[reply]) != 2 {
			t.Fatalf("answered %v", d.answers)
		}
		for _, a := range d.answers[reply] {
			var got struct {
				Stream string
				Seq    uint64
				Error  *Refusal
			}
			if err := json.Unmarshal([]byte(a), &got); err != nil || got.Stream != "EVENTS" || (got.Error == nil) == (got.Seq == 0) {
				t.Errorf("answered %s, %v", a, err)
			}
		}
	})
}

// What the log has no room for is refused with why, before its document is read;
// what waits already counts, and what was stored is told of.
func TestWhatTheLogHasNoRoomFor(t *testing.T) {
	d := newDesk(t, DefaultBounds(1<<20))
	asked := 0
	d.admit = func(customer string, bytes int) error {
		switch asked = bytes; {
		case customer == "nobody":
			return fmt.Errorf("%w: no room", transport.ErrUnavailable)
		case bytes > 100:
			return errors.New("customer acme is over quota.log_share")
		}
		return nil
	}
	var stored []string
	d.stored = func(_ *nats.Msg, customer string, seq uint64) {
		stored = append(stored, fmt.Sprint(customer, " ", seq))
	}
	d.publish("acme", "", "first", `{"text":"`+strings.Repeat("x", 60)+`"}`)
	first := asked
	d.publish("acme", "", "second", "no JSON, and "+strings.Repeat("x", 50))
	if asked <= first {
		t.Errorf("asked for %d bytes, with %d waiting", asked, first)
	}
	d.publish("nobody", "", "third", `{}`)
	d.publish("acme", "", "", "no JSON, and "+strings.Repeat("x", 50))
	for reply, want := range map[string]string{"second": `"code":429,"err_code":10167`, "third": `"code":503,"err_code":10077`} {
		if got := d.answers[replyPrefix+reply]; len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s: %v", reply, got)
		}
	}
	if d.counted[ReasonShare] != 2 || d.counted[ReasonRoom] != 1 {
		t.Errorf("counted %v", d.counted)
	}
	d.Pieces(10, 1<<20, func(p publisher.Piece) { d.hand = append(d.hand, p) })
	for _, p := range d.hand {
		p.Stored(7, nil)
	}
	if got := strings.Join(stored, ", "); got != "acme 7" {
		t.Errorf("stored %q", got)
	}
}
