package gate

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// Reasons why a message was not stored, for counting.
const (
	ReasonHeader   = "header"
	ReasonSize     = "size"
	ReasonSubject  = "subject"
	ReasonDocument = "document"
	ReasonShare    = "share"
	ReasonStore    = "store"
	ReasonBatch    = "batch"
	ReasonUnread   = "unread"
	ReasonRoom     = "room"
)

// JetStream's error codes that clients know.
const (
	codeBadRequest     = 10003
	codeUnavailable    = 10008
	codeTooLarge       = 10054
	codeStreamNotFound = 10059
	codeStreamMismatch = 10060
	codeStoreFailed    = 10077
	codeHeaderTooLarge = 10097
	codeTTL            = 10166
	codeTooMany        = 10167
	codeIncr           = 10168
	// CodeNoBatches is JetStream's for a stream that takes no atomic batches.
	CodeNoBatches = 10174
	codeSchedules = 10188
)

// Refusal is why a message is not stored, as JetStream words errors.
type Refusal struct {
	Reason      string `json:"-"`
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

func refused(reason string, errCode int, description string) *Refusal {
	return &Refusal{Reason: reason, Code: http.StatusBadRequest, ErrCode: errCode, Description: description}
}

// unstored is what a failed write is answered with; nil: with nothing, as it is
// not known whether the message is stored.
func unstored(err error) *Refusal {
	var api *jetstream.APIError
	switch {
	case errors.Is(err, transport.ErrUnknown):
		return nil
	case errors.As(err, &api) && api.Code == http.StatusServiceUnavailable:
		return &Refusal{Reason: ReasonStore, Code: api.Code, ErrCode: codeStoreFailed, Description: err.Error()}
	case errors.As(err, &api):
		return &Refusal{Reason: ReasonStore, Code: api.Code, ErrCode: int(api.ErrorCode), Description: err.Error()}
	}
	return &Refusal{Reason: ReasonStore, Code: http.StatusServiceUnavailable, ErrCode: codeUnavailable,
		Description: err.Error() + "; publish again later, with the same id"}
}

// noRoom is what a message is answered with that the log has no room for.
func noRoom(err error) *Refusal {
	if errors.Is(err, transport.ErrUnavailable) {
		return &Refusal{Reason: ReasonRoom, Code: http.StatusServiceUnavailable, ErrCode: codeStoreFailed, Description: err.Error()}
	}
	return &Refusal{Reason: ReasonShare, Code: http.StatusTooManyRequests, ErrCode: codeTooMany, Description: "too many requests: " + err.Error()}
}

// refusalAnswer is the answer to a publish that is refused.
func refusalAnswer(stream string, r *Refusal) []byte {
	out, err := json.Marshal(struct {
		Error  *Refusal `json:"error"`
		Stream string   `json:"stream"`
		Seq    uint64   `json:"seq"`
	}{r, stream, 0})
	if err != nil { // plain fields: it does not happen
		return []byte(`{"error":{"code":500,"err_code":10003,"description":"bad request"}}`)
	}
	return out
}

// acknowledgement is JetStream's PubAck; stream needs no escaping.
func acknowledgement(stream string, seq uint64, duplicate bool) []byte {
	b := make([]byte, 0, 64)
	b = append(b, `{"stream":"`...)
	b = append(b, stream...)
	b = append(b, `","seq":`...)
	b = strconv.AppendUint(b, seq, 10)
	if duplicate {
		b = append(b, `,"duplicate":true`...)
	}
	return append(b, '}')
}
