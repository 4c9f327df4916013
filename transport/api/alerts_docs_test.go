package api

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

var curl = regexp.MustCompile(`(?m)^curl (?:-X (\w+) )?"?\$NODE([^" ]+)"? -H "Authorization: Bearer \$TOKEN"(?: -d '(.*)')?$`)

// TestTheExamplesOfTheDocs asks what docs/alerts.md asks, in its order.
func TestTheExamplesOfTheDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := curl.FindAllStringSubmatch(string(page), -1)
	if n := strings.Count(string(page), "\ncurl "); n != len(examples) || n < 12 {
		t.Fatalf("%d of %d examples can be read", len(examples), n)
	}
	b := start(t, nil)
	b.runs = []transport.Run{{ID: "r1", Customer: "acme", Type: "hot", State: transport.RunDone}}
	b.mailboxes = []*transport.Endpoint{{ID: "m1", Customer: "acme", Kind: transport.KindEmail}}
	b.answer = transport.Answer{Class: transport.Delivered, Status: 200}
	names := map[string]string{"$RUN": "r1", "$MAILBOX": "m1"}
	for _, example := range examples {
		method, path, body := example[1], example[2], example[3]
		for name, id := range names {
			path = strings.ReplaceAll(path, name, id)
		}
		if method == "" {
			if method = "GET"; body != "" {
				method = "POST"
			}
		}
		if len(b.customers) == 0 && len(b.alerts) > 0 { // as the registry does
			b.customers["acme"] = &transport.Customer{ID: "acme", CustomerID: 1}
		}
		got := b.call(token(t, "acme", RoleAdmin), method, path, body)
		if got.status >= 300 {
			t.Errorf("%s\n%d %s", example[0], got.status, got.body)
			continue
		}
		switch {
		case method == "POST" && path == "/alerts":
			names["$ALERT"] = read[ShownEndpoint](b, got).ID
		case method == "POST" && path == "/alerts/webhook":
			names["$WEBHOOK"] = read[Webhook](b, got).ID
		}
	}
}
