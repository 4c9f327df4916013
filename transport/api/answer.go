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

// answerWriter remembers whether an answer has begun.
type answerWriter struct {
	http.ResponseWriter
	begun bool
}

func (w *answerWriter) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
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
