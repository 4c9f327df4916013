package httpserver

import (
	"io"
	"net/http"
	"time"
)

// boundBodies gives up a body of which nothing comes for bodyStall. The
// deadline lies on the connection from the request's beginning, and stays when
// the handler leaves a body unread: net/http reads up to 256 KiB of it by
// itself then, before it answers.
func boundBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		b := &body{ReadCloser: r.Body, connection: http.NewResponseController(w)}
		b.wait()
		bounded := *r // net/http looks at the body of its own request
		bounded.Body = b
		next.ServeHTTP(&bodied{ResponseWriter: w, body: b}, &bounded)
	})
}

// body moves the deadline on as it comes.
type body struct {
	io.ReadCloser
	connection *http.ResponseController
	over       bool // its end has come, or will not
}

func (b *body) wait() {
	if !b.over {
		_ = b.connection.SetReadDeadline(time.Now().Add(bodyStall)) // a recorder has none
	}
}

func (b *body) Read(p []byte) (int, error) {
	b.wait()
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && !b.over {
		// From now on net/http waits for the peer to leave, for as long as the
		// handler works.
		_ = b.connection.SetReadDeadline(time.Time{})
	}
	b.over = b.over || err != nil
	return n, err
}

// bodied gives the rest of an unread body its time when the answer begins: the
// handler may have worked for longer than the deadline set before.
type bodied struct {
	http.ResponseWriter
	body  *body
	begun bool
}

func (w *bodied) WriteHeader(status int) {
	w.begin()
	w.ResponseWriter.WriteHeader(status)
}

func (w *bodied) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

func (w *bodied) begin() {
	if !w.begun {
		w.begun = true
		w.body.wait()
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (w *bodied) Unwrap() http.ResponseWriter { return w.ResponseWriter }
