package webhook

import (
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/transport"
)

// policy says which statuses deliver.
type policy uint8

const (
	any2xx policy = iota
	only200
)

func policyOf(success string) (policy, error) {
	switch success {
	case "2xx", "":
		return any2xx, nil
	case "200":
		return only200, nil
	}
	return 0, &transport.FieldError{Field: "delivery.success", Value: success, Message: "not a policy; choose 200 or 2xx"}
}

func (p policy) accepts(status int) bool {
	return status == http.StatusOK || p == any2xx && status >= 200 && status < 300
}

// classify says what an answer means. It is the only place that does; the
// class is passed on from here.
func classify(status int, h http.Header, p policy, now time.Time) transport.Answer {
	a := transport.Answer{Class: transport.Failed, Status: status, Reason: transport.ReasonStatus}
	switch {
	case p.accepts(status):
		a.Class, a.Reason = transport.Delivered, ""
	case status == http.StatusGone:
		a.Class, a.Reason, a.Detail = transport.Gone, transport.ReasonGone, "410: the receiver wants no more"
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		a.Class = transport.Throttled
		a.RetryAfter = retryAfter(h.Values("Retry-After"), now)
		a.Detail = "the receiver answered " + strconv.Itoa(status)
	case status >= 300 && status < 400:
		a.Reason = transport.ReasonRedirect
		a.Detail = "the receiver answered " + strconv.Itoa(status) + "; redirects are not followed"
	case status >= 200 && status < 300:
		a.Detail = "the receiver answered " + strconv.Itoa(status) + ", and 200 alone is success here; set delivery.success to 2xx, or answer 200"
	default:
		a.Detail = "the receiver answered " + strconv.Itoa(status)
	}
	return a
}

// maxDetail is the most that an Answer's Detail holds, in bytes.
const maxDetail = 200

// bounded cuts s between characters.
func bounded(s string) string {
	if len(s) <= maxDetail {
		return s
	}
	const more = "…"
	end := maxDetail - len(more)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}
