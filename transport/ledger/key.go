package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/postrider/postrider/transport"
)

// key stands for one customer's event id: 128 bits of a SHA-256, so that two
// ids never meet by chance (at 10⁹ ids: 10⁻²¹) nor by intent. A collision
// would lose an event.
type key [2]uint64

// keyOf allocates nothing for names within the limits of contract and log.
func keyOf(customer, id string) key {
	var room [4 + 64 + transport.MaxEventID + 43]byte
	b := binary.LittleEndian.AppendUint32(room[:0], uint32(len(customer)))
	b = append(b, customer...)
	b = append(b, id...)
	sum := sha256.Sum256(b)
	k := key{binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])}
	if k == (key{}) {
		k[0] = 1
	}
	return k
}

// stored is the log's time of ev in Unix milliseconds, or now where it has none.
func stored(ev *transport.Event, now time.Time) int64 {
	if ev.Stored.IsZero() {
		return now.UnixMilli()
	}
	return ev.Stored.UnixMilli()
}

// within tells whether two times in milliseconds are less than window apart.
func within(a, b int64, window time.Duration) bool {
	ms := window.Milliseconds()
	return a-b < ms && b-a < ms
}
