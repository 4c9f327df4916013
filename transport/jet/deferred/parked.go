package deferred

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// parked is what a segment's subject in DEFERRED tells of it:
//
//	park.<shard>.<endpoint>.<first seq>[-<replay>].<entries>-<r|t|R|T>-<bytes>-<hop>[-<name>[-<span>[-<low>]]]
//	due.<shard>.<endpoint>.<first seq, 20 digits>[-<replay>].<the same>
//
// r entries wait for room alone, t for their own time; R and T are the same with
// references in place of the events, none of them to one below low (the first
// sequence, where it is not there). The span may be empty before it. The name is
// in it so that no two segments share a subject: a later one would replace an
// earlier one, and a schedule that fires late or twice purges its subject.
// Segments of before have on due.> no replay, hop or name, and on park.> no
// span, no name, or neither name, hop nor counts.
type parked = transport.ParkedSegment

func (s *Store) parkSubject(p *parked) string {
	return fmt.Sprintf("park.%d.%s.%d%s", s.shard, jet.SubjectWord(p.Endpoint), p.First.Seq, subjectTail(p))
}

func (s *Store) dueSubject(p *parked) string {
	return fmt.Sprintf("due.%d.%s.%020d%s", s.shard, jet.SubjectWord(p.Endpoint), p.First.Seq, subjectTail(p))
}

// subjectTail is what follows the first sequence.
func subjectTail(p *parked) string {
	tail := ""
	if p.First.Replay != 0 {
		tail = "-" + strconv.FormatUint(p.First.Replay, 10)
	}
	if !p.Counted {
		return tail
	}
	tail += fmt.Sprintf(".%d-%s-%d-%d", p.Entries, kinds[kindOf(p)], p.Bytes, p.Hop)
	lower := p.Refers && p.Low != p.First.Seq
	if p.Name != "" || p.Spanned || lower {
		tail += "-" + p.Name
	}
	if p.Spanned || lower {
		tail += "-"
	}
	if p.Spanned {
		tail += strconv.FormatUint(p.Span, 10)
	}
	if lower {
		tail += "-" + strconv.FormatUint(p.Low, 10)
	}
	return tail
}

// kinds are the letters by kindOf.
var kinds = [...]string{"t", "r", "T", "R"}

func kindOf(p *parked) (kind int) {
	if p.Ready {
		kind++
	}
	if p.Refers {
		kind += 2
	}
	return kind
}

// readParked reads a subject of DEFERRED; false where it is none.
func readParked(subject string) (p parked, ok bool) {
	words := strings.Split(subject, ".")
	if len(words) != 4 && len(words) != 5 || words[0] != "park" && words[0] != "due" {
		return parked{}, false
	}
	seq, replay, replayed := strings.Cut(words[3], "-")
	var err1, err2 error
	p.First.Seq, err1 = strconv.ParseUint(seq, 10, 64)
	if replayed {
		p.First.Replay, err2 = strconv.ParseUint(replay, 10, 64)
	}
	if err1 != nil || err2 != nil {
		return parked{}, false
	}
	p.Endpoint, p.Entries, p.Due = jet.EndpointOfWord(words[2]), 1, words[0] == "due"
	return p, len(words) == 4 || readCounts(&p, strings.Split(words[4], "-"))
}

func readCounts(p *parked, words []string) bool {
	kind := -1
	if len(words) >= 3 {
		kind = slices.Index(kinds[:], words[1])
	}
	if kind < 0 {
		return false
	}
	entries, err1 := strconv.ParseUint(words[0], 10, 31)
	bytes, err2 := strconv.ParseUint(words[2], 10, 63)
	hop, err3 := uint64(0), error(nil)
	if len(words) > 3 {
		hop, err3 = strconv.ParseUint(words[3], 10, 32)
	}
	if len(words) > 4 {
		p.Name = words[4]
	}
	p.Entries, p.Bytes, p.Hop = int(entries), int64(bytes), uint32(hop)
	p.Ready, p.Refers, p.Counted = kind&1 != 0, kind&2 != 0, true
	return cmp.Or(err1, err2, err3, readReach(p, words)) == nil && p.Entries > 0 && p.Bytes < math.MaxInt64
}

// readReach reads the span, and the lowest sequence of references.
func readReach(p *parked, words []string) error {
	if p.Refers {
		p.Low = p.First.Seq
	}
	var err1, err2 error
	if p.Spanned = len(words) > 5 && (words[5] != "" || !p.Refers); p.Spanned {
		p.Span, err1 = strconv.ParseUint(words[5], 10, 64)
	}
	switch {
	case len(words) > 7 || len(words) == 7 && !p.Refers || len(words) == 6 && !p.Spanned:
		return errName
	case len(words) == 7:
		p.Low, err2 = strconv.ParseUint(words[6], 10, 64)
	}
	return cmp.Or(err1, err2)
}

var errName = errors.New("not the name of a segment")

// compareParked puts segments in the order their entries go in.
func compareParked(a, b parked) int { return a.First.Compare(b.First) }
