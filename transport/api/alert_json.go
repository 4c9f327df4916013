package api

import (
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"time"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// AlertInput is what a caller may say about an alert. What is left out gets
// its default; a criterion that is "" is not set.
type AlertInput struct {
	Customer    string   `json:"customer" doc:"For operators; else the token's"`
	AlertName   string   `json:"alert_name" doc:"Required; at most 256 bytes"`
	Email       string   `json:"email" doc:"Required; matches are mailed there"`
	CCEmails    []string `json:"cc_emails" doc:"At most 20 more addresses"`
	Description string   `json:"description" doc:"At most 4 KiB"`
	IsActive    bool     `json:"is_active" doc:"Default true; an alert that is not active matches nothing"`
	AlertType   string   `json:"alert_type" enum:"normal,hot,live" doc:"How often it runs: daily (the default), every 15 minutes, or at once"`

	LicensePlate              string `json:"license_plate" doc:"? is one character, * any run of them, as in all numbers"`
	LicensePlateState         string `json:"license_plate_state"`
	VIN                       string `json:"vin" doc:"17 characters, or the last 6"`
	USDOTNumber               string `json:"usdot_number"`
	MCNumber                  string `json:"mc_number"`
	TrailerNumber             string `json:"trailer_number"`
	ExactMatchTrailerNumber   bool   `json:"exact_match_trailer_number" doc:"Default true; false: the number read contains it"`
	CabNumber                 string `json:"cab_number"`
	TrailerLogo               string `json:"trailer_logo"`
	ChassisNumber             string `json:"chassis_number"`
	ExactMatchChassisNumber   bool   `json:"exact_match_chassis_number" doc:"Default true; false: the number read contains it"`
	ContainerNumber           string `json:"container_number"`
	ExactMatchContainerNumber bool   `json:"exact_match_container_number" doc:"Default true; false: the number read contains it"`
	EquipmentType             string `json:"equipment_type"`
	LocationState             string `json:"location_state"`
	LocationCity              string `json:"location_city"`
	DeepSearch                string `json:"deep_search" doc:"Words, in that order, in any text of a detection"`
	StartDate                 string `json:"start_date" doc:"A day of the customer's time zone (2026-01-31), or a time (RFC 3339)"`
	EndDate                   string `json:"end_date" doc:"As start_date; inclusive"`

	Match          string `json:"match" enum:"all,any" doc:"all (the default): every criterion must hold; any: one that identifies, and all of location and date"`
	Lookalikes     bool   `json:"lookalikes" doc:"Reads 0ODQ, 1I, 2Z, 5S and 8B as the same"`
	MaxDifferences int    `json:"max_differences" minimum:"0" maximum:"2" doc:"So many characters may be inserted, left out or changed. Of misread real US plates 1 finds 74 %, with 0.45 false alarms per 10,000 pairs of plates; 2 finds more, with 1.4"`
}

// ownAlertFields are set by Postrider alone.
var ownAlertFields = []string{"id", "created_at", "updated_at"}

// showAlert is the alert as answers show it: without what only sweeps look at.
func showAlert(a *matching.Alert) *matching.Alert {
	shown := *a
	shown.Position = 0
	if shown.CCEmails == nil {
		shown.CCEmails = []string{}
	}
	return &shown
}

func readNewAlert(raw []byte) (*matching.Alert, error) {
	object, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	if err := refuseOwn(object, ownAlertFields); err != nil {
		return nil, err
	}
	return alertOf(object)
}

// refuseOwn refuses what Postrider sets itself.
func refuseOwn(object map[string]any, names []string) error {
	for _, name := range names {
		if object[name] != nil {
			return invalid(name, "is set by Postrider; leave it out")
		}
	}
	return nil
}

// alertOf makes an alert of its JSON, over the defaults.
func alertOf(object map[string]any) (*matching.Alert, error) {
	if err := checkShape(object, reflect.TypeFor[AlertInput](), ""); err != nil {
		return nil, err
	}
	a := matching.NewAlert()
	return &a, assign(object, &a)
}

// patchedAlert gives old with a JSON merge patch over what is shown of it.
func patchedAlert(old *matching.Alert, raw []byte) (*matching.Alert, error) {
	patch, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	base, err := objectOf(showAlert(old))
	if err != nil {
		return nil, err
	}
	delete(patch, "updated_at") // may have moved on meanwhile
	if err := keepSame(patch, base, "id", "customer", "created_at"); err != nil {
		return nil, err
	}
	for _, name := range ownAlertFields {
		delete(base, name)
	}
	a, err := alertOf(merge(base, patch))
	if err != nil {
		return nil, err
	}
	a.ID, a.Customer, a.CreatedAt, a.Position = old.ID, old.Customer, old.CreatedAt, old.Position
	return a, nil
}

// keepSame takes names out of patch, and refuses another value than base has.
func keepSame(patch, base map[string]any, names ...string) error {
	for _, name := range names {
		if given, there := patch[name]; there && given != nil && given != base[name] {
			return invalid(name, "cannot be changed; leave it out")
		}
		delete(patch, name)
	}
	return nil
}

// checkAlert validates an alert that is to be saved, and makes its addresses
// those of mailboxes.
func checkAlert(a *matching.Alert, zone *time.Location) error {
	a.Zone = zone
	if err := a.Validate(); err != nil {
		return ofMatching(err)
	}
	var err error
	if a.Email, err = transport.CheckAddress("email", a.Email); err != nil {
		return err
	}
	for i, cc := range a.CCEmails {
		if a.CCEmails[i], err = transport.CheckAddress("cc_emails["+strconv.Itoa(i)+"]", cc); err != nil {
			return err
		}
	}
	return nil
}

// ofMatching gives an error of matching the type that fault knows.
func ofMatching(err error) error {
	var fe *matching.FieldError
	if errors.As(err, &fe) {
		return &transport.FieldError{Field: fe.Field, Message: fe.Message, Value: fe.Value}
	}
	return err
}

// objectOf is v's JSON as parsed, numbers kept as they are written.
func objectOf(v any) (map[string]any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return parseObject(raw)
}
