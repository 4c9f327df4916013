package config

import (
	"errors"
	"net/textproto"
	"strings"
)

// HeaderList is traces.headers as names and values. Its error does not show
// them.
func (t *Traces) HeaderList() (map[string]string, error) {
	list := map[string]string{}
	for pair := range strings.SplitSeq(t.Headers.Reveal(), ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, value, named := strings.Cut(pair, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !named || name == "" || strings.ContainsAny(name, " :\t\r\n\x00") || strings.ContainsAny(value, "\r\n\x00") {
			return nil, errors.New("is not name=value, with commas between several, for example api-key=…")
		}
		list[textproto.CanonicalMIMEHeaderKey(name)] = value
	}
	return list, nil
}
