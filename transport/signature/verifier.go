package signature

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	defaultTolerance = 5 * time.Minute
	// maxSignatures bounds the work one request can cause; senders send two.
	maxSignatures = 16
	// maxDigits keeps a timestamp far from any overflow: 33,000 years.
	maxDigits = 12
)

// Verifier verifies for one endpoint. It never changes, and is safe for
// concurrent use.
type Verifier struct {
	scheme           string
	header, previous string
	prefix           string
	keys             []key
	tolerance        time.Duration
}

// Verify checks one request; a receiver of many makes a Verifier. See
// Verifier.Verify for what it promises and the errors it gives.
func Verify(c Config, secret string, h http.Header, body []byte, now time.Time) error {
	v, err := NewVerifier(c, []string{secret}, 0)
	if err != nil {
		return err
	}
	return v.Verify(h, body, now)
}

// NewVerifier prepares the keys: give the old and the new secret while a
// rotation overlaps. Under "standard" a secret may be a whpk_ public key, and
// tolerance is how far the timestamp may be off either way; 0 means 5 minutes.
// Scheme "none" is refused, as it would accept everything. The error is a
// *ConfigError, and shows no secret.
func NewVerifier(c Config, secrets []string, tolerance time.Duration) (*Verifier, error) {
	c, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	switch {
	case c.Scheme == none:
		return nil, &ConfigError{"scheme", "none signs nothing, so nothing can be verified: give the endpoint another scheme"}
	case len(secrets) == 0:
		return nil, secretError("verifying needs at least one")
	case tolerance < 0:
		return nil, &ConfigError{"tolerance", "must not be negative; 0 means 5 minutes"}
	case tolerance == 0:
		tolerance = defaultTolerance
	}
	header := http.CanonicalHeaderKey(c.Header)
	v := &Verifier{
		scheme:    c.Scheme,
		header:    header,
		previous:  http.CanonicalHeaderKey(header + previousSuffix),
		prefix:    c.Prefix,
		tolerance: tolerance,
	}
	for _, secret := range secrets {
		m, err := verifyingMaterial(c.Scheme, secret)
		if err != nil {
			return nil, err
		}
		v.keys = append(v.keys, newKey(c, m))
	}
	return v, nil
}

// Format masks, whatever the verb.
func (v *Verifier) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "signature.Verifier") }

// Verify tells whether one of the secrets signed body, which must be the raw
// bytes as received. It compares in constant time. nil means: signed by a
// holder of the secret and, under "standard", within the tolerance of now.
//
// Errors wrap ErrMissing, ErrMalformed, ErrMismatch, ErrTooOld or ErrTooNew;
// the last two are said of signatures that hold.
func (v *Verifier) Verify(h http.Header, body []byte, now time.Time) error {
	w := borrow()
	defer w.giveBack()
	if v.scheme == standard {
		return v.verifyStandard(w, h, body, now)
	}
	return v.verifyBody(w, h, body)
}

// verifyBody accepts the previous secret's header as well: it is how a
// receiver that has not changed over yet goes on during a rotation.
func (v *Verifier) verifyBody(w *scratch, h http.Header, body []byte) error {
	value, err := single(h, v.header)
	if err != nil {
		return err
	}
	candidates := []string{v.spelled(value)}
	if value, err := single(h, v.previous); err == nil {
		candidates = append(candidates, v.spelled(value))
	}
	return v.check(w, candidates, nil, body)
}

// spelled adds the prefix that GenLogs' receivers may do without.
func (v *Verifier) spelled(value string) string {
	if v.scheme == genlogs && !strings.HasPrefix(value, v.prefix) {
		return v.prefix + value
	}
	return value
}

func (v *Verifier) verifyStandard(w *scratch, h http.Header, body []byte, now time.Time) error {
	id, err := single(h, idHeader)
	if err != nil {
		return err
	}
	timestamp, err := single(h, timestampHeader)
	if err != nil {
		return err
	}
	value, err := single(h, v.header)
	if err != nil {
		return err
	}
	at, err := readTimestamp(timestamp)
	if err != nil {
		return err
	}
	candidates := strings.SplitN(value, " ", maxSignatures+1)
	if len(candidates) > maxSignatures {
		return malformed(v.header, fmt.Sprintf("holds more than %d signatures; check what adds them on the way", maxSignatures))
	}
	w.setHead(id, timestamp)
	if err := v.check(w, candidates, w.head, body); err != nil {
		return err
	}
	return v.checkTime(at, now)
}

func (v *Verifier) check(w *scratch, candidates []string, head, body []byte) error {
	fits := false
	for _, k := range v.keys {
		if k.check(w, candidates, head, body) {
			return nil
		}
		for _, c := range candidates {
			fits = fits || k.form().fits(c)
		}
	}
	if !fits {
		return v.unreadable()
	}
	return mismatch()
}

// unreadable says what was looked for, by the first key given.
func (v *Verifier) unreadable() error {
	f := v.keys[0].form()
	digits := "lower-case hex digits"
	if f.base64 {
		digits = "base64 characters"
	}
	return malformed(v.header, fmt.Sprintf("must hold %q and %d %s; check scheme, algorithm, encoding, prefix and kind of key against the endpoint's", f.prefix, f.length, digits))
}

func (v *Verifier) checkTime(at, now time.Time) error {
	// Two differences, for Sub stops at the largest Duration, whose negative
	// does not exist.
	if age := now.Sub(at); age > v.tolerance {
		return tooOld(age, v.tolerance)
	}
	if ahead := at.Sub(now); ahead > v.tolerance {
		return tooNew(ahead, v.tolerance)
	}
	return nil
}

// single is the one value of a header. Two are refused, for the next reader
// might take the other one.
func single(h http.Header, name string) (string, error) {
	values := h[name]
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", missing(name)
	case len(values) > 1:
		return "", malformed(name, "is there more than once; check what adds it on the way")
	}
	return values[0], nil
}

func readTimestamp(s string) (time.Time, error) {
	seconds, err := strconv.ParseUint(s, 10, 63)
	if err != nil || len(s) > maxDigits {
		return time.Time{}, malformed(timestampHeader, "must be the unix time in seconds, in digits alone; pass it on as it was received")
	}
	return time.Unix(int64(seconds), 0), nil
}
