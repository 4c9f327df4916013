package transport

import "net/netip"

// CheckHeaders is the part of Validate that looks at Headers; the error is a
// *FieldError that never repeats a value.
func (e *Endpoint) CheckHeaders() error { return e.checkHeaders() }

// CheckURL is the part of Validate that looks at URL.
func CheckURL(raw string, dev bool, allow []netip.Prefix) error { return checkURL(raw, dev, allow) }
