package transport

// Reference is an event of the log, told from any other that may have its number.
type Reference struct {
	Seq uint64
	EventMark
}

// Reference is what the entry's event is looked up by.
func (e *Entry) Reference() Reference {
	return Reference{Seq: e.Event.Seq, EventMark: EventMark{Customer: e.Event.Customer, Stored: e.Event.Stored}}
}

// Found is the entry's event as it was looked up; nil: the log does not have it.
func (e *Entry) Found(ev *Event) {
	if ev == nil {
		e.Event.Gone, e.Event.Time = true, e.Event.Stored
		return
	}
	e.Event = ev
}
