package jettest

import (
	"time"

	"github.com/google/uuid"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// Created is when what a test sets up was.
var Created = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// Endpoint has every field set that is stored.
func Endpoint(customer, url string) *transport.Endpoint {
	return &transport.Endpoint{
		ID: uuid.NewString(), Customer: customer, Name: "Front desk", URL: url, Enabled: true,
		Profile: "genlogs", Format: "genlogs", Events: []string{"alert.>"},
		Headers:   map[string]string{"DD-API-KEY": "header-secret"},
		Signature: transport.Signature{Scheme: "genlogs", Header: "X-GenLogs-Signature", Algorithm: "sha512", Encoding: "hex", Prefix: "sha512="},
		Delivery: transport.Delivery{Retries: true, Schedule: []transport.Duration{transport.Duration(5 * time.Second), transport.Duration(5 * time.Minute)},
			Jitter: 0.2, Timeout: transport.Duration(15 * time.Second), Success: "2xx", Concurrency: 8, MaxWaiting: 1000000},
		TLS:   transport.TLS{ClientCertificate: "cert", ClientKey: "client-key-secret"},
		State: "active", From: Created, CreatedAt: Created, UpdatedAt: Created,
		Secrets: transport.Secrets{Current: "current-secret-1", Previous: "previous-secret", PreviousUntil: Created.Add(time.Hour)},
	}
}

// Alert is an alert that matches a plate.
func Alert(customer, alertType string) *matching.Alert {
	a := matching.NewAlert()
	a.ID, a.Customer, a.AlertType = uuid.NewString(), customer, alertType
	a.AlertName, a.Email, a.LicensePlate = "Stolen", "a@example.com", "ABC1234"
	return &a
}
