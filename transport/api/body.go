package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxBody     = 1 << 20
	bodyTimeout = 30 * time.Second
)

type bodyKey struct{}

func bodyOf(ctx context.Context) []byte {
	raw, _ := ctx.Value(bodyKey{}).([]byte)
	return raw
}

// readBody reads the whole body, up to limit bytes, within a time limit.
func readBody(w http.ResponseWriter, r *http.Request, limit int, timeout time.Duration) ([]byte, *Error) {
	if r.ContentLength > int64(limit) {
		return nil, bodyTooLarge(limit)
	}
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(timeout)) // a recorder has none
	var raw bytes.Buffer
	if r.ContentLength > 0 {
		raw.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := raw.ReadFrom(http.MaxBytesReader(w, r.Body, int64(limit)))
	_ = connection.SetReadDeadline(time.Time{})
	var over *http.MaxBytesError
	var known *Error
	var network net.Error
	switch {
	case err == nil:
		return bytes.TrimPrefix(raw.Bytes(), []byte("\ufeff")), nil // a byte order mark
	case errors.As(err, &known):
		return nil, known
	case errors.As(err, &over):
		return nil, bodyTooLarge(limit)
	case errors.As(err, &network) && network.Timeout():
		return nil, newError(http.StatusRequestTimeout, fmt.Sprintf("The body did not arrive within %s: send it faster, or in parts", timeout))
	}
	return nil, invalid("body", "could not be read to its end; send it again")
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
