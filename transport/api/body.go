package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// usualBody are the limits of all bodies but those of events.
var usualBody = bodyLimits{bytes: 1 << 20, within: 30 * time.Second}

type bodyKey struct{}

func bodyOf(ctx context.Context) []byte {
	raw, _ := ctx.Value(bodyKey{}).([]byte)
	return raw
}

// bodyLimits are those of a route's bodies. A body that stops coming is ended
// by the server's own deadline; within bounds what comes at all.
type bodyLimits struct {
	bytes  int
	within time.Duration
}

// firstBuffer is what a body is given before any of it came.
const firstBuffer = 16 << 10

// readBody reads the whole body of a caller who may send it. Memory is taken,
// and reserved in hold, as it comes, whatever was announced.
func readBody(r *http.Request, limits bodyLimits, hold *held) ([]byte, *Error) {
	if r.ContentLength > int64(limits.bytes) {
		return nil, bodyTooLarge(limits.bytes)
	}
	most, end := limits.bytes+1, time.Now().Add(limits.within)
	if r.ContentLength >= 0 {
		most = int(r.ContentLength) + 1 // one more, to see its end
	}
	var raw []byte
	for {
		if len(raw) == cap(raw) {
			size := min(max(firstBuffer, 2*cap(raw)), most)
			if failure := hold.upTo(int64(size)); failure != nil {
				return nil, failure
			}
			raw = append(make([]byte, 0, size), raw...)
		}
		n, err := r.Body.Read(raw[len(raw):cap(raw)])
		raw = raw[:len(raw)+n]
		switch {
		case len(raw) > limits.bytes:
			return nil, bodyTooLarge(limits.bytes)
		case errors.Is(err, io.EOF):
			return bytes.TrimPrefix(raw, []byte("\ufeff")), nil // a byte order mark
		case errors.Is(err, os.ErrDeadlineExceeded), err == nil && time.Now().After(end):
			return nil, newError(http.StatusRequestTimeout, "The body did not arrive in time: send it without pauses, or in parts")
		case err != nil:
			return nil, invalid("body", "could not be read to its end; send it again")
		}
	}
}

func bodyTooLarge(limit int) *Error {
	return tooLarge("body", fmt.Sprintf("over %d bytes; send less at a time", limit), limit)
}

// decode reads one JSON object into v, a pointer to a struct, refusing what v
// has no field for. An empty body is an empty object.
func decode(raw []byte, v any) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = []byte("{}")
	}
	object, err := parseObject(raw)
	if err != nil {
		return err
	}
	if err := checkShape(object, reflect.TypeOf(v).Elem(), ""); err != nil {
		return err
	}
	// Not from object where it can be helped: documents inside stay as they are
	// written. Times are in object as encoding/json reads them.
	if err := json.Unmarshal(raw, v); err == nil {
		return nil
	}
	reflect.ValueOf(v).Elem().SetZero()
	return refill(object, v)
}

// parseObject reads one JSON object, numbers kept as they are written.
func parseObject(raw []byte) (map[string]any, error) {
	if !utf8.Valid(raw) {
		return nil, invalid("body", "not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, invalid("body", "not JSON: "+jsonFault(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, invalid("body", "goes on after its JSON; send one object")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, invalid("body", "not a JSON object; send {…}")
	}
	return object, nil
}

// jsonFault tells where JSON is broken, and nothing of what it holds.
func jsonFault(err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		if strings.Contains(syntax.Error(), "max depth") {
			return "nested over 10,000 deep"
		}
		return fmt.Sprintf("syntax error at byte %d", syntax.Offset)
	}
	return "it ends too early"
}

// assign checks object against v's type by name and shape, then fills v.
func assign(object map[string]any, v any) error {
	if err := checkShape(object, reflect.TypeOf(v).Elem(), ""); err != nil {
		return err
	}
	return refill(object, v)
}

func refill(object map[string]any, v any) error {
	raw, err := json.Marshal(object)
	if err != nil {
		return invalid("body", "not JSON")
	}
	return fill(raw, v)
}

func fill(raw []byte, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return invalid("body", "does not fit; check its fields, and that none is given twice")
	}
	return nil
}
