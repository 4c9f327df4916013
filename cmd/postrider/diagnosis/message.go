package diagnosis

import (
	"iter"
	"net/http"
	"strconv"

	"github.com/postrider/postrider/transport/signature"
)

// message is what may have been signed, and what is wrong with it if it was.
type message struct {
	head, body []byte
	causes     []Cause
}

// messages are what may have been signed, what the scheme signs first.
func messages(c signature.Config, h http.Header, body []byte) iter.Seq[message] {
	return func(yield func(message) bool) {
		head := headOf(c, h)
		if !yield(message{head: head, body: body}) {
			return
		}
		for _, other := range otherHeads(c, h) {
			other.body = body
			if string(other.head) != string(head) && !yield(other) {
				return
			}
		}
		for f := range bodies(body) {
			if !yield(message{head: head, body: f.body, causes: []Cause{f.cause}}) {
				return
			}
		}
	}
}

// headOf is what the scheme signs before the body.
func headOf(c signature.Config, h http.Header) []byte {
	if c.Scheme != standard {
		return nil
	}
	return []byte(h.Get(idHeader) + "." + h.Get(timestampHeader) + ".")
}

// otherHeads are what is signed before the body where sender and receiver
// differ on it.
func otherHeads(c signature.Config, h http.Header) []message {
	id, timestamp := h.Get(idHeader), h.Get(timestampHeader)
	wrong := func(head string, code Code, what, remedy string) message {
		return message{head: []byte(head), causes: []Cause{{code, what, remedy}}}
	}
	whole := wrong(id+"."+timestamp+".", "signed_head", "what was signed is <webhook-id>.<webhook-timestamp>.<body>, and not the body alone", "verify by the scheme standard, or have the sender sign the body alone")
	partly := wrong(timestamp+".", "signed_head", "what was signed is <webhook-timestamp>.<body>", "sign and verify the same bytes: those that are shown")
	if c.Scheme != standard {
		if timestamp == "" {
			return nil
		}
		return []message{whole, partly}
	}
	all := []message{partly, wrong("", "signed_body", "what was signed is the body alone, without <webhook-id>.<webhook-timestamp>.", "sign and verify <webhook-id>.<webhook-timestamp>.<body>")}
	const remedy = "webhook-timestamp is in seconds, in the header as in what is signed: pass it on as it was received"
	if inMilliseconds(timestamp) {
		all = append(all, wrong(id+"."+timestamp[:len(timestamp)-3]+".", "timestamp_unit", "webhook-timestamp is in milliseconds, and was signed in seconds", remedy))
	} else if _, err := strconv.ParseUint(timestamp, 10, 63); err == nil {
		all = append(all, wrong(id+"."+timestamp+"000.", "timestamp_unit", "webhook-timestamp is in seconds, and was signed in milliseconds", remedy))
	}
	return all
}

// inMilliseconds tells a time in milliseconds by its digits: in seconds they
// are that many after the year 5000 alone.
func inMilliseconds(timestamp string) bool {
	_, err := strconv.ParseUint(timestamp, 10, 63)
	return err == nil && len(timestamp) > 11
}
