package transport

import (
	"errors"
	"fmt"
)

// FieldError says which field of an input is wrong, and what to do about it.
type FieldError struct {
	Field   string
	Message string
	// Value is what was given, where it may be shown; never a secret.
	Value string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Message }

// ErrUnavailable marks an error of a dependency that is away for now; the
// caller may try again.
var ErrUnavailable = errors.New("unavailable for now")

// ErrUnknown is an ErrUnavailable of a change whose answer did not come: it may
// be done or not. Made again with the same id it is done once.
var ErrUnknown = fmt.Errorf("not known whether it was done: %w", ErrUnavailable)

// ErrNotFound marks a thing that is not there.
var ErrNotFound = errors.New("not found")

// ErrConflict marks a compare-and-set that another writer won.
var ErrConflict = errors.New("changed by someone else meanwhile")
