package jet

import (
	"log/slog"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
)

// handle settles one message, once. It implements transport.Handle.
type handle struct {
	msg     jetstream.Msg
	log     *slog.Logger
	settled atomic.Bool
}

// Ack says that every outcome of the message is durable.
func (h *handle) Ack() {
	if h.settled.CompareAndSwap(false, true) {
		h.lost("ack", h.msg.Ack())
	}
}

// Nak hands the message back at once.
func (h *handle) Nak() {
	if h.settled.CompareAndSwap(false, true) {
		h.lost("nak", h.msg.Nak())
	}
}

// InProgress asks for another AckWait.
func (h *handle) InProgress() {
	if !h.settled.Load() {
		h.lost("in-progress", h.msg.InProgress())
	}
}

// lost: the message comes again after AckWait, which is what a lost ack means
// everywhere.
func (h *handle) lost(what string, err error) {
	if err != nil {
		h.log.Debug("a message's "+what+" did not leave; it will come again", "subject", h.msg.Subject(), "err", err)
	}
}
