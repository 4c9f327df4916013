package matching

import (
	"fmt"
	"strings"
)

// FieldError says which field of an alert or a detection is wrong, and what to
// do about it.
type FieldError struct {
	Field   string
	Message string
	// Value is what was given, where it helps to see it.
	Value string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Message }

func wrong(field, value, message string) error {
	return &FieldError{Field: field, Value: shown(value), Message: message}
}

func tooLong(field, value string, length, limit int) error {
	return wrong(field, value, fmt.Sprintf("%d bytes long; at most %d", length, limit))
}

// shown is as much of a value as an error repeats.
func shown(value string) string {
	if len(value) > 80 {
		return strings.ToValidUTF8(value[:80], "") + "…"
	}
	return value
}
