package matching

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Decode reads one detection document over d, whatever d held. Fields it does
// not know are passed over, null and "" are unset, of a key given twice the
// last counts. stored is when the stream took the document, and is the time of
// a detection that has none of its own. Errors are *FieldError.
//
// The strings of d are parts of one copy of doc; doc itself is not kept.
func (d *Detection) Decode(doc []byte, stored time.Time) error {
	*d = Detection{Time: stored, TrailerLogo: d.TrailerLogo[:0]}
	if len(doc) > MaxDetection {
		return tooLong("detection", "", len(doc), MaxDetection)
	}
	s := scanner{doc: string(doc)}
	if !utf8.ValidString(s.doc) {
		s.doc = strings.ToValidUTF8(s.doc, string(utf8.RuneError))
	}
	if err := d.object(&s); err != nil {
		return err
	}
	if s.next() != 0 {
		return s.fault("a second value")
	}
	return nil
}

func (d *Detection) object(s *scanner) error {
	if err := s.take('{'); err != nil {
		return err
	}
	if s.empty('}') {
		return nil
	}
	for more := true; more; {
		key, err := s.text()
		if err != nil {
			return err
		}
		if err = s.take(':'); err != nil {
			return err
		}
		if err = d.member(s, key); err != nil {
			return err
		}
		if more, err = s.more('}'); err != nil {
			return err
		}
	}
	return nil
}

func (d *Detection) member(s *scanner, key string) error {
	switch key {
	case "time":
		return d.time(s)
	case trailerLogo:
		return d.logos(s)
	}
	part, limit := d.part(key)
	if part == nil {
		return s.skip(1)
	}
	value, err := s.value(key, limit)
	*part = value
	return err
}

// part is where the text of a key goes, and how many bytes it may have; nil
// for a key that is not known.
func (d *Detection) part(key string) (*string, int) {
	switch key {
	case "id":
		return &d.ID, maxID
	case "city":
		return &d.City, maxName
	case "state":
		return &d.State, maxNumber
	case "road":
		return &d.Road, maxName
	case "lat_long":
		return &d.LatLong, maxNumber
	case "license_plate":
		return &d.LicensePlate, maxNumber
	case "license_plate_state":
		return &d.LicensePlateState, maxNumber
	case "vin":
		return &d.VIN, maxNumber
	case "usdot":
		return &d.USDOT, maxNumber
	case "mc":
		return &d.MC, maxNumber
	case "cab_number":
		return &d.CabNumber, maxNumber
	case "trailer_number":
		return &d.TrailerNumber, maxNumber
	case "chassis_number":
		return &d.ChassisNumber, maxNumber
	case "container_number":
		return &d.ContainerNumber, maxNumber
	case "equipment_type":
		return &d.EquipmentType, maxName
	case "text":
		return &d.Text, maxText
	case "result_url":
		return &d.ResultURL, maxURL
	case "front_view_url":
		return &d.FrontViewURL, maxURL
	case "side_view_url":
		return &d.SideViewURL, maxURL
	case "rear_view_url":
		return &d.RearViewURL, maxURL
	}
	return nil, 0
}

// value reads a text, or a whole number in place of it; null is "".
func (s *scanner) value(field string, limit int) (string, error) {
	var text string
	var err error
	switch b := s.next(); {
	case b == '"':
		text, err = s.text()
	case b == '-' || b >= '0' && b <= '9':
		if text, err = s.number(); err == nil && strings.Trim(text, "0123456789") != "" {
			return "", wrong(field, text, "is a number that is not whole; give it as text, in quotes")
		}
	case b == 'n':
		_, err = s.word()
	default:
		return "", s.unwanted(field, "text, in quotes")
	}
	if err == nil && len(text) > limit {
		err = tooLong(field, text, len(text), limit)
	}
	return text, err
}

// unwanted is the error for a value of the wrong kind, or for no value at all.
func (s *scanner) unwanted(field, want string) error {
	start := s.pos
	if err := s.skip(1); err != nil {
		return err
	}
	return wrong(field, s.doc[start:s.pos], "has a value of the wrong kind; give "+want)
}

const trailerLogo = "trailer_logo"

// logos reads one text or a list of them; empty ones are left out.
func (d *Detection) logos(s *scanner) error {
	d.TrailerLogo = d.TrailerLogo[:0]
	if s.next() != '[' {
		return d.logo(s)
	}
	s.pos++
	if s.empty(']') {
		return nil
	}
	for more := true; more; {
		err := d.logo(s)
		if err != nil {
			return err
		}
		if more, err = s.more(']'); err != nil {
			return err
		}
	}
	return nil
}

func (d *Detection) logo(s *scanner) error {
	logo, err := s.value(trailerLogo, maxName)
	if err != nil || logo == "" {
		return err
	}
	if len(d.TrailerLogo) == MaxLogos {
		return wrong(trailerLogo, logo, fmt.Sprintf("more than %d logos; give the %[1]d surest", MaxLogos))
	}
	d.TrailerLogo = append(d.TrailerLogo, logo)
	return nil
}

// timeForms are read beside RFC 3339; without a zone they are UTC.
var timeForms = [...]string{
	"2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05",
}

func (d *Detection) time(s *scanner) error {
	text, err := s.value("time", maxNumber)
	if err != nil || text == "" {
		return err
	}
	t, err := time.Parse(time.RFC3339, text)
	for i := 0; err != nil && i < len(timeForms); i++ {
		t, err = time.Parse(timeForms[i], text)
	}
	if err != nil {
		return wrong("time", text, "is no time; give RFC 3339, such as 2024-05-21T12:00:00Z")
	}
	d.Time = t
	return nil
}
