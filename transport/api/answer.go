package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
)

// answerWriter remembers whether an answer has begun, and reserves the bytes
// of one that goes to somebody with a token: until they are read they are held.
type answerWriter struct {
	http.ResponseWriter
	status int  // told and not written yet; 0: none
	begun  bool // the status is written
	known  bool // who asks
	hold   held
	full   *Error // goes in the place of the answer
}

// WriteHeader waits for the first bytes: there may be no room for them.
func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *answerWriter) Write(b []byte) (int, error) {
	if w.full == nil && w.known {
		w.full = w.hold.upTo(int64(len(b)))
	}
	if w.full != nil {
		return len(b), nil
	}
	w.begin()
	return w.ResponseWriter.Write(b)
}

func (w *answerWriter) begin() {
	if !w.begun && w.status > 0 {
		w.ResponseWriter.WriteHeader(w.status)
	}
	w.begun = true
}

// end writes what is left of the answer, and gives back its bytes.
func (w *answerWriter) end() {
	defer w.hold.back()
	switch {
	case w.full == nil:
		w.begin()
	case w.begun:
		panic(http.ErrAbortHandler) // half an answer must not look whole
	default:
		clear(w.Header())
		writeError(w.ResponseWriter, w.full)
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// discard takes an answer and keeps its status and headers.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// recoverPanic answers 500. The log gets the stack and the panic's type, not
// its value: that may hold what a request carried.
func (s *Server) recoverPanic(w *answerWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	s.log.ErrorContext(r.Context(), "request panicked", "method", r.Method, "path", r.URL.Path,
		"type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
	if w.begun {
		panic(http.ErrAbortHandler) // half an answer must not look whole
	}
	clear(w.Header())
	w.status = 0
	writeError(w, newError(http.StatusInternalServerError, internalMessage))
}

func writeError(w http.ResponseWriter, e *Error) {
	for name, values := range e.headers {
		w.Header()[name] = values
	}
	writeJSON(w, e.status, e)
}

// writeJSON writes v as it is, without HTML escapes and a line end.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	if err := encode(&body, v); err != nil {
		status = http.StatusInternalServerError
		body.Reset()
		_ = encode(&body, newError(status, internalMessage))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the caller went away: nobody to tell
}

func encode(body *bytes.Buffer, v any) error {
	e := json.NewEncoder(body)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	body.Truncate(len(bytes.TrimRight(body.Bytes(), "\n")))
	return err
}
