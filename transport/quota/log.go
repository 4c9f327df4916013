package quota

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// Log counts how many bytes each customer has in a log of sequences that is
// shortened at its old end. It keeps them by spans of the log, so that it knows
// what goes with an end that is cut off; within a span that is reckoned evenly.
// Safe for concurrent use.
type Log struct {
	mu      sync.Mutex
	span    int64 // bytes of a span
	spans   []logSpan
	of      map[string]int64
	all     int64
	entries int
}

// logSpan is a part of the log. Spans are in order, and do not overlap.
type logSpan struct {
	From  uint64           `json:"from"`
	To    uint64           `json:"to"`
	Bytes map[string]int64 `json:"bytes"` // by customer
	all   int64
}

const (
	// logSpans is into how many spans a full log is divided.
	logSpans = 256
	// mostLogEntries bounds what is kept, customers by spans, at some 50 bytes
	// each: beyond it spans are joined.
	mostLogEntries = 100_000
)

// NewLog is an empty one, for a log of so many bytes; 0 or less: not known.
func NewLog(most int64) *Log {
	if most <= 0 {
		most = 64 << 30
	}
	return &Log{span: max(64<<10, most/logSpans), of: map[string]int64{}}
}

// Add counts an event, in any order.
func (l *Log) Add(seq uint64, customer string, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.spanOf(seq)
	if _, there := s.Bytes[customer]; !there {
		l.entries++
	}
	s.Bytes[customer] += bytes
	s.all += bytes
	l.of[customer] += bytes
	l.all += bytes
	if l.entries > mostLogEntries {
		l.join()
	}
}

// spanOf is the span of seq, made where there is none.
func (l *Log) spanOf(seq uint64) *logSpan {
	n := len(l.spans)
	if n == 0 || seq > l.spans[n-1].To && l.spans[n-1].all >= l.span {
		l.spans = append(l.spans, logSpan{From: seq, To: seq, Bytes: map[string]int64{}})
		return &l.spans[n]
	}
	if seq >= l.spans[n-1].From {
		l.spans[n-1].To = max(l.spans[n-1].To, seq)
		return &l.spans[n-1]
	}
	i, in := slices.BinarySearchFunc(l.spans, seq, func(s logSpan, seq uint64) int { return cmp.Compare(s.From, seq) })
	if !in {
		i = max(0, i-1)
	}
	s := &l.spans[i]
	s.From, s.To = min(s.From, seq), max(s.To, seq)
	return s
}

// join makes one span of each two.
func (l *Log) join() {
	joined := l.spans[:0]
	l.entries = 0
	for i := 0; i < len(l.spans); i += 2 {
		s := l.spans[i]
		if i+1 < len(l.spans) {
			next := l.spans[i+1]
			for customer, bytes := range next.Bytes {
				s.Bytes[customer] += bytes
			}
			s.To, s.all = next.To, s.all+next.all
		}
		joined = append(joined, s)
		l.entries += len(s.Bytes)
	}
	clear(l.spans[len(joined):])
	l.spans = joined
	l.span *= 2
}

// Cut tells that the log begins at first now.
func (l *Log) Cut(first uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gone := 0
	for gone < len(l.spans) && l.spans[gone].To < first {
		l.less(&l.spans[gone], 1)
		l.entries -= len(l.spans[gone].Bytes)
		gone++
	}
	l.spans = slices.Delete(l.spans, 0, gone)
	if len(l.spans) == 0 || l.spans[0].From >= first {
		return
	}
	s := &l.spans[0]
	l.less(s, float64(first-s.From)/float64(s.To-s.From+1))
	s.From = first
}

// less takes a part of a span off.
func (l *Log) less(s *logSpan, part float64) {
	for customer, bytes := range s.Bytes {
		off := int64(float64(bytes) * part)
		s.Bytes[customer] -= off
		s.all, l.all = s.all-off, l.all-off
		if l.of[customer] -= off; l.of[customer] <= 0 {
			delete(l.of, customer)
		}
	}
}

// Of is what a customer has in the log, All what all have.
func (l *Log) Of(customer string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of[customer]
}

// All is what all have in the log.
func (l *Log) All() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all
}

// Each gives what each customer has, at one time.
func (l *Log) Each() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.of)
}

// Oldest tells below which sequence so many bytes lie at the old end of the log,
// all below end; as far as there are so many. 0: there are none.
func (l *Log) Oldest(end uint64, bytes int64) (below uint64) {
	return l.oldest(end, bytes, func(s *logSpan) int64 { return s.all })
}

// OldestOf is Oldest of one customer's bytes, as long as at least half of what
// goes with them is its own: it does not cost others what they have there.
func (l *Log) OldestOf(customer string, end uint64, bytes int64) (below uint64) {
	return l.oldest(end, bytes, func(s *logSpan) int64 {
		if own := s.Bytes[customer]; 2*own >= s.all {
			return own
		}
		return 0
	})
}

func (l *Log) oldest(end uint64, bytes int64, counted func(*logSpan) int64) (below uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.spans {
		s := &l.spans[i]
		of := counted(s)
		if bytes <= 0 || of <= 0 || s.From >= end {
			return below
		}
		below = min(s.To+1, end)
		bytes -= of
	}
	return below
}

// LogState is a Log as it is kept.
type LogState struct {
	// Last is the last sequence that was counted.
	Last  uint64    `json:"last"`
	Spans []logSpan `json:"spans"`
}

// State gives it.
func (l *Log) State() LogState {
	l.mu.Lock()
	defer l.mu.Unlock()
	state := LogState{Spans: make([]logSpan, len(l.spans))}
	for i, s := range l.spans {
		s.Bytes = maps.Clone(s.Bytes)
		state.Spans[i], state.Last = s, s.To
	}
	return state
}

// Restore puts what was kept into an empty Log. What is no such thing, as spans
// out of order or bytes below 0, is left out.
func (l *Log) Restore(state LogState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range state.Spans {
		if n := len(l.spans); s.From > s.To || n > 0 && s.From <= l.spans[n-1].To {
			continue
		}
		kept := logSpan{From: s.From, To: s.To, Bytes: map[string]int64{}}
		for customer, bytes := range s.Bytes {
			if bytes <= 0 {
				continue
			}
			kept.Bytes[customer] = bytes
			kept.all, l.all = kept.all+bytes, l.all+bytes
			l.of[customer] += bytes
		}
		l.entries += len(kept.Bytes)
		l.spans = append(l.spans, kept)
	}
}
