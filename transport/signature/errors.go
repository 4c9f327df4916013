package signature

import (
	"errors"
	"fmt"
	"time"
)

// Why a signature was not accepted. Verify wraps one of these, with the remedy.
var (
	// ErrMissing: a header that the scheme needs is not there.
	ErrMissing = errors.New("signature header missing")
	// ErrMalformed: a header does not have the scheme's form.
	ErrMalformed = errors.New("signature header malformed")
	// ErrMismatch: the signature was made over other bytes or with another secret.
	ErrMismatch = errors.New("signature does not match")
	// ErrTooOld: the signature holds, but was made longer ago than the tolerance.
	ErrTooOld = errors.New("signature too old")
	// ErrTooNew: the signature holds, but was made further ahead than the tolerance.
	ErrTooNew = errors.New("signature from the future")
)

func missing(header string) error {
	return fmt.Errorf("%w: there is no %s; check that scheme and header are the endpoint's, and that no proxy takes it away", ErrMissing, header)
}

func malformed(header, remedy string) error {
	return fmt.Errorf("%w: %s %s", ErrMalformed, header, remedy)
}

func mismatch() error {
	return fmt.Errorf("%w: check that the secret is this endpoint's, and that the body is the raw bytes as received, not JSON read and written again", ErrMismatch)
}

func tooOld(age, tolerance time.Duration) error {
	return fmt.Errorf("%w: signed %s ago, at most %s are accepted; set this machine's clock by NTP, and refuse the message if the clock is right: it may be a replay", ErrTooOld, age.Truncate(time.Second), tolerance)
}

func tooNew(ahead, tolerance time.Duration) error {
	return fmt.Errorf("%w: signed %s ahead of this clock, at most %s are accepted; set this machine's clock by NTP, or tell the sender to", ErrTooNew, ahead.Truncate(time.Second), tolerance)
}
