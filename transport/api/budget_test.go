package api

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stalled is a body of which nothing comes; read tells that it was waited for.
type stalled struct{ read, release chan struct{} }

func (s stalled) Read([]byte) (int, error) {
	close(s.read)
	<-s.release
	return 0, io.EOF
}

// A token that may not publish reserves nothing and has nothing read of it,
// with an Idempotency-Key either; one that may reserves what came.
func TestBodiesAreReservedAsTheyComeAndForWhoMaySendThem(t *testing.T) {
	b := start(t, func(o *Options) { o.BodyBudget = 100 << 20 })
	send := func(token, path, key string) (status chan int, body stalled) {
		body, status = stalled{make(chan struct{}), make(chan struct{})}, make(chan int, 1)
		r := httptest.NewRequest("POST", path, body)
		r.ContentLength = 64 << 20
		if path != "/v1/events" {
			r.ContentLength = 1 << 20
		}
		r.Header.Set("Access-Token", token)
		r.Header.Set("Idempotency-Key", key)
		go func() {
			w := httptest.NewRecorder()
			b.server.ServeHTTP(w, r)
			status <- w.Code
		}()
		return status, body
	}
	for _, path := range []string{"/v1/events", "/v1/endpoints"} {
		for _, key := range []string{"", "k-1"} {
			for token, want := range map[string]int{"": 401, "nonsense": 401, token(t, "acme"): 403} {
				if status, _ := send(token, path, key); <-status != want {
					t.Errorf("POST %s with key %q was not refused with %d at once", path, key, want)
				}
			}
		}
	}
	publisher := token(t, "acme", RolePublishEvents)
	var slow []stalled
	for range 100 { // 6.4 GB announced
		_, body := send(publisher, "/v1/events", "")
		<-body.read
		slow = append(slow, body)
	}
	if used := b.server.bodies.used; used > 100*firstBuffer {
		t.Errorf("%d bytes are reserved for bodies of which nothing came", used)
	}
	b.wantStatus(b.call(publisher, "POST", "/v1/events", `{"type":"a","data":1}`), 202)
	for _, body := range slow {
		close(body.release)
	}
}

func TestABudgetHasRoomForOthers(t *testing.T) {
	b := newBudget(100, "full")
	if b.take("a", 50) != nil || b.take("a", 1) == nil || b.take("b", 50) != nil || b.take("c", 1) == nil {
		t.Errorf("%d used of 100: %v", b.used, b.of)
	}
	b.give("a", 50)
	if b.take("c", 50) != nil {
		t.Error("what was given back is not there")
	}
	b.give("b", 50)
	b.give("c", 50)
	if b.used != 0 || len(b.of) != 0 {
		t.Errorf("%d used, %v", b.used, b.of)
	}
}

// A body that trickles is ended though it never stops.
func TestABodyThatTricklesIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := httptest.NewRequest("POST", "/", trickle{})
		r.ContentLength = 1 << 20
		began := time.Now()
		hold := held{budget: newBudget(1<<30, "full")}
		if _, failure := readBody(r, usualBody, &hold); failure == nil || failure.status != http.StatusRequestTimeout {
			t.Errorf("%v", failure)
		}
		if took := time.Since(began); took > usualBody.within+9*time.Second {
			t.Errorf("after %s", took)
		}
	})
}

type trickle struct{}

func (trickle) Read(p []byte) (int, error) {
	time.Sleep(9 * time.Second) // in the bubble's time
	p[0] = ' '
	return 1, nil
}

func TestPagesAreBoundedInBytes(t *testing.T) {
	b := start(t, nil)
	const endpoints = 60
	large := strings.Repeat("x", 4000)
	for i := range endpoints {
		var headers []string
		for h := range 10 {
			headers = append(headers, fmt.Sprintf(`"x-%d":"%s"`, h, large))
		}
		b.made("acme", fmt.Sprintf(`{"url":"https://example.com/%d","body":{"a":"%s"},"body_mode":"replace","headers":{%s}}`, i, strings.Repeat(large, 10), strings.Join(headers, ",")))
	}
	admin, seen, pages, cursor := token(t, "acme", RoleAdmin), 0, 0, ""
	for more := true; more; more = cursor != "" {
		got := b.call(admin, "GET", "/v1/endpoints?limit=500&cursor="+cursor, "")
		list := read[EndpointList](b, got)
		if len(got.body) > maxPage+1000 {
			t.Errorf("a page of %d bytes", len(got.body))
		}
		seen, pages, cursor = seen+len(list.Items), pages+1, list.NextCursor
	}
	if seen != endpoints || pages < 2 {
		t.Errorf("%d of %d endpoints on %d pages", seen, endpoints, pages)
	}
}

func TestAPageHasOneItemAtLeast(t *testing.T) {
	items := []string{strings.Repeat("a", maxPage+1), "b", "c"}
	same := func(s string) string { return s }
	page, next := pageOf(listOfEndpoints, items, 500, func(s string) string { return s[:1] }, same)
	if len(page) != 1 || next != listOfEndpoints.cursorAt("a") {
		t.Errorf("%d items, next %q", len(page), next)
	}
	if page, next = pageOf(listOfEndpoints, items[1:], 1, same, same); len(page) != 1 || next != listOfEndpoints.cursorAt("b") {
		t.Errorf("%d items, next %q", len(page), next)
	}
	if page, next = pageOf(listOfEndpoints, items[1:], 2, same, same); len(page) != 2 || next != "" {
		t.Errorf("%d items, next %q", len(page), next)
	}
}

// unread is a connection whose peer does not read: what is written to it waits.
type unread struct {
	http.ResponseWriter
	waits, release chan struct{}
}

func (u unread) Write([]byte) (int, error) {
	u.waits <- struct{}{}
	<-u.release
	return 0, net.ErrClosed
}

// Answers that are not read are held, up to a bound, and of one customer up to
// half of it.
func TestAnswersThatWaitAreBounded(t *testing.T) {
	const large = 10_000
	b := start(t, func(o *Options) { o.AnswerBudget = 10 * large })
	for _, customer := range []string{"acme", "umbrella"} {
		b.made(customer, `{"url":"https://example.com/","body":{"a":"`+strings.Repeat("x", large-2000)+`"},"body_mode":"replace"}`)
	}
	waits, release := make(chan struct{}, 100), make(chan struct{})
	list := func(w http.ResponseWriter, customer string) {
		r := httptest.NewRequest("GET", "/v1/endpoints", nil)
		r.Header.Set("Access-Token", token(t, customer, RoleAdmin))
		b.server.ServeHTTP(w, r)
	}
	done := make(chan struct{}, 100)
	begin := func() {
		go func() {
			list(unread{httptest.NewRecorder(), waits, release}, "acme")
			done <- struct{}{}
		}()
	}
	const fit = 5
	for range fit {
		begin()
		<-waits
	}
	refused := httptest.NewRecorder()
	list(refused, "acme")
	if refused.Code != 429 || refused.Header().Get("Retry-After") != "1" || !strings.Contains(refused.Body.String(), "TOO_MANY_REQUESTS") {
		t.Errorf("the sixth: %d %s", refused.Code, refused.Body)
	}
	other := httptest.NewRecorder()
	if list(other, "umbrella"); other.Code != 200 {
		t.Errorf("another customer: %d %s", other.Code, other.Body)
	}
	close(release)
	for range fit {
		<-done
	}
	again := httptest.NewRecorder()
	if list(again, "acme"); again.Code != 200 || b.server.answers.used != 0 {
		t.Errorf("after them: %d, %d bytes are held", again.Code, b.server.answers.used)
	}
}
