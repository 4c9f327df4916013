package payload

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// rendering is one event on its way through an endpoint's templates.
type rendering struct {
	view *View
	cost uint64
}

// append appends what pieces make of the event.
func (r *rendering) append(w *writer, pieces []piece) error {
	for i := range pieces {
		p := &pieces[i]
		w.dst = append(w.dst, p.literal...)
		if p.expr == nil {
			continue
		}
		if err := r.fill(w, p); err != nil {
			return err
		}
	}
	return w.room(0)
}

// fill appends what the expression of p gives. The error names its field and
// holds no value of the event.
func (r *rendering) fill(w *writer, p *piece) error {
	if done, err := w.copied(r.view.text(p.expr.path), p.place); done || err != nil {
		return p.failed(err)
	}
	v, cost, err := p.expr.eval(r.view)
	r.cost += cost
	switch {
	case err != nil:
	case r.cost > maxRenderCost:
		err = &evalError{text: "all expressions together cost more steps with this event than they may", costly: true}
	case p.place == asValue:
		err = w.value(v, 0)
	default:
		err = w.within(v, p.place)
	}
	return p.failed(err)
}

func (p *piece) failed(err error) error {
	if err == nil {
		return nil
	}
	return &renderError{field: p.field, err: err}
}

// copied appends JSON out of the document where it can stand as it is: anything
// as a value, and a string inside of another.
func (w *writer) copied(raw []byte, at place) (done bool, err error) {
	switch {
	case len(raw) == 0 || at == inHeader:
		return false, nil
	case at == asValue:
		return true, w.compact(raw)
	case raw[0] != '"':
		return false, nil
	}
	w.dst = append(w.dst, raw[1:len(raw)-1]...)
	return true, w.room(0)
}

// within appends v as part of a text: a text as it is, all others as their JSON.
func (w *writer) within(v ref.Val, at place) error {
	text, err := plainText(v)
	if err != nil {
		return err
	}
	if err := w.room(len(text)); err != nil {
		return err
	}
	if at == inHeader {
		w.dst = append(w.dst, text...)
		return nil
	}
	w.text(text)
	return nil
}

func plainText(v ref.Val) (string, error) {
	if o, is := v.(*types.Optional); is && o.HasValue() {
		v = o.GetValue()
	}
	if text, is := textOf(v); is {
		return text, nil
	}
	w := writer{most: MaxRendered}
	err := w.value(v, 0)
	return string(w.dst), err
}

// renderError is an expression that gave nothing to send.
type renderError struct {
	field string
	err   error
}

func (e *renderError) Error() string { return e.field + ": " + e.err.Error() }
func (e *renderError) Unwrap() error { return e.err }

// templated appends the body that r's template makes of ev.
func (r *Renderer) templated(dst []byte, ev *transport.Event, run *rendering) ([]byte, error) {
	if !r.merge && r.format == formatGenea && !transport.VersionCovers(r.version, Hardware(ev)) {
		return dst, Skip{Reason: transport.ReasonHardware}
	}
	w := writer{dst: dst, most: len(dst) + MaxRendered}
	if r.format == formatGenea {
		w = writer{most: MaxRendered} // dst gets its canonical form
	}
	if r.merge {
		profile, err := r.profile(nil, ev)
		if err != nil {
			return dst, err
		}
		if err := w.kept(profile, r.template); err != nil {
			return dst, err
		}
	}
	if err := run.append(&w, r.template.pieces); err != nil {
		return dst, err
	}
	if r.format != formatGenea {
		return w.dst, nil
	}
	c := canons.Get().(*canon)
	defer c.giveBack()
	return c.document(dst, w.dst, nil)
}

// kept appends the profile's body but for what t has too, and without its
// closing brace: what t appends goes on from there.
func (w *writer) kept(profile []byte, t *template) error {
	r := jsontext.Reader{Doc: profile}
	if r.Next() != '{' {
		return &renderError{field: "body", err: &evalError{text: "cannot be merged: the profile's body of this event is no object; use body_mode replace"}}
	}
	r.Pos++
	w.dst = append(w.dst, '{')
	for r.Next() == '"' {
		quoted, _ := r.Span()
		r.Next()
		r.Pos++
		raw, ok := r.Span()
		if !ok {
			return &renderError{field: "body", err: &evalError{text: "cannot be merged: the event's document is not valid JSON"}}
		}
		if !t.keys[string(jsontext.AppendString(nil, jsontext.Text(quoted)))] {
			if err := w.room(len(quoted) + len(raw)); err != nil {
				return &renderError{field: "body", err: err}
			}
			w.dst = append(append(append(append(w.dst, quoted...), ':'), raw...), ',')
		}
		if r.Next() == ',' {
			r.Pos++
		}
	}
	if len(t.keys) == 0 && w.dst[len(w.dst)-1] == ',' {
		w.dst = w.dst[:len(w.dst)-1]
	}
	return nil
}
