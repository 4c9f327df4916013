package catalogue

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"

	"github.com/postrider/postrider/transport"
)

// envelope is what producers publish, whatever the hardware: Genea's sample,
// the fields of Genea's newer payloads, and the hardware. What Genea puts into
// event_hw_info is not public.
type envelope struct {
	UUID           string          `json:"uuid"`
	EventTime      string          `json:"event_time"`
	EventType      string          `json:"event_type"`
	EventAction    string          `json:"event_action"`
	EventMessage   string          `json:"event_message"`
	EventNote      *string         `json:"event_note"`
	EventHWInfo    json.RawMessage `json:"event_hw_info,omitempty"`
	AdditionalInfo any             `json:"additional_info,omitempty"`
	Actor          *actor          `json:"actor,omitempty"`
	Location       location        `json:"location"`
	Door           *door           `json:"door,omitempty"`
	Controller     *controller     `json:"controller,omitempty"`
	Card           *card           `json:"card,omitempty"`
	Resource       *auditResource  `json:"audit_resource,omitempty"`
	CreatedAt      string          `json:"created_at"`
	Hardware       string          `json:"hardware"`
}

type actor struct {
	Type             string `json:"type"`
	UserLocationUUID string `json:"user_location_uuid,omitempty"`
	UserLocationRole string `json:"user_location_role,omitempty"`
	UserUUID         string `json:"user_uuid,omitempty"`
	UserName         string `json:"user_name"`
	UserEmail        string `json:"user_email,omitempty"`
	UserAvatarURL    string `json:"user_avatar_url,omitempty"`
}

type location struct {
	UUID         string  `json:"uuid"`
	Name         string  `json:"name"`
	AddressLine1 string  `json:"address_line1"`
	AddressLine2 string  `json:"address_line2"`
	City         string  `json:"city"`
	State        string  `json:"state"`
	Zip          string  `json:"zip"`
	Phone        *string `json:"phone"`
	Timezone     string  `json:"timezone"`
	Latitude     float64 `json:"latitude"`
	Longitude    float64 `json:"longitude"`
}

type door struct {
	UUID   string `json:"uuid"`
	Name   string `json:"name"`
	Status string `json:"door_status"`
	Model  string `json:"model"`
}

type controller struct {
	UUID         string `json:"uuid"`
	Name         string `json:"name"`
	MAC          string `json:"mac"`
	Model        string `json:"model"`
	SerialNumber string `json:"serial_number"`
	Status       string `json:"status"`
}

type card struct {
	UUID      string    `json:"uuid"`
	Type      string    `json:"type"`
	Status    string    `json:"status"`
	Number    string    `json:"card_number"`
	BadgeType badgeType `json:"badge_type"`
	StartDate string    `json:"start_date"`
	EndDate   *string   `json:"end_date"`
}

type badgeType struct {
	UUID string `json:"uuid"`
	Name string `json:"name"`
}

type auditResource struct {
	ID   int    `json:"id"`
	UUID string `json:"uuid"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// The values of event_type.
const (
	typeAccess = "ACCESS"
	typeAudit  = "AUDIT"
)

// sampleEnvelope is what all samples of Genea's events have in common.
func sampleEnvelope(typ, eventType, action, message string) envelope {
	sum := sha1.Sum([]byte(typ)) // so that samples have each their own uuid
	return envelope{UUID: hex.EncodeToString(sum[:12]), EventTime: "2026-01-31T10:45:38.000Z",
		EventType: eventType, EventAction: action, EventMessage: message,
		Location: location{UUID: "ce0ad974-0000-4000-8000-000000000001", Name: "Head Office", AddressLine1: "1 Main Street",
			AddressLine2: "Suite 108", City: "Alpharetta", State: "GA", Zip: "30004", Timezone: "America/New_York",
			Latitude: 34.0754, Longitude: -84.2941},
		CreatedAt: "2026-01-31T10:45:39.346Z", Hardware: transport.HardwareMercury}
}

func (a accessEvent) sample() envelope {
	e := sampleEnvelope(a.typ, typeAccess, a.action, a.message)
	e.AdditionalInfo = a.info
	e.Controller = &controller{UUID: "ce0ad974-0000-4000-8000-000000000002", Name: "00:0F:E5:0B:A5:4E", MAC: "00:0f:e5:0b:a5:4e",
		Model: "LP1502", SerialNumber: "1502-004711", Status: "ONLINE"}
	if a.about != aboutPanel {
		e.Door = &door{UUID: "ce0ad974-0000-4000-8000-000000000003", Name: "Main Entrance", Status: "CLOSED", Model: "HID_RP10"}
		if a.action == sensorAlarm {
			e.Door.Status = "OPEN"
		}
	}
	switch a.about {
	case aboutCard:
		e.Actor = &actor{Type: "USER", UserLocationUUID: "ce0ad974-0000-4000-8000-000000000004", UserLocationRole: "USER",
			UserUUID: "ce0ad974-0000-4000-8000-000000000005", UserName: "Ada Lovelace", UserEmail: "ada@example.com",
			UserAvatarURL: "https://example.com/ada.png"}
		e.Card = &card{UUID: "ce0ad974-0000-4000-8000-000000000006", Type: "KEYCARD", Status: "ACTIVE", Number: "12006465125",
			BadgeType: badgeType{UUID: "ce0ad974-0000-4000-8000-000000000007", Name: "Employee"}, StartDate: "2026-01-01T00:00:00.000Z"}
	case aboutOperator:
		e.Actor = person()
	}
	return e
}

func person() *actor {
	return &actor{Type: "PERSON", UserUUID: "ce0ad974-0000-4000-8000-000000000008", UserName: "Grace Hopper", UserEmail: "grace@example.com"}
}
