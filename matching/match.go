package matching

import (
	"net/url"
	"strings"
)

// Links are templates for the addresses that a detection does not have itself;
// {id} stands for its id. "" makes none.
type Links struct {
	ResultURL, FrontViewURL, SideViewURL, RearViewURL string
}

// NewMatch is the match of a report for an alert that matches d.
func NewMatch(h Hit, d *Detection, links *Links) Match {
	return Match{
		AlertName:    h.Alert.AlertName,
		ResultURL:    link(d.ResultURL, links.ResultURL, d.ID),
		FrontViewURL: link(d.FrontViewURL, links.FrontViewURL, d.ID),
		SideViewURL:  link(d.SideViewURL, links.SideViewURL, d.ID),
		RearViewURL:  link(d.RearViewURL, links.RearViewURL, d.ID),
		Time:         string(appendTime(nil, d.Time, false)),
		City:         d.City, State: d.State, Road: d.Road, LatLong: d.LatLong,
		LicensePlate: d.LicensePlate, VIN: d.VIN, USDOT: d.USDOT, MC: d.MC, CabNumber: d.CabNumber,
		TrailerLogo: strings.Join(d.TrailerLogo, ", "), TrailerNumber: d.TrailerNumber,
		DeepSearch: h.DeepSearch, AlertID: h.Alert.ID,
	}
}

// link is the detection's own address, else the template's; a template with
// {id} makes none for a detection without an id.
func link(own, template, id string) string {
	switch {
	case own != "":
		return own
	case id == "" && strings.Contains(template, "{id}"):
		return ""
	}
	return strings.ReplaceAll(template, "{id}", url.PathEscape(id))
}
