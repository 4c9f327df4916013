package matching

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

// forms are all normal forms there are.
var forms = map[string]func([]byte, string) []byte{
	"number": appendNumber, "pattern": appendPattern, "text": appendText, "state": appendState,
	"VIN": appendVIN, "USDOT": appendUSDOT, "docket": appendDocket, "words": appendWords,
}

func appendWords(dst []byte, text string) []byte {
	for end := 0; end < len(text); {
		from := len(dst)
		if dst, _, end = appendWord(append(dst, ' '), text, end); len(dst) == from+1 {
			dst = dst[:from]
		}
	}
	return dst
}

// texts are such as are read and typed, and whatever else there may be.
func texts() *rapid.Generator[string] {
	pieces := []string{"VIN", "vin:", "USDOT", "US DOT NO.", "MC", "icc", "FF", "MX#", "no.", "1", "0", "00", ".", ".0", "-", " ", "\t", "*", "?", "TX", "us", "N.Y.", "Québec",
		"ß", "ſ", "ẞ", "Σ", "ς", "K", "Å", "ö", "o\u0308", "\u0308", "ͅ", "ι", "ｱ", "ﾞ", "Ａ", "１", "ﬁ", "½", "™", "\u1100", "\u1161", "\u11a8", "각", "ﷺ", "\u0301", "\u200d", "𝐀", "\xff"}
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pieces), rapid.StringN(0, 3, 12)), 0, 8).Draw(t, "pieces"), "")
	})
}

// painted are numbers and places as they are painted on trucks.
func painted() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`(USDOT|US DOT NO\. |DOT# |dot|ICC MC |MC-|mc no\. |FF|)0{0,3}[1-9][0-9]{0,7}(\.0|)( TX|)`),
		rapid.StringMatching(`(VIN: |vin|\*|I|)[A-Z0-9]{5,17}`),
		rapid.SampledFrom([]string{"us-tx", "Texas", "N.Y.", "Washington, D.C.", "Qu\u00e9bec", "Que\u0301bec", "CA-ON", "mx-tam", "Newfoundland & Labrador"}),
	)
}

func TestANormalFormIsItsOwn(t *testing.T) {
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			for r := rune(1); r <= unicode.MaxRune; r++ {
				if unicode.IsGraphic(r) {
					ownForm(t, form, "A"+string(r)+"1")
				}
			}
			rapid.Check(t, func(t *rapid.T) { ownForm(t, form, texts().Draw(t, "text")) })
		})
	}
}

func ownForm(t interface{ Fatalf(string, ...any) }, form func([]byte, string) []byte, text string) {
	once := string(form(nil, text))
	if twice := string(form(nil, once)); twice != once {
		t.Fatalf("%q has the normal form %q, and that %q", text, once, twice)
	}
}

// What stands before a normal form in its room has no part in it.
func TestANormalFormIsTheSameWhereverItStands(t *testing.T) {
	for name, form := range forms {
		rapid.Check(t, func(t *rapid.T) {
			text := texts().Draw(t, "text")
			alone := form(nil, text)
			behind := form([]byte("MC0"), text)
			if string(behind) != "MC0"+string(alone) {
				t.Fatalf("%s of %q: %q, behind others %q", name, text, alone, behind)
			}
		})
	}
}

// However Unicode writes a text, it is the same text.
func TestOneUnicodeForm(t *testing.T) {
	for name, form := range forms {
		rapid.Check(t, func(t *rapid.T) {
			text := texts().Filter(utf8.ValidString).Draw(t, "text")
			if strings.ContainsAny(text, ".-*?") { // read before Unicode's forms are, as producers write them
				return
			}
			if composed, apart := form(nil, norm.NFC.String(text)), form(nil, norm.NFD.String(text)); string(composed) != string(apart) {
				t.Fatalf("%s of %q: %q composed, %q decomposed", name, text, composed, apart)
			}
		})
	}
}

// Both sides agree: a detection with the very text of an alert matches it.
func TestBothSidesAgree(t *testing.T) {
	fields := map[string]struct {
		alert     func(*Alert) *string
		detection func(*Detection) *string
	}{
		"license_plate":       {func(a *Alert) *string { return &a.LicensePlate }, func(d *Detection) *string { return &d.LicensePlate }},
		"license_plate_state": {func(a *Alert) *string { return &a.LicensePlateState }, func(d *Detection) *string { return &d.LicensePlateState }},
		"vin":                 {func(a *Alert) *string { return &a.VIN }, func(d *Detection) *string { return &d.VIN }},
		"usdot_number":        {func(a *Alert) *string { return &a.USDOTNumber }, func(d *Detection) *string { return &d.USDOT }},
		"mc_number":           {func(a *Alert) *string { return &a.MCNumber }, func(d *Detection) *string { return &d.MC }},
		"container_number":    {func(a *Alert) *string { return &a.ContainerNumber }, func(d *Detection) *string { return &d.ContainerNumber }},
		"equipment_type":      {func(a *Alert) *string { return &a.EquipmentType }, func(d *Detection) *string { return &d.EquipmentType }},
		"location_state":      {func(a *Alert) *string { return &a.LocationState }, func(d *Detection) *string { return &d.State }},
		"location_city":       {func(a *Alert) *string { return &a.LocationCity }, func(d *Detection) *string { return &d.City }},
		"deep_search":         {func(a *Alert) *string { return &a.DeepSearch }, func(d *Detection) *string { return &d.Text }},
	}
	for name, field := range fields {
		t.Run(name, func(t *testing.T) {
			saved := 0
			rapid.Check(t, func(t *rapid.T) {
				text := rapid.OneOf(texts().Filter(utf8.ValidString), painted()).Draw(t, "text")
				a := NewAlert()
				a.ID, a.AlertName, a.Email = "456e7890-e12b-34d5-a678-426614174111", "an alert", "a@example.com"
				*field.alert(&a) = text
				if a.Validate() != nil {
					return
				}
				saved++
				x := NewIndex()
				if err := x.Put(&a); err != nil {
					t.Fatal(err)
				}
				var d Detection
				if name == "license_plate" || name == "container_number" {
					text = strings.ReplaceAll(text, "?", "X") // a wildcard, in an alert
				}
				*field.detection(&d) = text
				var p Probe
				if p.Load(&d); len(x.Match(nil, &p, nil)) != 1 {
					t.Fatalf("%q does not match itself", text)
				}
			})
			if saved == 0 {
				t.Error("no text was saved: nothing is shown")
			}
		})
	}
}

// A state is the same by its code, its names, and these with its country.
func TestStatesByAllTheirNames(t *testing.T) {
	for name, code := range places {
		for _, written := range []string{name, strings.ToLower(name), strings.ReplaceAll(name, " ", "-"), " " + name + ". ", strings.ReplaceAll(name, " AND ", " & ")} {
			if got := string(appendState(nil, written)); got != code {
				t.Errorf("%q is %q, want %q", written, got, code)
			}
		}
	}
	for written, want := range map[string]string{"us-tx": "TX", "CA-ON": "ON", "MX-TAM": "TAM", "D.C.": "DC", "D. C.": "DC", "N Y": "NY", "Washington, D.C.": "DC",
		"Newfoundland": "NL", "Newfoundland & Labrador": "NL", "Québec": "QC", "Que\u0301bec": "QC", "Texas, USA": "TX", "ca": "CA", "Texass": "TEXASS", "": ""} {
		if got := string(appendState(nil, written)); got != want {
			t.Errorf("%q is %q, want %q", written, got, want)
		}
	}
}

func TestNumbersAsTheyArePainted(t *testing.T) {
	for _, c := range []struct {
		form          func([]byte, string) []byte
		written, want string
	}{
		{appendUSDOT, "USDOT 987654 TX", "987654"},
		{appendUSDOT, "US DOT NO. 987654", "987654"},
		{appendUSDOT, "U.S. DOT # 0987654", "987654"},
		{appendUSDOT, "DOT NUMBER: 987,654", "987654"},
		{appendUSDOT, "987 654", "987654"},
		{appendUSDOT, "987654.0", "987654"},
		{appendUSDOT, "９８７６５４", "987654"},
		{appendUSDOT, "00000000000987654", "987654"},
		{appendUSDOT, "987654.5", ""},
		{appendUSDOT, "1.5", ""},
		{appendUSDOT, "-5", ""},
		{appendUSDOT, "\u22125", ""},
		{appendUSDOT, "1234567890123", ""},
		{appendUSDOT, "000", ""},
		{appendUSDOT, "987654 ZZ", ""},
		{appendUSDOT, "98G654", ""},
		{appendUSDOT, "TX", ""},
		{appendUSDOT, "KYU 123456", ""},

		{appendDocket, "MC-12345", "12345"},
		{appendDocket, "MC012345", "12345"},
		{appendDocket, "MC NO. 111111", "111111"},
		{appendDocket, "ICC MC 111111", "111111"},
		{appendDocket, "I.C.C. MC# 111111", "111111"},
		{appendDocket, "ICC 111111", "111111"},
		{appendDocket, "MC 111111.0", "111111"},
		{appendDocket, "FF-011111", "FF11111"},
		{appendDocket, "FF NO 11111", "FF11111"},
		{appendDocket, "mx 111111", "MX111111"},
		{appendDocket, "MCFF 1", ""},
		{appendDocket, "MC 1.5", ""},
		{appendDocket, "MC", ""},
		{appendDocket, "1234567890123", ""},
		{appendDocket, "USDOT 5", ""},

		{appendVIN, "VIN: 1N6AD07U56C411111", "1N6AD07U56C411111"},
		{appendVIN, "VIN NO. 1N6AD07U56C411111", "1N6AD07U56C411111"},
		{appendVIN, "vin1N6AD07U56C411111", "1N6AD07U56C411111"},
		{appendVIN, "*1N6AD07U56C411111*", "1N6AD07U56C411111"},
		{appendVIN, "*I1N6AD07U56C411111*", "1N6AD07U56C411111"},
		{appendVIN, "I1N6AD07U56C411111", "1N6AD07U56C411111"},
		{appendVIN, "IN6ADO7U56C4IIIII", "1N6AD07U56C411111"},
		{appendVIN, "VIN6AD07U56C41111", "V1N6AD07U56C41111"}, // 17: a misread 1
		{appendVIN, "VIN 6AD07U56C41111", "6AD07U56C41111"},
		{appendVIN, "MAY123456", "MAY123456"},
		{appendVIN, "1N6AD07U56C4111111", ""},
		{appendVIN, "OO4352", "004352"},
	} {
		if got := string(c.form(nil, c.written)); got != c.want {
			t.Errorf("%q is %q, want %q", c.written, got, c.want)
		}
	}
}
