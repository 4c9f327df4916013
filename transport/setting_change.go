package transport

import (
	"encoding/json"
	"time"
)

// SettingChange is who changed what somebody had set up, and when. Changes are
// the fields with their values before and after, as JSON, secrets masked.
type SettingChange struct {
	// ID is a UUID whose order is that of the changes.
	ID       string          `json:"id"`
	At       time.Time       `json:"at"`
	By       string          `json:"by"`
	Customer string          `json:"customer"`
	Kind     string          `json:"kind"`
	Target   string          `json:"target"`
	Name     string          `json:"name,omitempty"`
	What     string          `json:"what"`
	Changes  json.RawMessage `json:"changes,omitempty"`
}

// Kinds of what is changed.
const (
	ChangedEndpoint = "endpoint"
	ChangedAlert    = "alert"
	ChangedCustomer = "customer"
)
