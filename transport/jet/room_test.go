package jet

import (
	"strings"
	"testing"
)

const gib = 1 << 30

// The bounds leave a reserve for what has none, whatever the room.
func TestBoundsLeaveAReserve(t *testing.T) {
	for _, room := range []Room{43 << 20, 64 << 20, gib, 1 << 40} {
		sum := int64(0)
		for stream := range bounds {
			if share := room.Of(stream); share <= 0 {
				t.Errorf("%s has %d of %d", stream, share, room)
			} else {
				sum += share
			}
		}
		if left := int64(room) - sum; left < int64(room)/9 || left != room.reserve() {
			t.Errorf("of %d bytes %d are left, and told are %d", room, left, room.reserve())
		}
		if room.Log() != room.Of(StreamEvents)+room.Of(StreamKept)+room.Of(StreamPayloads) {
			t.Errorf("the log has %d", room.Log())
		}
		for _, unbounded := range []string{StreamDeferred, StreamAttempts, StreamDeadLetters, "KV_REVOKED", "KV_MEMORY"} {
			if room.Of(unbounded) != -1 {
				t.Errorf("%s would refuse what must go on", unbounded)
			}
		}
	}
	if Room(0).Of(StreamEvents) != -1 || Room(0).Log() != -1 {
		t.Error("a room without bound bounds its streams")
	}
}

// What is near and reached is told by name, with what to do; publishing is
// refused to all before what must go on is.
func TestWhatIsShortIsTold(t *testing.T) {
	const room = Room(1000 << 20)
	stream := func(name string, mib int64) StreamInfo {
		return StreamInfo{Name: name, Bytes: uint64(mib << 20), MaxBytes: room.Of(name)}
	}
	for name, c := range map[string]struct {
		used                  int64 // MiB
		streams               []StreamInfo
		near, reached         string // streams
		text                  string
		short, least, pressed bool
	}{
		"empty":                  {},
		"the log is near":        {used: 450, streams: []StreamInfo{stream(StreamEvents, 420)}, near: StreamEvents, text: "quota.log_share"},
		"the log is full":        {used: 520, streams: []StreamInfo{stream(StreamEvents, 495)}, reached: StreamEvents},
		"the journal grows":      {used: 600, streams: []StreamInfo{stream(StreamAttempts, 600)}},
		"little would be left":   {used: 860, streams: []StreamInfo{stream(StreamEvents, 300), stream(StreamAttempts, 560)}, near: "all", text: "attempts.keep"},
		"dead letters have most": {used: 930, streams: []StreamInfo{stream(StreamEvents, 300), stream(StreamDeadLetters, 630)}, near: "all", text: "purge", pressed: true},
		"publishing is refused":  {used: 960, streams: []StreamInfo{stream(StreamDeferred, 900)}, reached: "all", text: "publishing is refused", pressed: true, short: true},
		"nothing is taken up":    {used: 985, streams: []StreamInfo{stream(StreamDeferred, 900)}, reached: "all", pressed: true, short: true, least: true},
	} {
		u := Use{Room: room, Used: c.used << 20, Streams: c.streams}
		if u.Short() != c.short || u.Least() != c.least || u.Pressed() != c.pressed {
			t.Errorf("%s: short %t, least %t, pressed %t", name, u.Short(), u.Least(), u.Pressed())
		}
		var near, reached, words []string
		for _, b := range u.Bounds() {
			who := b.Stream
			if who == "" {
				who = "all"
			}
			if words = append(words, b.Text, b.Remedy); b.Reached {
				reached = append(reached, who)
			} else {
				near = append(near, who)
			}
		}
		if got := strings.Join(near, " "); got != c.near {
			t.Errorf("%s: near are %q", name, got)
		}
		if got := strings.Join(reached, " "); got != c.reached {
			t.Errorf("%s: reached are %q", name, got)
		}
		if !strings.Contains(strings.Join(words, " "), c.text) {
			t.Errorf("%s: told is %q", name, words)
		}
	}
	u := Use{Used: gib, Streams: []StreamInfo{{Name: StreamEvents, Bytes: gib}}}
	if u.Short() || u.Pressed() || len(u.Bounds()) > 0 {
		t.Error("without a bound of the room something is short")
	}
}
