package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Answers keep the answers to requests that had an Idempotency-Key, for a day,
// through restarts, and not readable at rest: some hold a secret.
type Answers interface {
	// Claim notes data under a key; where something is there already it gives that.
	Claim(ctx context.Context, key string, data []byte) (there []byte, err error)
	// Keep puts data in the place of what is under a key.
	Keep(ctx context.Context, key string, data []byte) error
	Release(ctx context.Context, key string) error
}

const (
	idempotencyHeader = "Idempotency-Key"
	maxIdempotencyKey = 255
	// maxKeptAnswer is the most of an answer that is kept.
	maxKeptAnswer = 256 << 10
	// answerWithin is how long a request may be under way: after that the one
	// that claimed its key is taken to have ended with its node.
	answerWithin = 3 * time.Minute
	// keepTime bounds the storing of an answer.
	keepTime = 5 * time.Second
)

// keptAnswer is what is kept under a key. Status 0: the request is under way.
type keptAnswer struct {
	Request string      `json:"request"`       // its digest
	Run     string      `json:"run,omitempty"` // of the node that claimed the key
	At      time.Time   `json:"at"`
	Status  int         `json:"status,omitempty"`
	Header  http.Header `json:"header,omitempty"`
	Body    []byte      `json:"body,omitempty"`
}

// idempotent answers a POST with an Idempotency-Key: the same caller with the
// same key and the same request gets the answer of the first one that succeeded
// within 24 hours, and the request is not made again. A failure is not kept:
// it may be tried again with the same key; neither is what changed nothing.
func (s *Server) idempotent(w http.ResponseWriter, r *http.Request, pattern string, next http.Handler) {
	hold := held{budget: s.bodies}
	defer hold.back()
	r, key, digest, failure := s.readIdempotent(w, r, pattern, &hold)
	if failure != nil {
		writeError(w, failure)
		return
	}
	mine := pending{request: digest, since: s.Now().UTC()}
	if other, taken := s.underWay.begin(key, mine); taken {
		writeError(w, isUnderWay(other.request == digest))
		return
	}
	customer := hold.customer
	failure = s.kept.claim(s.Now(), customer)
	var there *keptAnswer
	if failure == nil {
		there, failure = s.claim(r.Context(), key, mine)
	}
	if failure != nil || there != nil {
		s.underWay.end(key, mine)
	}
	switch {
	case failure != nil:
		writeError(w, failure)
		return
	case there != nil:
		for name, values := range there.Header {
			w.Header()[name] = values
		}
		w.Header().Set("Idempotency-Replayed", "true")
		w.WriteHeader(there.Status)
		_, _ = w.Write(there.Body) // the caller went away: nobody to tell
		return
	}
	answer := &keptWriter{header: http.Header{}, status: http.StatusOK, changes: true}
	r = r.WithContext(context.WithValue(r.Context(), nothingDoneKey{}, &answer.changes))
	defer func() { // whatever happened: a panic is no answer
		s.keepAnswer(r.Context(), customer, key, mine, answer)
	}()
	next.ServeHTTP(answer, r)
	for name, values := range answer.header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body.Bytes())
	answer.done = true
}

// readIdempotent finds out who asks for what: the key under which the answer is
// kept, and the request's digest. The roles belong to the key, so that nobody
// is given what a token with more of them was.
func (s *Server) readIdempotent(w http.ResponseWriter, r *http.Request, pattern string, hold *held) (_ *http.Request, key, digest string, failure *Error) {
	route, ours := s.known[pattern]
	if !ours {
		return nil, "", "", newError(http.StatusBadRequest, idempotencyHeader+" is not for this path: leave it out")
	}
	who, failure := s.allow(w, r, &route)
	if failure != nil {
		return nil, "", "", failure
	}
	given := r.Header.Get(idempotencyHeader)
	if len(given) > maxIdempotencyKey || strings.ContainsFunc(given, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, "", "", invalid(idempotencyHeader, "not 1 to 255 visible ASCII characters; give for example a UUID")
	}
	limits := usualBody
	if pattern == eventsRoute.pattern() {
		limits = eventsBody
	}
	hold.customer = who.customer
	raw, failure := readBody(r, limits, hold)
	if failure != nil {
		return nil, "", "", failure.of(route.thing)
	}
	roles := slices.Sorted(slices.Values(who.roles))
	key = digestOf(who.customer, who.subject, strings.Join(roles, "\n"), given)
	digest = digestOf(r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), string(raw))
	ctx := context.WithValue(r.Context(), callerKey{}, who)
	r = r.WithContext(context.WithValue(ctx, madeIDKey{}, uuid.NewSHA1(madeIDs, []byte(key+digest)).String()))
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	return r, key, digest, nil
}

// madeIDs is the name space of ids made from an Idempotency-Key.
var madeIDs = uuid.MustParse("5b0e3f1c-7e0a-5d7e-9a55-2d1f6d0f8c11")

type madeIDKey struct{}

// newID is the id of what a request makes: with an Idempotency-Key the same at
// each try, so that a try whose answer was lost is found, and not made again.
func newID(ctx context.Context) (string, error) {
	if id, same := ctx.Value(madeIDKey{}).(string); same {
		return id, nil
	}
	id, err := uuid.NewV7()
	return id.String(), err
}

// digestOf tells texts from others, whatever is in them.
func digestOf(texts ...string) string {
	h := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// claim gives the answer there is to the request, or nil: then it is to be made.
func (s *Server) claim(ctx context.Context, key string, p pending) (*keptAnswer, *Error) {
	mine, err := json.Marshal(keptAnswer{Request: p.request, Run: s.run, At: p.since})
	if err != nil {
		return nil, s.fault(ctx, err)
	}
	data, err := s.Answers.Claim(ctx, key, mine)
	if err != nil {
		return nil, s.fault(ctx, err)
	}
	if data == nil {
		return nil, nil
	}
	var there keptAnswer
	if err := json.Unmarshal(data, &there); err != nil {
		return nil, s.fault(ctx, err)
	}
	switch {
	case there.Status == 0 && there.Run == s.run: // not under way, see underWay
	case there.Request != p.request:
		return nil, isUnderWay(false)
	case there.Status != 0:
		return &there, nil
	case p.since.Sub(there.At) < answerWithin:
		return nil, isUnderWay(true)
	}
	if err := s.Answers.Keep(ctx, key, mine); err != nil {
		return nil, s.fault(ctx, err)
	}
	return nil, nil
}

// isUnderWay refuses a request whose key another one has: the same, or not.
func isUnderWay(same bool) *Error {
	if !same {
		return newError(http.StatusConflict, "This Idempotency-Key was used for another request: give each request a key of its own")
	}
	return newError(http.StatusConflict, "A request with this Idempotency-Key is under way: wait for its answer").retryAfter(1)
}

// keepAnswer stores the answer to a request that was done; otherwise the key is
// free again, also where NATS does not hear of it. What was done and cannot be
// kept stays under way, lest a repeat do it again at once.
func (s *Server) keepAnswer(ctx context.Context, customer, key string, p pending, answer *keptWriter) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	if !answer.done || answer.status >= 300 || !answer.changes || answer.body.Len() > maxKeptAnswer || !s.kept.keep(customer, answer.body.Len()*4/3) {
		if err := s.Answers.Release(ctx, key); err != nil {
			s.log.InfoContext(ctx, "an Idempotency-Key is not released; it is free for this run of the node", "error", err)
		}
		s.underWay.end(key, p)
		return
	}
	data, err := json.Marshal(keptAnswer{Request: p.request, At: s.Now().UTC(), Status: answer.status, Header: answer.header, Body: answer.body.Bytes()})
	if err == nil {
		err = s.Answers.Keep(ctx, key, data)
	}
	if err != nil {
		s.log.WarnContext(ctx, "the answer to a request with an Idempotency-Key is not kept; a repeat within some minutes is refused", "error", err)
		s.underWay.forget(s.Now())
		return
	}
	s.underWay.end(key, p)
}

// keptWriter holds an answer until it is whole.
type keptWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
	done   bool
	// changes: the request was no dry run.
	changes bool
}

func (k *keptWriter) Header() http.Header         { return k.header }
func (k *keptWriter) WriteHeader(status int)      { k.status = status }
func (k *keptWriter) Write(b []byte) (int, error) { return k.body.Write(b) }
