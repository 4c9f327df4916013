package matching

import (
	"reflect"
	"time"
)

// The kinds of alert: how often their runs are due.
const (
	AlertNormal = "normal"
	AlertHot    = "hot"
	AlertLive   = "live"
)

// How the criteria of an alert go together.
const (
	// MatchAll: all set criteria must hold.
	MatchAll = "all"
	// MatchAny: one of the identifying criteria must hold, and all of the
	// location and date ones.
	MatchAny = "any"
)

// Alert is what a customer looks for. A criterion that is "" is not set.
// docs/matching.md tells what each one means.
type Alert struct {
	// ID is a UUID; unique over all customers.
	ID       string `json:"id"`
	Customer string `json:"customer"`
	// AlertName and Email are required; a report is sent to Email and CCEmails.
	AlertName   string   `json:"alert_name"`
	Email       string   `json:"email"`
	CCEmails    []string `json:"cc_emails"`
	Description string   `json:"description"`
	// IsActive: an alert that is not active matches nothing.
	IsActive bool `json:"is_active"`
	// AlertType is AlertNormal, AlertHot or AlertLive.
	AlertType string `json:"alert_type"`

	LicensePlate string `json:"license_plate"`
	// LicensePlateState belongs to LicensePlate where both are set.
	LicensePlateState string `json:"license_plate_state"`
	// VIN is all 17 characters or the last 6.
	VIN           string `json:"vin"`
	USDOTNumber   string `json:"usdot_number"`
	MCNumber      string `json:"mc_number"`
	TrailerNumber string `json:"trailer_number"`
	// ExactMatchTrailerNumber false: the detection's number contains it; so
	// too for chassis and container.
	ExactMatchTrailerNumber   bool   `json:"exact_match_trailer_number"`
	CabNumber                 string `json:"cab_number"`
	TrailerLogo               string `json:"trailer_logo"`
	ChassisNumber             string `json:"chassis_number"`
	ExactMatchChassisNumber   bool   `json:"exact_match_chassis_number"`
	ContainerNumber           string `json:"container_number"`
	ExactMatchContainerNumber bool   `json:"exact_match_container_number"`
	EquipmentType             string `json:"equipment_type"`
	LocationState             string `json:"location_state"`
	LocationCity              string `json:"location_city"`
	// DeepSearch is words to be found, in this order, in any text of a detection.
	DeepSearch string `json:"deep_search"`
	// StartDate and EndDate bound the detection's time, both inclusive: a day
	// (2024-05-21, of Zone) or an instant (RFC 3339).
	StartDate string `json:"start_date"`
	EndDate   string `json:"end_date"`

	// Match is MatchAll or MatchAny.
	Match string `json:"match"`
	// Lookalikes reads {0 O D Q} {1 I} {2 Z} {5 S} {8 B} as the same.
	Lookalikes bool `json:"lookalikes"`
	// MaxDifferences (0-2) is how many characters may be inserted, left out or
	// changed.
	MaxDifferences int `json:"max_differences"`

	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	// Position is the sequence of the last detection the alert may not match:
	// what came before its creation, or before its criteria last changed. It is
	// kept for those who sweep; an Index does not look at it.
	Position uint64 `json:"position,omitzero"`
	// Zone is the customer's time zone, in which days begin; nil is UTC.
	Zone *time.Location `json:"-"`
}

// NewAlert is an alert with its defaults: active, normal, all criteria must
// hold, numbers compared whole. Documents are decoded over it.
func NewAlert() Alert {
	return Alert{
		CCEmails: []string{}, IsActive: true, AlertType: AlertNormal, Match: MatchAll,
		ExactMatchTrailerNumber: true, ExactMatchChassisNumber: true, ExactMatchContainerNumber: true,
	}
}

// Detail is the alert as a report tells it.
func (a *Alert) Detail() AlertDetail {
	cc := a.CCEmails
	if cc == nil {
		cc = []string{}
	}
	return AlertDetail{
		ID: a.ID, AlertName: a.AlertName, Email: a.Email, Description: a.Description, IsActive: a.IsActive,
		LicensePlate: a.LicensePlate, VIN: a.VIN, USDOTNumber: a.USDOTNumber, MCNumber: a.MCNumber,
		TrailerNumber: a.TrailerNumber, CabNumber: a.CabNumber, TrailerLogo: a.TrailerLogo, CCEmails: cc,
	}
}

// SameCriteria tells whether a and b look for the same, as they are written:
// what they are called, whom they tell and when they run aside.
func (a *Alert) SameCriteria(b *Alert) bool { return reflect.DeepEqual(a.criteria(), b.criteria()) }

// criteria is the alert without what does not decide on a match; a field that
// is not named here does.
func (a *Alert) criteria() Alert {
	c := *a
	c.ID, c.Customer, c.AlertName, c.Email, c.CCEmails, c.Description = "", "", "", "", nil, ""
	c.IsActive, c.AlertType, c.Position, c.Zone = false, "", 0, nil
	c.CreatedAt, c.UpdatedAt = time.Time{}, time.Time{}
	return c
}
