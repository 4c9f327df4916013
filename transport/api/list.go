package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	"github.com/postrider/postrider/transport"
)

// Page asks for a part of a list.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Most items of the answer"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The next_cursor of the page before"`
}

// listing names what is listed: a cursor is good for the list that gave it.
type listing string

const (
	listOfEndpoints  listing = "endpoints"
	listOfWebhooks   listing = "webhooks"
	listOfAlerts     listing = "alerts"
	listOfCustomers  listing = "customers"
	listOfDeliveries listing = "deliveries"
	listOfLetters    listing = "deadletters"
	listOfReplays    listing = "replays"
	listOfRuns       listing = "runs"
	listOfTypes      listing = "event-types"
	listOfChanges    listing = "changes"
)

// cursorSum is how many bytes of a cursor tell that it is one of this list's.
const cursorSum = 6

// after gives the key behind which the page of l begins; empty: at the
// beginning. What l did not give is refused: any other text would be taken for
// a place in the list.
func (p *Page) after(l listing) (string, error) {
	if p.Cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(p.Cursor)
	if err != nil || len(raw) <= cursorSum || l.cursorAt(string(raw[cursorSum:])) != p.Cursor {
		return "", badCursor()
	}
	return string(raw[cursorSum:]), nil
}

func badCursor() *Error {
	return invalid("cursor", "not one of ours; give the next_cursor of the page before, or leave it out")
}

// cursorAt is the cursor of the page behind key.
func (l listing) cursorAt(key string) string {
	sum := sha256.Sum256([]byte(string(l) + "\x00" + key))
	return base64.RawURLEncoding.EncodeToString(append(sum[:cursorSum:cursorSum], key...))
}

// checkEndpointID takes an endpoint to filter by; "" is none. One that was
// removed still has deliveries, so it need not be there.
func checkEndpointID(id string) error {
	if id == "" || uuid.Validate(id) == nil && len(id) == len(uuid.Nil.String()) {
		return nil
	}
	return &transport.FieldError{Field: "endpoint", Value: id, Message: "not an endpoint's id, which is a UUID; GET /v1/endpoints lists them"}
}

// checkReason takes a reason to filter by; "" is none.
func checkReason(reason string) error {
	notInWord := func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }
	if !strings.ContainsFunc(reason, notInWord) {
		return nil
	}
	return &transport.FieldError{Field: "reason", Value: reason, Message: "not a reason; give one as dead letters have it, such as retries_exhausted"}
}

// maxPage is the most bytes of a page's items as JSON, but for a first one that
// is larger by itself.
const maxPage = 1 << 20

// pageOf is the first of found, which goes by key, as they are shown: limit at
// most, and no more than maxPage takes; next is the cursor of the page after it.
func pageOf[T, S any](l listing, found []T, limit int, key func(T) string, show func(T) S) (page []S, next string) {
	page = []S{}
	room := maxPage
	for i, one := range found[:min(len(found), limit)] {
		shown := show(one)
		if room -= sizeOf(shown); room < 0 && i > 0 {
			break
		}
		page = append(page, shown)
	}
	if n := len(page); n < len(found) {
		next = l.cursorAt(key(found[n-1]))
	}
	return page, next
}

// sizeOf is how many bytes v is as JSON, beside the comma.
func sizeOf(v any) int {
	var size counter
	if err := json.NewEncoder(&size).Encode(v); err != nil {
		return 0 // the answer itself will tell
	}
	return int(size)
}

// counter counts what is written.
type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// listsOf is actsFor, but an operator that names nobody means everybody.
func (c *caller) listsOf(named string) (string, error) {
	if named == "" && c.operator() {
		return "", nil
	}
	return c.actsFor(named)
}
