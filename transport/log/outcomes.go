package log

import (
	"slices"

	"github.com/postrider/postrider/transport"
)

// outcomes are those that a filter chooses, any of them; none: all.
type outcomes struct {
	some     bool
	states   uint16 // a bit for each
	classes  uint16
	statuses []uint16
}

func (o *outcomes) choose(list []transport.Outcome) error {
	if len(list) > transport.MaxOutcomes {
		return &transport.FieldError{Field: "status", Message: "too many at once"}
	}
	for _, one := range list {
		o.some = true
		switch {
		case one.State != 0:
			o.states |= 1 << one.State
		case one.Class != 0:
			o.classes |= 1 << one.Class
		case one.Status < 1 || one.Status > 999:
			return &transport.FieldError{Field: "status", Message: "not an HTTP status"}
		default:
			o.statuses = append(o.statuses, uint16(one.Status))
		}
	}
	return nil
}

// has tells whether row i of c came to one of them.
func (o *outcomes) has(c *chunk, i int) bool {
	return !o.some || o.states&(1<<c.state[i]) != 0 || o.classes&(1<<c.class[i]) != 0 ||
		slices.Contains(o.statuses, c.status[i])
}
