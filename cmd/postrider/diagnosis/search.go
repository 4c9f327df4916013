package diagnosis

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

// maxMistakes is how many are undone at once.
const maxMistakes = 4

// search looks for the fewest mistakes that explain the signature.
func (d *Diagnosis) search(r *Request) {
	sums, secrets := digests(d.Config, r.Header), keys(d.Config.Scheme, r.Secrets)
	fewest := maxMistakes + 1
	for m := range messages(d.Config, r.Header, r.Body) {
		if fewest <= len(m.causes) {
			break
		}
		for _, k := range secrets {
			for _, sum := range sums {
				mistakes := len(m.causes) + len(k.causes) + len(sum.causes)
				if mistakes >= fewest {
					continue
				}
				d.Tried++
				if k.made(&sum, &m) {
					fewest, d.Causes = mistakes, slices.Concat(sum.causes, k.causes, m.causes)
					d.Signed = append(m.head[:len(m.head):len(m.head)], m.body...)
				}
			}
		}
	}
	if fewest <= maxMistakes {
		d.Causes = append(d.Causes, r.clock(d.Config, d.Causes)...)
	}
}

// clock tells what is wrong with the timestamp of a signature that holds else.
func (r *Request) clock(c signature.Config, known []Cause) []Cause {
	if c.Scheme != standard {
		return nil
	}
	timestamp := r.Header.Get(timestampHeader)
	at, ok := timeOf(timestamp)
	switch {
	case len(known) > 0 && known[len(known)-1].Code == "timestamp_unit" || !ok:
		return nil
	case inMilliseconds(timestamp):
		return []Cause{{"timestamp_unit", "webhook-timestamp is in milliseconds where it should be in seconds", "send and sign the unix time in seconds"}}
	}
	const tolerance = 5 * time.Minute
	if age := r.Now.Sub(at); age > tolerance {
		return []Cause{{"clock", fmt.Sprintf("the signature is %s old, at most %s are accepted", age.Truncate(time.Second), shortly(tolerance)),
			"set this machine's clock by NTP; of a request that was kept, give the time when it came"}}
	}
	if ahead := at.Sub(r.Now); ahead > tolerance {
		return []Cause{{"clock", fmt.Sprintf("the signature is from %s ahead, at most %s are accepted", ahead.Truncate(time.Second), shortly(tolerance)),
			"set this machine's clock, or the sender's, by NTP"}}
	}
	return nil
}

// formal tells what can be seen without a signature that fits.
func (r *Request) formal(c signature.Config) []Cause {
	value := r.Header.Get(c.Header)
	asymmetric := false
	for _, k := range keys(c.Scheme, r.Secrets) {
		asymmetric = asymmetric || k.public != nil && len(k.causes) == 0
	}
	switch {
	case value == "":
		return []Cause{{"header_missing", "there is no " + c.Header + otherThan(r.Header), "check that the scheme is the endpoint's, and that no proxy takes the header away"}}
	case c.Scheme == standard && (r.Header.Get(idHeader) == "" || r.Header.Get(timestampHeader) == ""):
		return []Cause{{"header_missing", "webhook-id or webhook-timestamp is not there, and both are signed", "give both as they were received"}}
	case len(digests(c, r.Header)) == 0:
		return []Cause{{"header_form", c.Header + " holds no signature: nothing in it is 20, 32 or 64 bytes in hex or base64", "pass it on whole, as it was received"}}
	case c.Scheme == standard && isAsymmetric(value) && !asymmetric:
		return []Cause{{"key_kind", "the signature is ed25519 (v1a), and the secret given is no whpk_ or whsk_ key", "give the endpoint's public key, whpk_ and base64"}}
	case c.Scheme == standard && !strings.Contains(value, "v1a,") && asymmetric:
		return []Cause{{"key_kind", "the signature is HMAC (v1), and the key given is for ed25519", "give the endpoint's whsec_ secret"}}
	case len(r.Body) == 0:
		return []Cause{{"body_empty", "the body is empty", "something read it before: keep the raw bytes, and verify over those"}}
	}
	return nil
}

// otherThan names the signature that is there in place of the one looked for.
func otherThan(h http.Header) string {
	if sure, _ := candidates(h); len(sure) > 0 {
		return ", but a signature in " + sure[0].Header
	}
	return ""
}

func timeOf(timestamp string) (time.Time, bool) {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	return time.Unix(seconds, 0), err == nil
}

func shortly(d time.Duration) string { return strings.TrimSuffix(d.String(), "0s") }
