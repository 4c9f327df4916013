package transport

import (
	"slices"
	"strings"
)

// The hardware of access control, as locations and events name it.
const (
	HardwareVertX   = "vertx"
	HardwareMercury = "mercury"
)

// VersionCovers tells whether a version of the format genea (v1, v2, v3) is for
// events of this hardware, in lower case: v1 VertX, v2 Mercury, v3 both. An
// event that names no hardware ("") is for every version.
func VersionCovers(version, hardware string) bool {
	switch hardware {
	case "":
		return true
	case HardwareVertX:
		return version == "v1" || version == "v3"
	case HardwareMercury:
		return version == "v2" || version == "v3"
	}
	return false
}

// MixesHardware tells whether the customer's locations have more than one kind
// of hardware. A location that names none does not count.
func (c *Customer) MixesHardware() bool {
	first := ""
	for _, location := range c.Locations {
		switch h := strings.ToLower(location.Hardware); {
		case h == "" || h == first:
		case first == "":
			first = h
		default:
			return true
		}
	}
	return false
}

// DefaultVersion is the version of the format genea for an endpoint of c that
// names none: v3 where the customer's locations mix hardware, v1 where all that
// name theirs have VertX, else v2. A nil customer has no locations.
func DefaultVersion(c *Customer) string {
	switch {
	case c == nil:
		return "v2"
	case c.MixesHardware():
		return "v3"
	case slices.ContainsFunc(c.Locations, func(l Location) bool { return strings.EqualFold(l.Hardware, HardwareVertX) }):
		return "v1"
	}
	return "v2"
}

// CheckVersion tells whether a customer may save ep with the version it has:
// one whose locations mix hardware gets all of its events with v3 alone. A nil
// customer has no locations. The error is a *FieldError of the field version.
func CheckVersion(c *Customer, ep *Endpoint) error {
	if c == nil || ep.Format != "genea" || ep.Version == "v3" || !c.MixesHardware() {
		return nil
	}
	return wrongValue("version", ep.Version,
		"does not cover all locations of customer "+c.ID+", which have VertX and Mercury hardware; choose v3")
}
