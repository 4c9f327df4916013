package matching

import (
	"strconv"
	"strings"
)

// latLong reads a place: a text as it is, or a pair, [29.7604, -95.3698] or
// {"lat":29.7604,"long":-95.3698}, as "29.7604, -95.3698".
func (s *scanner) latLong(limit int) (text string, read bool, err error) {
	var pair [2]string
	switch s.Next() {
	case '[':
		pair, err = s.pairList()
	case '{':
		pair, err = s.pairObject()
	default:
		return s.value(limit)
	}
	text = pair[0] + ", " + pair[1]
	if err != nil || pair[0] == "" || pair[1] == "" || len(text) > limit {
		return "", false, err
	}
	return text, true, nil
}

// pairList reads a list of two numbers; of any other the pair is not whole.
func (s *scanner) pairList() (pair [2]string, err error) {
	s.Pos++
	if s.Empty(']') {
		return pair, nil
	}
	n := 0
	for more := true; more; n++ {
		degrees, err := s.degrees()
		if err != nil {
			return pair, err
		}
		if n < len(pair) {
			pair[n] = degrees
		}
		if more, err = s.More(']'); err != nil {
			return pair, err
		}
	}
	if n > len(pair) {
		pair[0] = ""
	}
	return pair, nil
}

// pairObject reads an object with a latitude and a longitude.
func (s *scanner) pairObject() (pair [2]string, err error) {
	s.Pos++
	if s.Empty('}') {
		return pair, nil
	}
	for more := true; more; {
		key, err := s.string()
		if err == nil {
			err = s.Take(':')
		}
		if err != nil {
			return pair, err
		}
		switch key {
		case "lat", "latitude":
			pair[0], err = s.degrees()
		case "long", "lng", "lon", "longitude":
			pair[1], err = s.degrees()
		default:
			_, err = s.Value(2)
		}
		if err != nil {
			return pair, err
		}
		if more, err = s.More('}'); err != nil {
			return pair, err
		}
	}
	return pair, nil
}

// degrees reads a number, in quotes or not, as it is written; "" for anything else.
func (s *scanner) degrees() (degrees string, err error) {
	switch b := s.Next(); {
	case b == '-' || b >= '0' && b <= '9':
		return s.number()
	case b != '"':
		_, err = s.Value(2)
		return "", err
	}
	if degrees, err = s.string(); err != nil {
		return "", err
	}
	degrees = strings.TrimSpace(degrees)
	if _, err := strconv.ParseFloat(degrees, 64); err != nil || strings.ContainsAny(degrees, "iInNxX_") {
		return "", nil
	}
	return degrees, nil
}
