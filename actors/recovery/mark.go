package recovery

import (
	"strconv"
	"strings"

	"github.com/postrider/postrider/transport"
)

// The mark at DEFERRED says why all of it and of the journal is to be read at
// the next start, though no stream has lost its end since: transport.MarkMending, or one of these.
const (
	// copyMark and a sequence: DEFERRED lost its end, and a message up to that
	// sequence may be of the copy that was put back. Such a message tells of fewer
	// attempts than the journal, and of deliveries that have ended.
	copyMark = "copy "
	// dueMark and a sequence: none of these waits for its time any more, but what
	// they turned into when they came due may be there, up to that sequence.
	dueMark = "due "
)

// readMark tells by the mark whether all is to be read now, and what the next
// mark is.
func readMark(s *transport.ShardState, lostDeferred bool) (whole bool, next string) {
	last := strconv.FormatUint(s.DeferredLast, 10)
	ofCopy, isCopy := markedUpTo(s.Mark, copyMark)
	due, isDue := markedUpTo(s.Mark, dueMark)
	switch {
	case lostDeferred || s.Mark == transport.MarkMending:
		return true, copyMark + last
	case isCopy && s.DeferredFirst <= ofCopy:
		return true, s.Mark
	case isCopy:
		return true, dueMark + last
	case isDue && s.FirstDue > 0 && s.FirstDue <= due:
		return true, s.Mark
	}
	return false, ""
}

func markedUpTo(mark, kind string) (seq uint64, is bool) {
	text, is := strings.CutPrefix(mark, kind)
	if !is {
		return 0, false
	}
	seq, err := strconv.ParseUint(text, 10, 64)
	return seq, err == nil
}
