package log

import (
	"encoding/binary"
	"io"
	"maps"
	"slices"

	"github.com/postrider/postrider/transport"
)

const (
	snapshotMagic = "postrider deliveries 1\n"
	// maxText bounds every text, as the journal's own codec does.
	maxText = 4 << 10
)

// writer writes until the first error.
type writer struct {
	w   io.Writer
	err error
}

// put writes numbers and slices of them, little-endian.
func (w *writer) put(values ...any) {
	for _, v := range values {
		if w.err == nil {
			w.err = binary.Write(w.w, binary.LittleEndian, v)
		}
	}
}

func (w *writer) text(s string) {
	s = s[:min(len(s), maxText)]
	w.put(uint16(len(s)), []byte(s))
}

func (w *writer) table(at transport.JournalPosition, t *table) {
	w.put([]byte(snapshotMagic))
	w.text(at.Journal)
	w.put(at.Seq, at.At.Unix(), uint32(at.At.Nanosecond()), t.pruned)
	w.put(uint32(len(t.parties.values)))
	for _, p := range t.parties.values {
		w.text(p.customer)
		w.text(p.endpoint)
	}
	for _, n := range []*names[string]{t.types, t.reasons} {
		w.put(uint32(len(n.values)))
		for _, s := range n.values {
			w.text(s)
		}
	}
	for _, s := range t.shelves {
		w.put(uint32(len(s.chunks)))
		for _, c := range s.chunks {
			w.chunk(c)
		}
	}
}

// columns are all of a chunk that have an entry for each row, cut to n rows.
func (c *chunk) columns(n int) []any {
	return []any{c.seq[:n], c.born[:n], c.sub[:n], c.since[:n], c.change[:n], c.next[:n], c.who[:n], c.typ[:n],
		c.reason[:n], c.id[:n], c.head[:n], c.tries[:n], c.status[:n], c.state[:n], c.class[:n]}
}

func (w *writer) chunk(c *chunk) {
	w.put(uint32(c.n))
	w.put(c.columns(c.n)...)
	rows := slices.Sorted(maps.Keys(c.replays))
	w.put(uint32(len(rows)))
	for _, i := range rows {
		w.put(i, c.replays[i])
	}
	w.put(uint32(len(c.ids)), c.ids)
	places, prevs := make([]uint64, len(c.trail)), make([]uint32, len(c.trail))
	for i, m := range c.trail {
		places[i], prevs[i] = uint64(m.at), m.prev
	}
	w.put(uint32(len(c.trail)), places, prevs)
}
