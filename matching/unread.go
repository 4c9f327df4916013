package matching

// Unread is a set of fields of a detection document that could not be read.
type Unread uint32

// Places of the fields that are read in a way of their own; of the others
// Detection.part has them. 0 is no field's.
const (
	placeTime uint8 = 1 + iota
	placeLogo
	placeLatLong
)

// detectionFields are the names of all fields, by place.
var detectionFields = [...]string{placeTime: "time", placeLogo: "trailer_logo", placeLatLong: "lat_long",
	4: "id", "city", "state", "road", "license_plate", "license_plate_state", "vin", "usdot", "mc", "cab_number",
	"trailer_number", "chassis_number", "container_number", "equipment_type", "text",
	"result_url", "front_view_url", "side_view_url", "rear_view_url"}

// note takes a field in, or out where it was read.
func (u *Unread) note(place uint8, read bool) {
	if *u &^= 1 << place; !read {
		*u |= 1 << place
	}
}

// Fields gives the names of the fields, of which there are 22 in all.
func (u Unread) Fields(yield func(field string) bool) {
	for place, name := range detectionFields {
		if place > 0 && u&(1<<place) != 0 && !yield(name) {
			return
		}
	}
}
