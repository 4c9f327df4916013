package jet

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/postrider/postrider/transport"
)

// parked is what the subject of a segment in DEFERRED tells of it, so that
// what waits can be counted and chosen from without being read:
//
//	park.<shard>.<endpoint>.<first seq>[-<replay>].<entries>-<r|t>-<bytes>-<hop>-<name>[-<span>]
//	due.<shard>.<endpoint>.<first seq, 20 digits>.<entries>-<r|t>-<bytes>[-<hop>--<span>]
//
// r entries wait for room alone, t for their own time; a segment holds one
// kind. Bytes are those of Event.Size, hop is the first pair's. The name is the
// segment's own, so that no two share a subject: a later one would replace an
// earlier one, and a schedule that fires late or twice purges its subject. The
// span is from the first sequence to the last, where there are several entries
// and all are of one replay or of none.
// Segments of before have no span, no name, or neither name, hop nor counts and
// hold entries of kind t.
type parked struct {
	endpoint string
	first    transport.Place
	entries  int
	bytes    int64
	hop      uint32
	name     string
	ready    bool
	counted  bool // false: written by a version that did not count
	due      bool // on due.>
	span     uint64
	spanned  bool
}

// within tells whether all its events are known to be of the log up to floor.
func (p *parked) within(floor uint64) bool {
	return p.counted && (p.entries == 1 || p.spanned) && p.first.Seq <= floor && p.span <= floor-p.first.Seq
}

// parkedOf describes a segment by its entries, which are in order.
func parkedOf(endpoint, name string, group []item) parked {
	first := &group[0]
	p := parked{endpoint: endpoint, name: name, first: first.place(), hop: first.hop, ready: first.ready,
		entries: len(group), counted: true}
	for i := range group {
		p.bytes += int64(group[i].size)
	}
	if last := group[len(group)-1].place(); len(group) > 1 && name != "" && last.Replay == p.first.Replay {
		p.span, p.spanned = last.Seq-p.first.Seq, true
	}
	return p
}

func (p *parked) parkSubject() string {
	subject := fmt.Sprintf("park.%d.%s.%d", shard, subjectWord(p.endpoint), p.first.Seq)
	if p.first.Replay != 0 {
		subject += "-" + strconv.FormatUint(p.first.Replay, 10)
	}
	if !p.counted {
		return subject
	}
	subject += "." + p.counts() + "-" + strconv.FormatUint(uint64(p.hop), 10)
	if p.name != "" {
		subject += "-" + p.name
	}
	if p.spanned {
		subject += "-" + strconv.FormatUint(p.span, 10)
	}
	return subject
}

// subject is where it lies.
func (p *parked) subject() string {
	if p.due {
		return p.dueSubject()
	}
	return p.parkSubject()
}

func (p *parked) dueSubject() string {
	subject := fmt.Sprintf("due.%d.%s.%020d.%s", shard, subjectWord(p.endpoint), p.first.Seq, p.counts())
	if p.spanned {
		subject += fmt.Sprintf("-%d--%d", p.hop, p.span)
	}
	return subject
}

func (p *parked) counts() string {
	kind := "t"
	if p.ready {
		kind = "r"
	}
	return fmt.Sprintf("%d-%s-%d", p.entries, kind, p.bytes)
}

// readParked reads a subject of DEFERRED; false where it is none.
func readParked(subject string) (p parked, ok bool) {
	words := strings.Split(subject, ".")
	if len(words) != 4 && len(words) != 5 || words[0] != "park" && words[0] != "due" {
		return parked{}, false
	}
	seq, replay, replayed := strings.Cut(words[3], "-")
	var err1, err2 error
	p.first.Seq, err1 = strconv.ParseUint(seq, 10, 64)
	if replayed {
		p.first.Replay, err2 = strconv.ParseUint(replay, 10, 64)
	}
	if err1 != nil || err2 != nil {
		return parked{}, false
	}
	p.endpoint, p.entries, p.due = endpointOfWord(words[2]), 1, words[0] == "due"
	return p, len(words) == 4 || p.readCounts(strings.Split(words[4], "-"))
}

func (p *parked) readCounts(words []string) bool {
	if len(words) < 3 || words[1] != "r" && words[1] != "t" {
		return false
	}
	entries, err1 := strconv.ParseUint(words[0], 10, 31)
	bytes, err2 := strconv.ParseUint(words[2], 10, 63)
	hop, err3 := uint64(0), error(nil)
	if len(words) > 3 {
		hop, err3 = strconv.ParseUint(words[3], 10, 32)
	}
	if len(words) > 4 {
		p.name = words[4]
	}
	var err4 error
	if p.spanned = len(words) > 5; p.spanned {
		p.span, err4 = strconv.ParseUint(words[5], 10, 64)
	}
	p.entries, p.bytes, p.hop = int(entries), int64(bytes), uint32(hop)
	p.ready, p.counted = words[1] == "r", true
	return len(words) <= 6 && cmp.Or(err1, err2, err3, err4) == nil && p.entries > 0 && p.bytes < math.MaxInt64
}

// compareParked puts segments in the order their entries go in: events as the
// log has them, replays after them.
func compareParked(a, b parked) int { return comparePlaces(a.first, b.first) }

func comparePlaces(a, b transport.Place) int {
	return cmp.Or(cmp.Compare(a.Replay, b.Replay), cmp.Compare(a.Seq, b.Seq))
}

// subjectWord is id where NATS takes it as one word of a subject. Anything else
// would break the connection, and every parking with it; the segment itself
// tells the endpoint as it is.
func subjectWord(id string) string {
	if transport.CheckCustomer(id) == nil {
		return id
	}
	return fmt.Sprintf("%s%x", hexWord, id)
}

const hexWord = "hex-"

// endpointOfWord is the id that subjectWord made the word of.
func endpointOfWord(word string) string {
	if digits, ok := strings.CutPrefix(word, hexWord); ok {
		if id, err := hex.DecodeString(digits); err == nil && transport.CheckCustomer(string(id)) != nil {
			return string(id)
		}
	}
	return word
}
