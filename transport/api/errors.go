package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/signature"
)

// Error is the body of every answer that is no success. 401 and 403 have
// detail alone, all others message, error_type, error_code and often details.
type Error struct {
	Message string         `json:"message,omitempty" doc:"What happened and what to do"`
	Type    string         `json:"error_type,omitempty" example:"ValidationError"`
	Code    string         `json:"error_code,omitempty" example:"VALIDATION_ERROR"`
	Details map[string]any `json:"details,omitempty" doc:"field names the field that is wrong; under its own name is what was given, where it may be shown"`
	Detail  string         `json:"detail,omitempty" doc:"Of 401 and 403 only"`

	status  int
	headers http.Header
}

func (e *Error) Error() string { return e.Message + e.Detail }

// GetStatus gives the HTTP status.
func (e *Error) GetStatus() int { return e.status }

// GetHeaders gives the headers that go with the error, such as Retry-After.
func (e *Error) GetHeaders() http.Header { return e.headers }

// kinds are the type and code of an error, by status.
var kinds = map[int][2]string{
	http.StatusBadRequest:            {"ValidationError", "VALIDATION_ERROR"},
	http.StatusNotFound:              {"NotFoundError", "NOT_FOUND"},
	http.StatusMethodNotAllowed:      {"MethodNotAllowedError", "METHOD_NOT_ALLOWED"},
	http.StatusRequestTimeout:        {"RequestTimeoutError", "REQUEST_TIMEOUT"},
	http.StatusConflict:              {"ConflictError", "CONFLICT"},
	http.StatusPreconditionFailed:    {"PreconditionFailedError", "PRECONDITION_FAILED"},
	http.StatusRequestEntityTooLarge: {"PayloadTooLargeError", "PAYLOAD_TOO_LARGE"},
	http.StatusTooManyRequests:       {"TooManyRequestsError", "TOO_MANY_REQUESTS"},
	http.StatusInternalServerError:   {"InternalError", "INTERNAL_ERROR"},
	http.StatusServiceUnavailable:    {"UnavailableError", "UNAVAILABLE"},
}

func newError(status int, message string) *Error {
	kind, known := kinds[status]
	if !known {
		kind = kinds[http.StatusInternalServerError]
	}
	return &Error{Message: message, Type: kind[0], Code: kind[1], status: status}
}

func invalid(field, message string) *Error {
	return ofField(&transport.FieldError{Field: field, Message: message})
}

func ofField(fe *transport.FieldError) *Error {
	e := newError(http.StatusBadRequest, fe.Error())
	e.Details = map[string]any{"field": fe.Field}
	if fe.Value != "" && fe.Field != "field" {
		e.Details[fe.Field] = fe.Value
	}
	return e
}

// notFound is the 404 of one thing: what is "Endpoint", "Dead Letter", …
func notFound(what, id string) *Error {
	if len(id) > 100 {
		id = strings.ToValidUTF8(id[:100], "") + "…"
	}
	return &Error{status: http.StatusNotFound, Message: what + " " + id + " not found",
		Type: strings.ReplaceAll(what, " ", "") + "NotFoundError",
		Code: strings.ToUpper(strings.ReplaceAll(what, " ", "_")) + "_NOT_FOUND"}
}

// of names an error of validation after a thing: AlertValidationError.
func (e *Error) of(thing string) *Error {
	if thing != "" && e.Type == kinds[http.StatusBadRequest][0] {
		named := *e
		named.Type, named.Code = thing+e.Type, strings.ToUpper(thing)+"_"+e.Code
		return &named
	}
	return e
}

func tooLarge(field, message string, limit int) *Error {
	e := newError(http.StatusRequestEntityTooLarge, field+": "+message)
	e.Details = map[string]any{"field": field, "limit": limit}
	return e
}

func (e *Error) retryAfter(seconds int) *Error {
	e.headers = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	return e
}

func unauthorized(detail string) *Error {
	return &Error{Detail: detail, status: http.StatusUnauthorized,
		headers: http.Header{"Www-Authenticate": {`Bearer realm="postrider"`}}}
}

func forbidden(detail string) *Error {
	return &Error{Detail: detail, status: http.StatusForbidden}
}

// lacksRoles is the 403 of a token that has none of roles; admin is named first.
func lacksRoles(roles []string) *Error {
	quoted := "'" + RoleAdmin + "'"
	for _, role := range roles {
		if role != RoleAdmin {
			quoted += ", '" + role + "'"
		}
	}
	return forbidden("User lacks required roles: [" + quoted + "]")
}

// fault makes the answer to err. What it does not know is logged and answered
// 500 without its text.
func (s *Server) fault(ctx context.Context, err error) *Error {
	var known *Error
	var field *transport.FieldError
	var config *signature.ConfigError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &field):
		return ofField(field)
	case errors.As(err, &config):
		return ofConfig(config)
	case errors.Is(err, transport.ErrNotFound):
		return newError(http.StatusNotFound, "Not found: it was removed meanwhile")
	case errors.Is(err, transport.ErrConflict):
		return newError(http.StatusConflict, "Changed by someone else meanwhile: read it again and repeat your change")
	case errors.Is(err, transport.ErrUnknown):
		return newError(http.StatusServiceUnavailable, "Not known whether it was done: NATS did not answer. Look whether it is there, "+
			"or send it again with the same id or Idempotency-Key: it is not done twice").retryAfter(1)
	case errors.Is(err, transport.ErrUnavailable):
		return newError(http.StatusServiceUnavailable, "Not available for now, try again: "+err.Error()).retryAfter(1)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return newError(http.StatusServiceUnavailable, "Not done in time: it may or may not have happened; try again with the same id").retryAfter(1)
	}
	s.log.ErrorContext(ctx, "request failed", "error", err)
	return newError(http.StatusInternalServerError, internalMessage)
}

const internalMessage = "Internal error: the node's log says more; try again, and report it if it stays"

// ofConfig names the field as it is in an endpoint's JSON.
func ofConfig(ce *signature.ConfigError) *Error {
	if ce.Field == "secret" {
		return invalid("secret", ce.Message)
	}
	return invalid("signature."+ce.Field, ce.Message)
}

// adoptErrors makes huma answer in our shapes, and describe lists as what they
// are: never null. Its hooks are global.
var adoptErrors = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return ofHuma(status, message, errs)
	}
	huma.NewErrorWithContext = func(_ huma.Context, status int, message string, errs ...error) huma.StatusError {
		return ofHuma(status, message, errs)
	}
})

// ofHuma translates what huma itself finds wrong: parameters that do not fit.
func ofHuma(status int, message string, errs []error) *Error {
	for _, err := range errs {
		var known *Error
		if errors.As(err, &known) {
			return known
		}
		if d, ok := err.(huma.ErrorDetailer); ok && status < 500 {
			return ofParameter(d.ErrorDetail())
		}
	}
	if status >= 500 {
		return newError(status, internalMessage)
	}
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	return newError(status, message)
}

func ofParameter(d *huma.ErrorDetail) *Error {
	_, field, found := strings.Cut(d.Location, ".")
	if !found {
		field = d.Location
	}
	fe := &transport.FieldError{Field: field, Message: d.Message}
	if strings.HasPrefix(d.Message, "invalid date/time") {
		fe.Message = "expected a time such as 2026-01-31T12:00:00Z"
	}
	if d.Value != nil {
		fe.Value = fmt.Sprint(d.Value)
		if len(fe.Value) > 100 {
			fe.Value = strings.ToValidUTF8(fe.Value[:100], "") + "…"
		}
	}
	return ofField(fe)
}
