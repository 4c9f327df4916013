package main

import (
	"fmt"
	"strings"
)

// alertFlags are the fields of an alert, its criteria after the first few.
var alertFlags = append([]fieldFlag{
	{"name", "alert_name", text, "a name for people"},
	{"email", "email", text, "address that matches are mailed to"},
	{"cc", "cc_emails", list, "another address; repeatable; --cc '' takes all away"},
	{"description", "description", text, "a longer description"},
	{"type", "alert_type", text, "how often it runs: normal (daily; the default), hot (every 15 minutes) or live (at once)"},
	{"active", "is_active", flag, "whether it matches at all"},
}, criteriaFlags...)

// criteriaFlags are what an alert looks for; ” takes one away.
var criteriaFlags = []fieldFlag{
	{"license-plate", "license_plate", text, "in all numbers ? is one character and * any run of them"},
	{"license-plate-state", "license_plate_state", text, "such as TX; with a plate, part of it"},
	{"vin", "vin", text, "17 characters, or the last 6"},
	{"usdot-number", "usdot_number", text, "leading zeros do not matter"},
	{"mc-number", "mc_number", text, "with or without MC"},
	{"trailer-number", "trailer_number", text, "letters and digits; all else is left out"},
	{"exact-match-trailer-number", "exact_match_trailer_number", flag, "=false: the number read contains it"},
	{"cab-number", "cab_number", text, "compared whole"},
	{"trailer-logo", "trailer_logo", text, "one of the logos read, whatever the case"},
	{"chassis-number", "chassis_number", text, "as trailer numbers"},
	{"exact-match-chassis-number", "exact_match_chassis_number", flag, "=false: the number read contains it"},
	{"container-number", "container_number", text, "as trailer numbers"},
	{"exact-match-container-number", "exact_match_container_number", flag, "=false: the number read contains it"},
	{"equipment-type", "equipment_type", text, "whatever the case"},
	{"location-state", "location_state", text, "where it was seen, such as TX"},
	{"location-city", "location_city", text, "where it was seen"},
	{"deep-search", "deep_search", text, "words, in that order, in any text that was read"},
	{"start-date", "start_date", text, "seen from that day on (2026-01-31, of the customer's time zone) or time (RFC 3339)"},
	{"end-date", "end_date", text, "seen up to that day or time, inclusive"},
	{"match", "match", text, "all: every criterion must hold; any: one that identifies, and all of location and date"},
	{"lookalikes", "lookalikes", flag, "read 0ODQ, 1I, 2Z, 5S and 8B as the same"},
	{"max-differences", "max_differences", number, "so many characters may be inserted, left out or changed, 0 to 2 (1 finds 74 % of misread US plates, with 0.45 false alarms per 10,000 pairs)"},
}

// alertBody makes the JSON of the fields of alertFlags that were given.
func alertBody(body map[string]any) map[string]any {
	if cc, given := body["cc_emails"].([]string); given {
		kept := []string{}
		for _, address := range cc {
			if address != "" {
				kept = append(kept, address)
			}
		}
		body["cc_emails"] = kept
	}
	return body
}

// criteriaOf tells what an alert looks for: name=value of each criterion that
// is set, and of each way to compare that is not the default.
func criteriaOf(alert map[string]any) []string {
	var list []string
	for _, f := range criteriaFlags {
		value := fmt.Sprint(alert[f.field])
		switch {
		case alert[f.field] == nil || value == "" || value == "0" || value == "all":
		case f.kind == flag && value == fmt.Sprint(f.field != "lookalikes"): // the default
		default:
			list = append(list, f.name+"="+oneLine(value))
		}
	}
	return list
}

// criteriaText is criteriaOf as a table has room for it.
func criteriaText(alert map[string]any) string { return cut(strings.Join(criteriaOf(alert), " "), 60) }
