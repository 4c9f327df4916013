package diagnosis

import (
	"errors"
	"net/http"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

// Request is what a receiver got, and what it verifies with.
type Request struct {
	Header http.Header
	// Body is the raw body as the receiver has it.
	Body []byte
	// Secrets are the current one and then those before it; none: nothing is
	// verified.
	Secrets []string
	// Config is how the endpoint signs; without a Scheme the headers tell.
	Config signature.Config
	// Now is when the request came.
	Now time.Time
}

// Code names a kind of cause, for programs.
type Code string

// Cause is one mistake, and what to do about it.
type Cause struct {
	Code   Code   `json:"code"`
	What   string `json:"what"`
	Remedy string `json:"remedy"`
}

// Verdict is what became of a signature.
type Verdict string

// Verdicts.
const (
	Holds     Verdict = "holds"
	Fails     Verdict = "fails"
	Unchecked Verdict = "unchecked" // no secret was given
	Unsigned  Verdict = "unsigned"  // no header holds a signature
)

// Diagnosis is what there is to tell of a request.
type Diagnosis struct {
	// Config is how it is signed, all fields filled in; Scheme says it in words.
	Config  signature.Config
	Scheme  string
	Verdict Verdict
	// Why it does not hold, as a receiver would be told; "" where it does.
	Why string
	// Causes are what, undone all together, makes the signature hold. Of one
	// that holds they are what is worth knowing.
	Causes []Cause
	// Tried is how many keys and messages were compared with the signature.
	Tried int
	// Checked are the bytes that the scheme signs of this request, Signed those
	// that the signature was made over: nil where that was not found out.
	Checked, Signed []byte
}

// Verify recognises the scheme and verifies. It looks for no cause.
func Verify(r *Request) Diagnosis {
	c, verdict, err := r.recognise()
	d := Diagnosis{Config: c, Verdict: verdict, Scheme: "none"}
	if err != nil {
		d.Why = err.Error()
	}
	if c.Scheme != "" {
		d.Scheme = words(c, r.Header)
		d.Checked = append(headOf(c, r.Header), r.Body...)
	}
	if verdict == Holds {
		d.Signed = d.Checked
	}
	return d
}

// Explain verifies and, where the signature does not hold, looks for the cause.
// Bodies over 8 MiB are taken as they are, without trying other forms of them.
func Explain(r *Request) Diagnosis {
	d := Verify(r)
	switch {
	case d.Verdict == Holds:
		d.Causes = r.notes(d.Config)
	case d.Verdict == Fails && d.Config.Scheme != "":
		d.search(r)
		if len(d.Causes) == 0 {
			d.Causes = r.formal(d.Config)
		}
	}
	return d
}

// recognise gives how r is signed, and whether that holds. Of several
// signatures the first that holds is taken, else the most probable one.
func (r *Request) recognise() (signature.Config, Verdict, error) {
	if r.Config.Scheme != "" {
		c, err := r.Config.Resolve()
		if err != nil {
			return r.Config, Fails, err
		}
		c.Header = http.CanonicalHeaderKey(c.Header)
		verdict, err := r.verify(c, r.Secrets)
		return c, verdict, err
	}
	sure, unsure := candidates(r.Header)
	for _, c := range append(sure, unsure...) {
		if verdict, err := r.verify(c, r.Secrets); verdict == Holds {
			return resolved(c), verdict, err
		}
	}
	if len(sure) == 0 {
		return signature.Config{}, Unsigned, errors.New("no header holds a signature; check that no proxy takes it away, and that it was passed on whole")
	}
	verdict, err := r.verify(sure[0], r.Secrets)
	return resolved(sure[0]), verdict, err
}

// resolved fills in the fields of a scheme that is known to be sound.
func resolved(c signature.Config) signature.Config {
	full, err := c.Resolve()
	if err != nil {
		return c // a header that cannot be one's own, such as User-Agent
	}
	full.Header = http.CanonicalHeaderKey(full.Header)
	return full
}

func (r *Request) verify(c signature.Config, secrets []string) (Verdict, error) {
	if len(secrets) == 0 {
		return Unchecked, nil
	}
	v, err := signature.NewVerifier(c, secrets, 0)
	if err == nil {
		err = v.Verify(r.Header, r.Body, r.Now)
	}
	if err != nil {
		return Fails, err
	}
	return Holds, nil
}

// notes tell whether it is by the secret before that a signature holds.
func (r *Request) notes(c signature.Config) []Cause {
	now := *r
	now.Header = r.Header.Clone()
	now.Header.Del(c.Header + previousSuffix)
	if verdict, _ := now.verify(c, r.Secrets[:1]); verdict == Holds {
		return nil
	}
	return []Cause{previousSecret}
}
