package api

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Whoever may not call is told so before the body that was announced is there:
// nobody waits for it.
func TestARefusalWaitsForNoBody(t *testing.T) {
	b := start(t, nil)
	for _, c := range []struct {
		token  string
		status int
	}{{"", 401}, {token(t, "acme", RoleGetAlerts), 403}} {
		for _, path := range []string{"/v1/endpoints", "/v1/events", "/alerts/webhook"} {
			conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAccess-Token: %s\r\nContent-Length: 200000\r\n\r\n", path, c.token)
			// The server of this test has no deadline for bodies: without the
			// answer it would wait for good.
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if answer.StatusCode != c.status || !answer.Close {
				t.Errorf("%s: %d, close %t", path, answer.StatusCode, answer.Close)
			}
			_ = answer.Body.Close() // the connection ends with it
		}
	}
}
