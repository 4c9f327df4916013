package api

import (
	"net/url"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// lastTried is when the last attempt began; otherwise now, where none was made.
func lastTried(d *transport.LoggedDelivery, now time.Time) time.Time {
	for i := len(d.Records) - 1; i >= 0; i-- {
		if d.Records[i].Kind == transport.Tried {
			return d.Records[i].At
		}
	}
	return now
}

// requestIs compares the fingerprints of what was sent and of what would be.
func requestIs(sent, now uint32) string {
	switch sent {
	case 0:
		return "unknown"
	case now:
		return "sent"
	}
	return "changed"
}

func shownRequest(p *Preview) *DeliveryRequest {
	r := &DeliveryRequest{Method: p.Method, URL: urlToShow(p.URL), Headers: make(map[string]string, len(p.Header))}
	for name := range p.Header {
		r.Headers[name] = p.Header.Get(name)
	}
	for _, name := range p.Signatures {
		r.Headers[name] = transport.Masked
	}
	return r
}

// secretWord is how long a word of a path with a digit in it must be for a
// secret, such as the tokens in the addresses of chat services.
const secretWord = 9

// urlToShow is raw without what may be a secret, as delivery is shown to people
// who may not see the endpoint. One that cannot be read is masked whole.
func urlToShow(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return transport.Masked
	}
	words := strings.Split(u.EscapedPath(), "/")
	for i, word := range words {
		if len(word) >= secretWord && strings.ContainsAny(word, "0123456789") {
			words[i] = transport.Masked
		}
	}
	shown := u.Scheme + "://" + u.Host + strings.Join(words, "/")
	if u.RawQuery == "" {
		return shown
	}
	var asked []string
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, valued := strings.Cut(part, "=")
		switch {
		case valued:
			part = name + "=" + transport.Masked
		case part != "":
			part = transport.Masked // a value by itself
		}
		asked = append(asked, part)
	}
	return shown + "?" + strings.Join(asked, "&")
}
