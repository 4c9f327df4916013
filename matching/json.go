package matching

import (
	"strconv"
	"time"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// AppendJSON appends the report as encoding/json writes it, but without HTML
// escapes, and nil lists as [].
func (r *Report) AppendJSON(dst []byte) []byte {
	dst = appendMember(dst, `{"run_id":`, r.RunID)
	dst = append(dst, `,"customer_id":`...)
	dst = strconv.AppendInt(dst, r.CustomerID, 10)
	dst = appendMember(dst, `,"alert_type":`, r.AlertType)
	dst = append(dst, `,"alert_details":[`...)
	for i := range r.AlertDetails {
		dst = r.AlertDetails[i].AppendJSON(appendComma(dst, i))
	}
	dst = append(dst, `],"matches":[`...)
	for i := range r.Matches {
		dst = r.Matches[i].AppendJSON(appendComma(dst, i))
	}
	dst = append(dst, `],"total_matches":`...)
	dst = strconv.AppendInt(dst, int64(r.TotalMatches), 10)
	return append(appendMember(dst, `,"timestamp":`, r.Timestamp), '}')
}

// AppendJSON appends the detail as Report.AppendJSON does.
func (a *AlertDetail) AppendJSON(dst []byte) []byte {
	dst = appendMember(dst, `{"id":`, a.ID)
	dst = appendMember(dst, `,"alert_name":`, a.AlertName)
	dst = appendMember(dst, `,"email":`, a.Email)
	dst = appendMember(dst, `,"description":`, a.Description)
	dst = append(dst, `,"is_active":`...)
	dst = strconv.AppendBool(dst, a.IsActive)
	dst = appendMember(dst, `,"license_plate":`, a.LicensePlate)
	dst = appendMember(dst, `,"vin":`, a.VIN)
	dst = appendMember(dst, `,"usdot_number":`, a.USDOTNumber)
	dst = appendMember(dst, `,"mc_number":`, a.MCNumber)
	dst = appendMember(dst, `,"trailer_number":`, a.TrailerNumber)
	dst = appendMember(dst, `,"cab_number":`, a.CabNumber)
	dst = appendMember(dst, `,"trailer_logo":`, a.TrailerLogo)
	return append(appendList(append(dst, `,"cc_emails":`...), a.CCEmails), '}')
}

// AppendJSON appends the match as Report.AppendJSON does.
func (m *Match) AppendJSON(dst []byte) []byte {
	dst = appendMember(dst, `{"alert_name":`, m.AlertName)
	dst = appendMember(dst, `,"result_url":`, m.ResultURL)
	dst = appendMember(dst, `,"front_view_url":`, m.FrontViewURL)
	dst = appendMember(dst, `,"side_view_url":`, m.SideViewURL)
	dst = appendMember(dst, `,"rear_view_url":`, m.RearViewURL)
	dst = appendMember(dst, `,"time":`, m.Time)
	dst = appendMember(dst, `,"city":`, m.City)
	dst = appendMember(dst, `,"state":`, m.State)
	dst = appendMember(dst, `,"road":`, m.Road)
	dst = appendMember(dst, `,"lat_long":`, m.LatLong)
	dst = appendMember(dst, `,"license_plate":`, m.LicensePlate)
	dst = appendMember(dst, `,"vin":`, m.VIN)
	dst = appendMember(dst, `,"usdot":`, m.USDOT)
	dst = appendMember(dst, `,"mc":`, m.MC)
	dst = appendMember(dst, `,"cab_number":`, m.CabNumber)
	dst = appendMember(dst, `,"trailer_logo":`, m.TrailerLogo)
	dst = appendMember(dst, `,"trailer_number":`, m.TrailerNumber)
	dst = appendMember(dst, `,"deep_search":`, m.DeepSearch)
	return append(appendMember(dst, `,"alert_id":`, m.AlertID), '}')
}

// AppendJSON appends the detection as a document that Decode reads; what is
// "" is left out.
func (d *Detection) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"time":"`...)
	dst = d.Time.UTC().AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, '"')
	for _, f := range [...]struct{ key, value string }{
		{`,"id":`, d.ID}, {`,"city":`, d.City}, {`,"state":`, d.State}, {`,"road":`, d.Road}, {`,"lat_long":`, d.LatLong},
		{`,"license_plate":`, d.LicensePlate}, {`,"license_plate_state":`, d.LicensePlateState},
		{`,"vin":`, d.VIN}, {`,"usdot":`, d.USDOT}, {`,"mc":`, d.MC}, {`,"cab_number":`, d.CabNumber},
		{`,"trailer_number":`, d.TrailerNumber}, {`,"chassis_number":`, d.ChassisNumber},
		{`,"container_number":`, d.ContainerNumber}, {`,"equipment_type":`, d.EquipmentType}, {`,"text":`, d.Text},
		{`,"result_url":`, d.ResultURL}, {`,"front_view_url":`, d.FrontViewURL},
		{`,"side_view_url":`, d.SideViewURL}, {`,"rear_view_url":`, d.RearViewURL},
	} {
		if f.value != "" {
			dst = appendMember(dst, f.key, f.value)
		}
	}
	if len(d.TrailerLogo) > 0 {
		dst = appendList(append(dst, `,"trailer_logo":`...), d.TrailerLogo)
	}
	return append(dst, '}')
}

func appendComma(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return dst
}

func appendMember(dst []byte, key, value string) []byte {
	return jsontext.AppendString(append(dst, key...), value)
}

func appendList(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		dst = jsontext.AppendString(appendComma(dst, i), s)
	}
	return append(dst, ']')
}
