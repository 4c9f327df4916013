package payload

import (
	"errors"
	"strings"

	"cel.dev/cel-go/interpreter"
)

// evalError is why an expression gave no value. Its text is of a fixed few, as
// CEL's own may repeat values out of the event; a missing key is named where
// the expression itself names it.
type evalError struct {
	text string
	// missing: the event has not what the expression asked for. Another event may.
	missing bool
	// costly: what it costs with the event is over its bound.
	costly bool
}

func (e *evalError) Error() string { return e.text }

// Costly tells whether the expression gave no value as it would have cost too
// much with the event.
func (e *evalError) Costly() bool { return e.costly }

var (
	errUnknown  error = &evalError{text: "gave no value"}
	errTooDeep        = errors.New("nested too deep")
	errTooLarge       = errors.New("too large")
	errReadMuch       = errors.New("read too often")
	errPattern        = errors.New("the event's pattern is invalid")
)

// told translates an error of CEL.
func (e *expression) told(err error) *evalError {
	var known *evalError
	var cancelled interpreter.EvalCancelledError
	text := err.Error()
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded:
		return &evalError{text: "costs more steps with this event than an expression may; loop over less, or compare less at once", costly: true}
	case strings.Contains(text, "no such key"), strings.Contains(text, "no such attribute"), strings.Contains(text, "no such field"):
		return &evalError{text: e.missingKey(text), missing: true}
	case strings.Contains(text, "index out of bounds"):
		return &evalError{text: "the event's list is shorter than the index", missing: true}
	case strings.Contains(text, "optional.none() dereference"):
		return &evalError{text: "the event has no such value", missing: true}
	case strings.Contains(text, "no such overload"), strings.Contains(text, "unsupported index type"):
		return &evalError{text: "the event's values have other types than the expression needs"}
	case strings.Contains(text, "divi"), strings.Contains(text, "modulus by zero"):
		return &evalError{text: "divides by zero"}
	case strings.Contains(text, "conversion error"), strings.Contains(text, "cannot convert"), strings.Contains(text, "parsing"), strings.Contains(text, "invalid"):
		return &evalError{text: "a value cannot be converted"}
	case strings.Contains(text, errTooDeep.Error()):
		return &evalError{text: "the event is nested deeper than expressions look"}
	case strings.Contains(text, errReadMuch.Error()):
		return &evalError{text: "the event has more levels or elements than an expression looks into", costly: true}
	case strings.Contains(text, errTooLarge.Error()):
		return &evalError{text: "the event's texts or lists are larger than this function takes"}
	}
	return &evalError{text: "cannot be evaluated with this event"}
}

func (e *expression) missingKey(text string) string {
	const general = "the event has no such key"
	_, key, found := strings.Cut(text, "no such key: ")
	if !found || key == "" || !strings.Contains(e.source, key) {
		return general
	}
	return general + ": " + key
}

// Costly tells whether err is of an expression that gave no value as it would
// have cost too much with the event.
func Costly(err error) bool {
	var why *evalError
	return errors.As(err, &why) && why.costly
}
