package main

import (
	"encoding/json"
	"io"
	"net/http"
)

const (
	fakeAlert = `{"id":"a1","customer":"acme","alert_name":"Stolen\u001b[31m trailer","email":"ops@example.com","cc_emails":["boss@example.com"],"description":"","is_active":true,"alert_type":"hot",` +
		`"license_plate":"","trailer_number":"T-123","exact_match_trailer_number":false,"exact_match_chassis_number":true,"match":"all","lookalikes":true,"max_differences":1,` +
		`"created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z"}`
	fakeMatch    = `{"alert_name":"Stolen trailer","result_url":"https://example.com/r/1","time":"2024-05-21T12:00:00+00:00","city":"Houston","state":"TX","road":"I-45","license_plate":"","trailer_number":"T-123","deep_search":""}`
	fakeRun      = `{"run_id":"r1","customer":"acme","alert_type":"hot","status":"finished","from":3,"to":9,"detections":7,"alerts":1,"total_matches":1,"started_at":"2026-01-02T03:04:05.5Z","finished_at":"2026-01-02T03:04:06Z"`
	fakeCustomer = `{"id":"acme","customer_id":123,"name":"Acme Inc","email":"ops@example.com","time_zone":"America/Chicago","locations":[{"uuid":"l1","name":"Main","hardware":"vertx"}],` +
		`"schedules":{"normal":"0 7 * * *","hot":"*/5 * * * *"}}`
)

// alerts are the answers about alerts, runs and customers.
func (f *fakeAPI) alerts(mux *http.ServeMux) {
	answer := func(pattern string, status int, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { write(w, status, body) })
	}
	answer("POST /alerts", 201, fakeAlert)
	answer("GET /alerts/{id}", 200, fakeAlert)
	answer("GET /alerts/missing", 404, `{"message":"Alert missing not found","error_type":"AlertNotFoundError","error_code":"ALERT_NOT_FOUND"}`)
	answer("PATCH /alerts/{id}", 202, fakeAlert)
	answer("PATCH /alerts/wrong", 400, `{"message":"email: is no e-mail address; give one such as name@example.com","error_type":"AlertValidationError","error_code":"ALERT_VALIDATION_ERROR","details":{"field":"email"}}`)
	answer("DELETE /alerts/{id}", 204, "")
	answer("POST /alerts/preview", 200, `{"matches":[`+fakeMatch+`],"total_matches":2000,"detections":12345,"from":"2026-01-01T00:00:00Z","to":"2026-01-01T12:00:00Z","complete":false}`)
	mux.HandleFunc("POST /alerts/run", func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == int64(len("{}")) {
			write(w, 202, `{"run_id":"r1","customer":"acme","alert_type":"summary","status":"accepted","detections":0,"alerts":0,"total_matches":0}`)
			return
		}
		var asked struct{ Customer string }
		if body, err := io.ReadAll(r.Body); err == nil && json.Unmarshal(body, &asked) == nil && asked.Customer == "waits" {
			write(w, 202, `{"run_id":"","customer":"waits","alert_type":"hot","status":"waiting","reason":"Redis, which keeps how far runs have come, is not available","detections":0,"alerts":0,"total_matches":0}`)
			return
		}
		write(w, 200, fakeRun+`}`)
	})
	mux.HandleFunc("GET /alerts", f.pages(fakeAlert, `{"id":"a2","customer":"acme","alert_name":"Plates","email":"b@example.com","is_active":false,"alert_type":"normal","license_plate":"ABC?23*"}`))
	mux.HandleFunc("GET /v1/runs", f.pages(fakeRun+`}`, `{"run_id":"r0","customer":"acme","alert_type":"normal","status":"failed","reason":"the log of detections cannot be read","from":1,"to":2,"total_matches":0,"started_at":"2026-01-01T03:04:05Z"}`))
	answer("GET /v1/runs/{id}", 200, fakeRun+`,"report":{"matches":[`+fakeMatch+`]}}`)
	answer("GET /v1/runs/quiet", 200, `{"run_id":"quiet","status":"finished","detections":0,"total_matches":0,"report_note":"nothing matched, so nothing was reported"}`)
	answer("GET /v1/runs/missing", 404, `{"message":"Run missing not found","error_type":"RunNotFoundError","error_code":"RUN_NOT_FOUND"}`)
	answer("POST /v1/customers", 201, fakeCustomer)
	answer("GET /v1/customers/{id}", 200, fakeCustomer)
	answer("GET /v1/customers/missing", 404, `{"message":"Customer missing not found","error_type":"CustomerNotFoundError","error_code":"CUSTOMER_NOT_FOUND"}`)
	answer("PATCH /v1/customers/{id}", 200, fakeCustomer)
	answer("GET /v1/usage", 200, `{"customer":"acme","quotas":[{"quota":"endpoints","used":8,"bound":10,"since":"2026-01-31T10:45:38Z"}]}`)
	mux.HandleFunc("GET /v1/customers", f.pages(fakeCustomer, `{"id":"small","customer_id":2,"name":"","time_zone":"UTC","schedules":{"normal":"0 7 * * *","hot":"*/15 * * * *"}}`))
}
