package matching

import (
	"bytes"
	"time"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// Decode reads one detection document over d, whatever d held. Fields it does
// not know are passed over, null and "" are unset, of a key given twice the
// last counts. A field that cannot be read is left out and stands in d.Unread.
// stored is when the stream took the document, and is the time of a detection
// that has none of its own. The error, a *FieldError, is of a document that is
// no JSON object.
//
// The strings of d are parts of one copy of doc; doc itself is not kept.
func (d *Detection) Decode(doc []byte, stored time.Time) error {
	*d = Detection{Time: stored, TrailerLogo: d.TrailerLogo[:0]}
	if len(doc) > MaxDetection {
		return tooLong("detection", "", len(doc), MaxDetection)
	}
	doc = bytes.TrimPrefix(doc, []byte(byteOrderMark))
	s := scanner{Reader: jsontext.Reader{Doc: doc}, text: string(doc)}
	err := d.object(&s, stored)
	if err == nil {
		err = s.End()
	}
	if err != nil {
		return wrong("detection", "", "is not valid JSON: "+err.Error()+"; publish one JSON object")
	}
	return nil
}

const byteOrderMark = "\ufeff"

func (d *Detection) object(s *scanner, stored time.Time) error {
	if err := s.Take('{'); err != nil {
		return err
	}
	if s.Empty('}') {
		return nil
	}
	for more := true; more; {
		key, err := s.string()
		if err != nil {
			return err
		}
		if err = s.Take(':'); err != nil {
			return err
		}
		if err = d.member(s, key, stored); err != nil {
			return err
		}
		if more, err = s.More('}'); err != nil {
			return err
		}
	}
	return nil
}

func (d *Detection) member(s *scanner, key string, stored time.Time) error {
	part, limit, place := d.part(key)
	if place == 0 {
		_, err := s.Value(1)
		return err
	}
	var read bool
	var err error
	switch place {
	case placeTime:
		read, err = d.time(s, stored)
	case placeLogo:
		read, err = d.logos(s)
	case placeLatLong:
		*part, read, err = s.latLong(limit)
	default:
		*part, read, err = s.value(limit)
	}
	d.Unread.note(place, read)
	return err
}

// part is where the text of a key goes, how many bytes it may have, and its
// place in Unread; 0 for a key that is not known.
func (d *Detection) part(key string) (part *string, limit int, place uint8) {
	switch key {
	case "time":
		return nil, maxNumber, placeTime
	case "trailer_logo":
		return nil, maxName, placeLogo
	case "lat_long":
		return &d.LatLong, maxNumber, placeLatLong
	case "id":
		return &d.ID, maxID, 4
	case "city":
		return &d.City, maxName, 5
	case "state":
		return &d.State, maxNumber, 6
	case "road":
		return &d.Road, maxName, 7
	case "license_plate":
		return &d.LicensePlate, maxNumber, 8
	case "license_plate_state":
		return &d.LicensePlateState, maxNumber, 9
	case "vin":
		return &d.VIN, maxNumber, 10
	case "usdot":
		return &d.USDOT, maxNumber, 11
	case "mc":
		return &d.MC, maxNumber, 12
	case "cab_number":
		return &d.CabNumber, maxNumber, 13
	case "trailer_number":
		return &d.TrailerNumber, maxNumber, 14
	case "chassis_number":
		return &d.ChassisNumber, maxNumber, 15
	case "container_number":
		return &d.ContainerNumber, maxNumber, 16
	case "equipment_type":
		return &d.EquipmentType, maxName, 17
	case "text":
		return &d.Text, maxText, 18
	case "result_url":
		return &d.ResultURL, maxURL, 19
	case "front_view_url":
		return &d.FrontViewURL, maxURL, 20
	case "side_view_url":
		return &d.SideViewURL, maxURL, 21
	case "rear_view_url":
		return &d.RearViewURL, maxURL, 22
	}
	return nil, 0, 0
}

// logos reads one text or a list of them; empty ones are left out.
func (d *Detection) logos(s *scanner) (read bool, err error) {
	d.TrailerLogo = d.TrailerLogo[:0]
	if s.Next() != '[' {
		return d.logo(s)
	}
	s.Pos++
	if s.Empty(']') {
		return true, nil
	}
	read = true
	for more := true; more; {
		one, err := d.logo(s)
		if err != nil {
			return false, err
		}
		read = read && one
		if more, err = s.More(']'); err != nil {
			return false, err
		}
	}
	return read, nil
}

func (d *Detection) logo(s *scanner) (read bool, err error) {
	logo, read, err := s.value(maxName)
	if err != nil || logo == "" {
		return read, err
	}
	if len(d.TrailerLogo) == MaxLogos {
		return false, nil
	}
	d.TrailerLogo = append(d.TrailerLogo, logo)
	return read, nil
}

// time reads a text or Unix seconds.
func (d *Detection) time(s *scanner, stored time.Time) (read bool, err error) {
	d.Time = stored
	var text string
	if b := s.Next(); b == '-' || b >= '0' && b <= '9' {
		text, err = s.number()
	} else {
		text, read, err = s.value(maxNumber)
		if text == "" {
			return read, err
		}
	}
	t, ok := readTime(text)
	if ok {
		d.Time = t
	}
	return ok, err
}
