package matching

import (
	"cmp"
	"slices"
	"time"
)

// Report is what one run found for one customer: the data of the event
// alert.matches_found. Its keys, and those of its parts, stand in the order of
// GenLogs' payload, and every key is always there.
type Report struct {
	RunID      string `json:"run_id"`
	CustomerID int64  `json:"customer_id"`
	AlertType  string `json:"alert_type"`
	// AlertDetails are the alerts that matched, each once.
	AlertDetails []AlertDetail `json:"alert_details"`
	// Matches are oldest first; one for each alert and detection.
	Matches      []Match `json:"matches"`
	TotalMatches int     `json:"total_matches"`
	// Timestamp has microseconds and +00:00.
	Timestamp string `json:"timestamp"`
}

// AlertDetail is an alert as a report tells it: GenLogs' fields in GenLogs'
// order, then CCEmails.
type AlertDetail struct {
	ID            string   `json:"id"`
	AlertName     string   `json:"alert_name"`
	Email         string   `json:"email"`
	Description   string   `json:"description"`
	IsActive      bool     `json:"is_active"`
	LicensePlate  string   `json:"license_plate"`
	VIN           string   `json:"vin"`
	USDOTNumber   string   `json:"usdot_number"`
	MCNumber      string   `json:"mc_number"`
	TrailerNumber string   `json:"trailer_number"`
	CabNumber     string   `json:"cab_number"`
	TrailerLogo   string   `json:"trailer_logo"`
	CCEmails      []string `json:"cc_emails"`
}

// Match is one detection that one alert matched: GenLogs' fields in GenLogs'
// order, then AlertID. What the detection did not tell is "".
type Match struct {
	AlertName    string `json:"alert_name"`
	ResultURL    string `json:"result_url"`
	FrontViewURL string `json:"front_view_url"`
	SideViewURL  string `json:"side_view_url"`
	RearViewURL  string `json:"rear_view_url"`
	// Time is in UTC, as 2024-05-21T12:00:00+00:00; with six digits of a
	// fraction where the detection has one.
	Time         string `json:"time"`
	City         string `json:"city"`
	State        string `json:"state"`
	Road         string `json:"road"`
	LatLong      string `json:"lat_long"`
	LicensePlate string `json:"license_plate"`
	VIN          string `json:"vin"`
	USDOT        string `json:"usdot"`
	MC           string `json:"mc"`
	CabNumber    string `json:"cab_number"`
	// TrailerLogo is all the logos of the detection, joined with ", ".
	TrailerLogo   string `json:"trailer_logo"`
	TrailerNumber string `json:"trailer_number"`
	// DeepSearch is the text that the alert's deep_search found.
	DeepSearch string `json:"deep_search"`
	AlertID    string `json:"alert_id"`
}

// NewReport arranges what a run found: alerts are told in order of name and
// id, each once, and matches oldest first, so that the same run gives the same
// report. It sorts matches in place and keeps it.
func NewReport(runID string, customerID int64, alertType string, alerts []*Alert, matches []Match, now time.Time) Report {
	alerts = slices.Clone(alerts)
	slices.SortFunc(alerts, func(a, b *Alert) int {
		return cmp.Or(cmp.Compare(a.AlertName, b.AlertName), cmp.Compare(a.ID, b.ID))
	})
	details := make([]AlertDetail, 0, len(alerts))
	for i, a := range alerts {
		if i == 0 || a.ID != alerts[i-1].ID {
			details = append(details, a.Detail())
		}
	}
	// As text these times sort as times do: all are UTC, and '+' < '.'.
	slices.SortStableFunc(matches, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.AlertID, b.AlertID))
	})
	if matches == nil {
		matches = []Match{}
	}
	return Report{
		RunID: runID, CustomerID: customerID, AlertType: alertType,
		AlertDetails: details, Matches: matches, TotalMatches: len(matches),
		Timestamp: string(appendTime(nil, now, true)),
	}
}
