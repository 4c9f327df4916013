package webhook

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/transport"
)

func TestWhatAStatusMeans(t *testing.T) {
	const failed, throttled, gone, delivered = transport.Failed, transport.Throttled, transport.Gone, transport.Delivered
	for _, c := range []struct {
		status         int
		only200, any2x transport.Class
		reason         string
	}{
		{200, delivered, delivered, ""},
		{201, failed, delivered, "status"},
		{204, failed, delivered, "status"},
		{299, failed, delivered, "status"},
		{101, failed, failed, "status"},
		{300, failed, failed, "redirect"},
		{301, failed, failed, "redirect"},
		{304, failed, failed, "redirect"},
		{308, failed, failed, "redirect"},
		{400, failed, failed, "status"},
		{401, failed, failed, "status"},
		{404, failed, failed, "status"},
		{408, failed, failed, "status"},
		{410, gone, gone, "gone"},
		{429, throttled, throttled, "status"},
		{500, failed, failed, "status"},
		{502, failed, failed, "status"},
		{503, throttled, throttled, "status"},
		{504, failed, failed, "status"},
		{999, failed, failed, "status"},
	} {
		for p, class := range map[policy]transport.Class{only200: c.only200, any2xx: c.any2x} {
			a := classify(c.status, http.Header{"Retry-After": {"7"}}, p, time.Time{})
			reason := c.reason
			if class == delivered {
				reason = ""
			}
			if a.Class != class || a.Reason != reason || a.Status != c.status {
				t.Errorf("%d under policy %d: %v %q", c.status, p, a.Class, a.Reason)
			}
			if waits := a.RetryAfter == 7*time.Second; waits != (class == throttled) {
				t.Errorf("%d: Retry-After %v", c.status, a.RetryAfter)
			}
		}
	}
}

func TestDetailsAreCutBetweenCharacters(t *testing.T) {
	for n := range 8 {
		s := bounded(strings.Repeat("x", n) + strings.Repeat("é€😀", 50))
		if len(s) > maxDetail || !utf8.ValidString(s) {
			t.Errorf("%d bytes: %q", len(s), s)
		}
	}
}
