package signature

import (
	"crypto/sha512"
	"strconv"
	"sync"
)

// scratch is what one call to Sign or Verify works with. It is borrowed, so
// that a signature allocates nothing but the header values it leaves behind.
type scratch struct {
	hashes  [3]state
	sum     [sha512.Size]byte
	head    []byte
	text    []byte
	message []byte
}

// maxKept bounds the buffers that a scratch takes back to the pool: one run of
// 64 MiB must not stay in memory for good.
const maxKept = 64 << 10

var scratches = sync.Pool{New: func() any {
	return &scratch{head: make([]byte, 0, 320), text: make([]byte, 0, 320)}
}}

func borrow() *scratch { return scratches.Get().(*scratch) }

func (w *scratch) giveBack() {
	if cap(w.head)+cap(w.text)+cap(w.message) > maxKept {
		return
	}
	scratches.Put(w)
}

func (w *scratch) hash(a algorithm) state {
	if w.hashes[a.place] == nil {
		w.hashes[a.place] = a.new().(state)
	}
	return w.hashes[a.place]
}

// join puts head and body together, for ed25519 which reads its message twice.
func (w *scratch) join(head, body []byte) []byte {
	w.message = append(append(w.message[:0], head...), body...)
	return w.message
}

// setHead writes what Standard Webhooks signs ahead of the body.
func (w *scratch) setHead(id, timestamp string) {
	w.head = append(append(w.head[:0], id...), '.')
	w.head = append(append(w.head, timestamp...), '.')
}

// setHeadAt is setHead for a time; it returns the timestamp's digits, which
// are part of the head.
func (w *scratch) setHeadAt(id string, unix int64) []byte {
	w.head = append(append(w.head[:0], id...), '.')
	start := len(w.head)
	w.head = append(strconv.AppendInt(w.head, unix, 10), '.')
	return w.head[start : len(w.head)-1]
}
