package jet

import (
	"log/slog"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What a consumer's message is answered with, on its reply subject (JetStream's
// acknowledgement protocol).
var (
	ackDone       = []byte("+ACK")
	ackAgain      = []byte("-NAK")
	ackInProgress = []byte("+WPI")
)

// handle settles one message, once. It implements transport.Handle.
//
// It answers by itself and does not keep the message: the client's messages are
// links of a list, and one that is held keeps every later one in memory.
type handle struct {
	nc             *nats.Conn
	subject, reply string
	log            *slog.Logger
	fence          *Fence
	settled        atomic.Bool
}

func (c *Conn) handleOf(msg jetstream.Msg, f *Fence) *handle {
	return &handle{nc: c.nc, subject: msg.Subject(), reply: msg.Reply(), log: c.log, fence: f}
}

// Ack says that every outcome of the message is durable. Of one who may not own
// the shard any more it is as good as lost.
func (h *handle) Ack() {
	if h.settled.CompareAndSwap(false, true) && h.fence.Acts() {
		h.answer("ack", ackDone)
	}
}

// Nak hands the message back at once.
func (h *handle) Nak() {
	if h.settled.CompareAndSwap(false, true) {
		h.answer("nak", ackAgain)
	}
}

// InProgress asks for another AckWait.
func (h *handle) InProgress() {
	if !h.settled.Load() {
		h.answer("in-progress", ackInProgress)
	}
}

// answer may be lost: the message comes again after AckWait, which is what a
// lost ack means everywhere.
func (h *handle) answer(what string, with []byte) {
	if err := h.nc.Publish(h.reply, with); err != nil {
		h.log.Debug("a message's "+what+" did not leave; it will come again", "subject", h.subject, "err", err)
	}
}
