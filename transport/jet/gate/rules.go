package gate

import (
	"strconv"

	"github.com/nats-io/nats.go"
)

// Reader reads a message as the stream's consumers will: whose it is, and which
// id it has, empty where its producer gave none. The error tells what is wrong
// and what to do.
type Reader func(m *nats.Msg) (customer, id string, err error)

// Rules are what a message must keep to be stored in a stream.
type Rules struct {
	// Stream is the stream's name, as clients see it.
	Stream string
	// Customer is whose a subject is; the error that it is none. It is asked
	// before Read, which reads the whole document.
	Customer func(subject string) (string, error)
	Read     Reader
	// MaxPayload is the most bytes of a message, its headers included.
	MaxPayload int
	// TooLarge is what to do with a message that is larger.
	TooLarge string
}

// admitted is a message that may be stored.
type admitted struct {
	msg      *nats.Msg // as it is stored
	customer string
	id       string // empty: it is not looked for
	size     int
}

// envelope judges all of a message but its document. The customer is empty
// where the subject names none and nobody waits for an answer.
func (r *Rules) envelope(m *nats.Msg) (admitted, bool, *Refusal) {
	size := messageSize(m)
	if size > r.MaxPayload {
		return admitted{}, false, refused(ReasonSize, codeTooLarge, "message size exceeds maximum allowed: "+strconv.Itoa(size)+
			" bytes with its headers, at most "+strconv.Itoa(r.MaxPayload)+"; "+r.TooLarge)
	}
	h, refusal := readHeaders(m.Header)
	switch {
	case refusal != nil:
		return admitted{}, false, refusal
	case h.size > maxHeaders:
		return admitted{}, false, refused(ReasonHeader, codeHeaderTooLarge, "header size exceeds maximum allowed of 63 KiB; put it into the document")
	case h.expected != "" && h.expected != r.Stream:
		return admitted{}, false, refused(ReasonHeader, codeStreamMismatch, "expected stream does not match: this is "+r.Stream)
	}
	customer, err := r.Customer(m.Subject)
	if err != nil && answerable(m.Reply) {
		return admitted{}, false, refused(ReasonSubject, codeBadRequest, err.Error())
	}
	return admitted{msg: &nats.Msg{Subject: m.Subject, Header: h.stored, Data: m.Data}, customer: customer, size: size}, h.id, nil
}

// document judges what a is about, and finds its id where it is to be looked
// for. What is wrong and has no reply is stored: whoever reads it makes it a
// dead letter, with its reason.
func (r *Rules) document(a *admitted, wantsID bool, reply string) *Refusal {
	customer, id, err := r.Read(a.msg)
	switch {
	case err != nil && answerable(reply):
		return refused(ReasonDocument, codeBadRequest, err.Error())
	case err != nil:
		return nil
	}
	if a.customer = customer; wantsID {
		a.id = id
	}
	return nil
}

// messageSize is as the server counts it, near enough: its headers' frame included.
func messageSize(m *nats.Msg) int {
	n := len(m.Data)
	if len(m.Header) == 0 {
		return n
	}
	n += len("NATS/1.0\r\n\r\n")
	for name, values := range m.Header {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

// replyPrefix is where producers may listen for answers. Nothing is answered
// elsewhere: an answer on another subject would be a publish of the node's.
const replyPrefix = "_INBOX."

func answerable(reply string) bool {
	return len(reply) > len(replyPrefix) && reply[:len(replyPrefix)] == replyPrefix
}
