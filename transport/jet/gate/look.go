package gate

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Subjects by which clients look before they publish. LookSubject is where the
// requests arrive in the node's account, below lookRoot in place of apiRoot.
const (
	apiRoot  = "$JS.API."
	lookRoot = "gate.api."
	// APISubject is JetStream's API as producers name it, LookSubject where the
	// node hears of it.
	APISubject  = apiRoot + ">"
	LookSubject = lookRoot + ">"

	lookAccount = "INFO"
	lookNames   = "STREAM.NAMES"
	lookStream  = "STREAM.INFO."
)

// APISubjects are the requests that producers may make.
func APISubjects(streams ...string) []string {
	out := []string{apiRoot + lookAccount, apiRoot + lookNames}
	for _, s := range streams {
		out = append(out, apiRoot+lookStream+s)
	}
	return out
}

// Stream is what a producer may know of a stream.
type Stream struct {
	Name     string
	Subject  string // with wildcards
	Created  time.Time
	Window   time.Duration // of duplicates
	Messages int32         // the largest message, in bytes
}

// look answers a request of JetStream's API about streams: what may be
// published to, and nothing of what is there.
func look(streams []Stream, subject string, request []byte) []byte {
	var answer any
	switch rest := strings.TrimPrefix(subject, lookRoot); {
	case rest == lookAccount:
		answer = accountAnswer(len(streams))
	case rest == lookNames:
		answer = namesAnswer(streams, request)
	default:
		name := strings.TrimPrefix(rest, lookStream)
		i := slices.IndexFunc(streams, func(s Stream) bool { return s.Name == name })
		if i < 0 {
			answer = apiError{Type: "io.nats.jetstream.api.v1.stream_info_response", Error: Refusal{Code: 404, ErrCode: codeStreamNotFound, Description: "stream not found"}}
		} else {
			answer = infoAnswer(&streams[i])
		}
	}
	out, err := json.Marshal(answer)
	if err != nil { // plain values: it does not happen
		return []byte(`{"error":{"code":500,"err_code":10003,"description":"bad request"}}`)
	}
	return out
}

type apiError struct {
	Type  string  `json:"type"`
	Error Refusal `json:"error"`
}

type apiAccount struct {
	Type string `json:"type"`
	jetstream.AccountInfo
}

// accountAnswer tells that JetStream is there.
func accountAnswer(streams int) any {
	a := apiAccount{Type: "io.nats.jetstream.api.v1.account_info_response"}
	a.Streams = streams
	a.Limits.MaxMemory, a.Limits.MaxStore, a.Limits.MaxStreams, a.Limits.MaxConsumers = -1, -1, -1, -1
	return a
}

type apiNames struct {
	Type    string   `json:"type"`
	Total   int      `json:"total"`
	Offset  int      `json:"offset"`
	Limit   int      `json:"limit"`
	Streams []string `json:"streams"`
}

// namesAnswer lists the streams that take a subject, or all.
func namesAnswer(streams []Stream, request []byte) any {
	var asked struct {
		Subject string `json:"subject"`
		Offset  int    `json:"offset"`
	}
	_ = json.Unmarshal(request, &asked) // what cannot be read asks for all, as the server has it
	names := []string{}
	for _, s := range streams {
		if asked.Subject == "" || overlap(s.Subject, asked.Subject) {
			names = append(names, s.Name)
		}
	}
	a := apiNames{Type: "io.nats.jetstream.api.v1.stream_names_response", Total: len(names), Offset: asked.Offset, Limit: 1024}
	a.Streams = names[min(max(asked.Offset, 0), len(names)):]
	return a
}

// overlap tells whether subject, which may have wildcards, can be one of all's,
// which is a first word and everything below it.
func overlap(all, subject string) bool {
	root, _, _ := strings.Cut(all, ".")
	first, rest, more := strings.Cut(subject, ".")
	return first == ">" && !more || (first == root || first == "*") && more && rest != ""
}

type apiStream struct {
	Type    string                 `json:"type"`
	Config  jetstream.StreamConfig `json:"config"`
	Created time.Time              `json:"created"`
	State   jetstream.StreamState  `json:"state"`
}

// infoAnswer tells a stream's terms, and nothing of what is in it.
func infoAnswer(s *Stream) any {
	return apiStream{Type: "io.nats.jetstream.api.v1.stream_info_response", Created: s.Created.UTC(), Config: jetstream.StreamConfig{
		Name: s.Name, Subjects: []string{s.Subject}, Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew, Replicas: 1,
		MaxConsumers: -1, MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxMsgSize: s.Messages, Duplicates: s.Window,
	}}
}

// answerLook answers one request on the connection it came by.
func answerLook(streams []Stream) nats.MsgHandler {
	return func(m *nats.Msg) {
		if m.Reply != "" {
			_ = m.Respond(look(streams, m.Subject, m.Data)) // who hears nothing asks again
		}
	}
}
