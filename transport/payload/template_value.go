package payload

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// MaxRendered is the largest body, in bytes, that a template may make.
const MaxRendered = 1 << 20

// writer appends values as JSON, until the whole is over a limit.
type writer struct {
	dst  []byte
	most int // the length of dst from which on it is too large
}

func (w *writer) room(more int) error {
	if len(w.dst)+more > w.most {
		return &evalError{text: "makes more than " + strconv.Itoa(MaxRendered) + " bytes"}
	}
	return nil
}

// value appends v as JSON: what was read out of the event as it was published,
// without spaces; keys of maps that the expression made in ascending order.
func (w *writer) value(v ref.Val, depth int) error {
	if depth > maxLook {
		return &evalError{text: "makes a value that is nested too deep"}
	}
	switch v := v.(type) {
	case *object:
		return w.compact(v.raw)
	case *array:
		return w.compact(v.raw)
	case *types.Optional:
		if !v.HasValue() {
			w.dst = append(w.dst, "null"...)
			return w.room(0)
		}
		return w.value(v.GetValue(), depth+1)
	case *eventValue:
		return w.event(v)
	case traits.Mapper:
		return w.object(v, depth)
	case traits.Lister:
		return w.list(v, depth)
	}
	if text, is := textOf(v); is {
		if err := w.room(len(text) + 2); err != nil {
			return err
		}
		w.dst = append(w.dst, '"')
		w.text(text)
		w.dst = append(w.dst, '"')
		return nil
	}
	return w.scalar(v)
}

func (w *writer) scalar(v ref.Val) error {
	switch v := v.(type) {
	case types.Bool:
		w.dst = strconv.AppendBool(w.dst, bool(v))
	case types.Int:
		w.dst = strconv.AppendInt(w.dst, int64(v), 10)
	case types.Uint:
		w.dst = strconv.AppendUint(w.dst, uint64(v), 10)
	case types.Null:
		w.dst = append(w.dst, "null"...)
	case types.Double:
		if math.IsNaN(float64(v)) {
			v = types.Double(math.Inf(1)) // null, too
		}
		w.dst = appendFloat(w.dst, float64(v))
	default:
		if err := insideError(v); err != nil {
			return err
		}
		return &evalError{text: "gives a " + v.Type().TypeName() + ", which has no JSON form"}
	}
	return w.room(0)
}

// textOf is v as text where JSON has a string for it: times as RFC 3339 in UTC,
// durations in seconds such as 90s, bytes as base64.
func textOf(v ref.Val) (string, bool) {
	switch v := v.(type) {
	case types.String:
		return string(v), true
	case types.Timestamp:
		return v.UTC().Format(time.RFC3339Nano), true
	case types.Duration:
		return strconv.FormatFloat(v.Seconds(), 'f', -1, 64) + "s", true
	case types.Bytes:
		return base64.StdEncoding.EncodeToString(v), true
	}
	return "", false
}

// text appends s as it stands inside of a JSON string.
func (w *writer) text(s string) { w.dst = jsontext.AppendInner(w.dst, s) }

func (w *writer) object(m traits.Mapper, depth int) error {
	type pair struct {
		name string
		val  ref.Val
	}
	var pairs []pair
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, is := textOf(key)
		if !is {
			inner := writer{most: w.most}
			if err := inner.scalar(key); err != nil {
				return err
			}
			name = string(inner.dst)
		}
		pairs = append(pairs, pair{name, m.Get(key)})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	w.dst = append(w.dst, '{')
	for i, p := range pairs {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		if err := w.member(p.name, p.val, depth); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, '}')
	return w.room(0)
}

func (w *writer) member(name string, v ref.Val, depth int) error {
	if err := w.room(len(name)); err != nil {
		return err
	}
	w.dst = append(w.dst, '"')
	w.text(name)
	w.dst = append(w.dst, `":`...)
	return w.value(v, depth+1)
}

func (w *writer) list(l traits.Lister, depth int) error {
	w.dst = append(w.dst, '[')
	for i, it := 0, l.Iterator(); it.HasNext() == types.True; i++ {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		if err := w.value(it.Next(), depth+1); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, ']')
	return w.room(0)
}

func (w *writer) event(e *eventValue) error {
	w.dst = append(w.dst, '{')
	for i, name := range eventFields {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		v, _ := e.field(name)
		if err := w.member(name, v, 0); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, '}')
	return w.room(0)
}

// compact appends JSON text without the spaces between its tokens.
func (w *writer) compact(raw []byte) error {
	if err := w.room(len(raw)); err != nil {
		return err
	}
	for i := 0; i < len(raw); {
		run := i
		for i < len(raw) && raw[i] > ' ' {
			if raw[i] != '"' {
				i++
			} else if i = jsontext.PastString(raw, i); i == 0 {
				return &evalError{text: "reads a document that is not valid JSON"}
			}
		}
		w.dst = append(w.dst, raw[run:i]...)
		for i < len(raw) && raw[i] <= ' ' {
			i++
		}
	}
	return nil
}

// jsonText is the function json: v's JSON as a text.
func jsonText(v ref.Val) ref.Val {
	w := writer{most: MaxRendered}
	if err := w.value(v, 0); err != nil {
		return types.WrapErr(err)
	}
	return types.String(w.dst)
}
