package transport

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Limits on what a customer says about itself. MaxCustomerID is the largest
// number that JavaScript reads exactly.
const (
	MaxCustomerID     = 1<<53 - 1
	MaxLocations      = 10_000
	maxLocationUUID   = 64
	maxTimeZoneLength = 64
)

// defaultSchedules are the cron expressions, by alert type, of a customer that
// gives none.
var defaultSchedules = map[string]string{"normal": "0 7 * * *", "hot": "*/15 * * * *"}

// Schedule is the cron expression of five fields, in the customer's time zone,
// that runs of an alert type (normal or hot) go by; "" for others. A nil
// customer has the defaults.
func (c *Customer) Schedule(alertType string) string {
	own := ""
	if c != nil {
		own = c.Schedules[alertType]
	}
	return cmp.Or(own, defaultSchedules[alertType])
}

// Zone is the customer's time zone: UTC where it names none, or one that this
// machine does not know.
func (c *Customer) Zone() *time.Location {
	if c == nil {
		return time.UTC
	}
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Validate tells the first thing that is wrong with c, as a *FieldError. The
// e-mail address is expected as CheckAddress gives it; what the cron expressions
// say is left to transport/cron.
func (c *Customer) Validate() error {
	if CheckCustomer(c.ID) != nil {
		return wrongValue("id", c.ID, "not an id; give 1 to 64 of A-Z a-z 0-9 _ -")
	}
	if c.CustomerID < 0 || c.CustomerID > MaxCustomerID {
		return wrongValue("customer_id", strconv.FormatInt(c.CustomerID, 10), fmt.Sprintf("out of range; give 1 to %d, or leave it out to have one made", MaxCustomerID))
	}
	if err := checkText("name", c.Name, MaxNameLength); err != nil {
		return err
	}
	if c.Email != "" {
		if _, err := CheckAddress("email", c.Email); err != nil {
			return err
		}
	}
	if err := checkZone(c.TimeZone); err != nil {
		return err
	}
	if err := checkLocations(c.Locations); err != nil {
		return err
	}
	if err := CheckQuotas(c.Quotas); err != nil {
		return err
	}
	return checkSchedules(c.Schedules)
}

func checkZone(name string) error {
	const remedy = "; give a name such as America/Chicago, or leave it out for UTC"
	if len(name) > maxTimeZoneLength || name == "Local" {
		return wrongValue("time_zone", name, "not a time zone"+remedy)
	}
	if _, err := time.LoadLocation(name); err != nil {
		return wrongValue("time_zone", name, "not a time zone of the IANA database"+remedy)
	}
	return nil
}

func checkLocations(locations []Location) error {
	if len(locations) > MaxLocations {
		return wrong("locations", fmt.Sprintf("%d; at most %d", len(locations), MaxLocations))
	}
	seen := make(map[string]bool, len(locations))
	for i, location := range locations {
		if err := location.check("locations[" + strconv.Itoa(i) + "]."); err != nil {
			return err
		}
		if seen[location.UUID] {
			return wrongValue("locations["+strconv.Itoa(i)+"].uuid", location.UUID, "there twice; give each location once")
		}
		seen[location.UUID] = true
	}
	return nil
}

func (l *Location) check(path string) error {
	switch {
	case l.UUID == "" || len(l.UUID) > maxLocationUUID:
		return wrongValue(path+"uuid", l.UUID, fmt.Sprintf("missing or too long; give the location's uuid as its events have it, at most %d bytes", maxLocationUUID))
	case l.Hardware != "" && l.Hardware != HardwareVertX && l.Hardware != HardwareMercury:
		return wrongValue(path+"hardware", l.Hardware, "not a kind of hardware; choose vertx or mercury")
	}
	if err := checkText(path+"uuid", l.UUID, maxLocationUUID); err != nil {
		return err
	}
	return checkText(path+"name", l.Name, MaxNameLength)
}

func checkSchedules(schedules map[string]string) error {
	for _, alertType := range slices.Sorted(maps.Keys(schedules)) {
		if defaultSchedules[alertType] == "" {
			return wrong("schedules."+shown(alertType), "not a type of alert with a schedule; give normal or hot (live alerts run as detections come)")
		}
	}
	return nil
}
