package matching

import "time"

// Limits of a detection's parts, in bytes.
const (
	MaxDetection = 1 << 20
	MaxLogos     = 256

	maxID     = 256
	maxNumber = 64
	maxName   = 256
	maxText   = 16 << 10
	maxURL    = 2083
)

// Detection is what a camera read of one truck. What it did not read is "". Its
// JSON is read by Decode and written by AppendJSON.
type Detection struct {
	ID string
	// Time is when the truck was seen; the stream's time where the document
	// has none.
	Time                            time.Time
	City, State, Road               string
	LatLong                         string // "29.7604, -95.3698"
	LicensePlate, LicensePlateState string
	VIN, USDOT, MC                  string
	CabNumber, TrailerNumber        string
	ChassisNumber, ContainerNumber  string
	TrailerLogo                     []string
	EquipmentType                   string
	// Text is whatever else was read on the truck.
	Text                                              string
	ResultURL, FrontViewURL, SideViewURL, RearViewURL string
	// Unread are the fields of the document that could not be read, and are "".
	Unread Unread
}
