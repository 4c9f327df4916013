package gate

import (
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport/jet/publisher"
)

// Headers that say something to the server begin with serverPrefix, those of
// Postrider's own with ownPrefix.
const (
	serverPrefix = "nats-"
	ownPrefix    = "postrider-"
	// maxHeaders is what JetStream takes, less what a batch adds.
	maxHeaders = 63 << 10
)

// orders are headers that ask the stream for more than storing a message, by
// their beginnings in lower case, with what is answered.
var orders = []struct {
	prefix, reason string
	code           int
	description    string
}{
	{"nats-batch-", ReasonBatch, CodeNoBatches, "atomic publish is disabled: what comes at the same time is stored together anyway; publish each message by itself, without waiting for the one before"},
	{"nats-expected-", ReasonHeader, codeBadRequest, "is not offered: events of many producers are in one stream; leave it out, and give Nats-Msg-Id to publish something once"},
	{"nats-rollup", ReasonHeader, codeBadRequest, "is not offered: events are kept for events.keep; leave it out"},
	{"nats-ttl", ReasonHeader, codeTTL, "is not offered: events are kept for events.keep; leave it out"},
	{"nats-schedule", ReasonHeader, codeSchedules, "is not offered; publish the event when it is due"},
	{"nats-incr", ReasonHeader, codeIncr, "is not offered: events are no counters; leave it out"},
}

// allowedOwn are the headers of ours that producers may set.
var allowedOwn = map[string]bool{strings.ToLower(publisher.HeaderID): true, strings.ToLower(publisher.HeaderTime): true}

// headers is what is read of a message's headers.
type headers struct {
	stored   nats.Header // what is stored of them; never nil
	id       bool        // Nats-Msg-Id is among them
	expected string      // Nats-Expected-Stream
	size     int
}

// readHeaders sorts them: those that no reader of the log looks at and that
// mean something to the server are left out, the id is kept under the name that
// JetStream's own dedup, which knows no customers, does not look at.
func readHeaders(h nats.Header) (headers, *Refusal) {
	r := headers{stored: make(nats.Header, len(h)+1)}
	var id []string
	for name, values := range h {
		for _, v := range values {
			r.size += len(name) + len(v) + len(": \r\n")
		}
		lower := strings.ToLower(name)
		switch {
		case name == jetstream.MsgIDHeader:
			id = values
		case name == jetstream.ExpectedStreamHeader:
			r.expected = h.Get(name)
		case strings.HasPrefix(lower, serverPrefix):
			if refusal := ordered(name, lower); refusal != nil {
				return r, refusal
			}
		case strings.HasPrefix(lower, ownPrefix) && !allowedOwn[lower]:
			return r, refused(ReasonHeader, codeBadRequest, "header "+name+" is Postrider's own; leave it out")
		default:
			r.stored[name] = values
		}
	}
	if r.id = len(id) > 0 && strings.TrimSpace(id[0]) != ""; r.id {
		r.stored[publisher.HeaderID] = id[:1]
	}
	return r, nil
}

// ordered is the refusal of a header that asks for more than storing; nil for
// one that is only left out.
func ordered(name, lower string) *Refusal {
	for _, o := range orders {
		if !strings.HasPrefix(lower, o.prefix) {
			continue
		}
		if o.reason == ReasonBatch {
			return refused(o.reason, o.code, o.description)
		}
		return refused(o.reason, o.code, "header "+name+" "+o.description)
	}
	return nil
}
