package matching

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"
)

// Limits of an alert's parts, in bytes but for MaxCCEmails.
const (
	MaxCCEmails = 20

	maxCustomer    = 64
	maxEmail       = 254
	maxDescription = 4 << 10
)

// Validate tells what is wrong with an alert that is to be saved, as a
// *FieldError. ID and Customer are looked at where they are given.
func (a *Alert) Validate() error {
	for _, check := range []func() error{a.checkNames, a.checkEmails, a.checkModes, a.checkText} {
		if err := check(); err != nil {
			return err
		}
	}
	_, err := compile(a)
	return err
}

func (a *Alert) checkNames() error {
	switch {
	case a.ID != "" && !isUUID(a.ID):
		return wrong("id", a.ID, "is no UUID; leave it out, and one is made")
	case a.Customer != "" && !isCustomer(a.Customer):
		return wrong("customer", a.Customer, fmt.Sprintf("is no customer; 1 to %d of letters, digits, _ and -", maxCustomer))
	case strings.TrimSpace(a.AlertName) == "":
		return wrong("alert_name", a.AlertName, "is missing; give the alert a name")
	case len(a.AlertName) > maxName:
		return tooLong("alert_name", a.AlertName, len(a.AlertName), maxName)
	case strings.ContainsFunc(a.AlertName, isControl):
		return wrong("alert_name", a.AlertName, "has a control character; give one line of text")
	case len(a.Description) > maxDescription:
		return tooLong("description", a.Description, len(a.Description), maxDescription)
	}
	return nil
}

func (a *Alert) checkEmails() error {
	if a.Email == "" {
		return wrong("email", "", "is missing; give the address that matches are sent to")
	}
	if err := checkEmail("email", a.Email); err != nil {
		return err
	}
	if len(a.CCEmails) > MaxCCEmails {
		return wrong("cc_emails", "", fmt.Sprintf("%d addresses; at most %d", len(a.CCEmails), MaxCCEmails))
	}
	for i, email := range a.CCEmails {
		if err := checkEmail(fmt.Sprintf("cc_emails[%d]", i), email); err != nil {
			return err
		}
	}
	return nil
}

// checkEmail takes a bare address, without a name: name@example.com.
func checkEmail(field, email string) error {
	if len(email) > maxEmail {
		return tooLong(field, email, len(email), maxEmail)
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || strings.ContainsFunc(email, isControl) {
		return wrong(field, email, "is no e-mail address; give one such as name@example.com")
	}
	return nil
}

func (a *Alert) checkModes() error {
	switch {
	case a.AlertType != AlertNormal && a.AlertType != AlertHot && a.AlertType != AlertLive:
		return wrong("alert_type", a.AlertType, "is no kind of alert; give normal, hot or live")
	case a.Match != MatchAll && a.Match != MatchAny:
		return wrong("match", a.Match, "is no way to match; give all or any")
	case a.MaxDifferences < 0 || a.MaxDifferences > MaxDifferences:
		return wrong("max_differences", fmt.Sprint(a.MaxDifferences), fmt.Sprintf("is out of range; give 0 to %d", MaxDifferences))
	}
	return nil
}

// checkText looks at what all texts have in common.
func (a *Alert) checkText() error {
	for _, f := range [...]struct{ field, value string }{
		{"alert_name", a.AlertName}, {"description", a.Description},
		{"license_plate", a.LicensePlate}, {"license_plate_state", a.LicensePlateState}, {"vin", a.VIN},
		{"usdot_number", a.USDOTNumber}, {"mc_number", a.MCNumber}, {"trailer_number", a.TrailerNumber},
		{"cab_number", a.CabNumber}, {"trailer_logo", a.TrailerLogo}, {"chassis_number", a.ChassisNumber},
		{"container_number", a.ContainerNumber}, {"equipment_type", a.EquipmentType},
		{"location_state", a.LocationState}, {"location_city", a.LocationCity}, {"deep_search", a.DeepSearch},
		{"start_date", a.StartDate}, {"end_date", a.EndDate},
	} {
		if !utf8.ValidString(f.value) {
			return wrong(f.field, "", "is not valid UTF-8")
		}
		if f.field != "description" && strings.ContainsFunc(f.value, isControl) {
			return wrong(f.field, f.value, "has a control character; give one line of text")
		}
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		if hyphen := i == 8 || i == 13 || i == 18 || i == 23; hyphen {
			if r != '-' {
				return false
			}
		} else if !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return false
		}
	}
	return true
}

func isCustomer(s string) bool {
	return len(s) <= maxCustomer && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
	})
}
