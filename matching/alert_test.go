package matching

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAlertLimits(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for field, change := range map[string]func(*Alert){
		"id":               func(a *Alert) { a.ID = "7" },
		"customer":         func(a *Alert) { a.Customer = "a.b" },
		"alert_name":       func(a *Alert) { a.AlertName = "a\r\nBcc: b@example.com" },
		"description":      func(a *Alert) { a.Description = long },
		"email":            func(a *Alert) { a.Email = "Ada <ada@example.com>" },
		"cc_emails":        func(a *Alert) { a.CCEmails = make([]string, 21) },
		"cc_emails[1]":     func(a *Alert) { a.CCEmails = []string{"a@example.com", long + "@example.com"} },
		"license_plate":    func(a *Alert) { a.LicensePlate = long },
		"trailer_logo":     func(a *Alert) { a.TrailerLogo = long },
		"deep_search":      func(a *Alert) { a.DeepSearch = strings.Repeat("ab ", 17) },
		"vin":              func(a *Alert) { a.VIN = long },
		"equipment_type":   func(a *Alert) { a.EquipmentType = "\xff" },
		"location_city":    func(a *Alert) { a.LocationCity = "a\x00b" },
		"end_date":         func(a *Alert) { a.EndDate = long },
		"container_number": func(a *Alert) { a.ContainerNumber, a.ExactMatchContainerNumber = "A", false },
	} {
		a, err := alertOf(`{"usdot_number":"987654"}`)
		if err != nil {
			t.Fatal(err)
		}
		change(a)
		var wrong *FieldError
		if err := a.Validate(); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		} else if len(wrong.Value) > 100 {
			t.Errorf("%s: an error that repeats %d bytes", field, len(wrong.Value))
		}
	}
	a, _ := alertOf(`{"usdot_number":"987654"}`)
	a.AlertName = "  "
	a.Email = ""
	if err := a.Validate(); err == nil {
		t.Error("an alert without a name or an address was taken")
	}
}

func TestDaysAreOfTheCustomersZone(t *testing.T) {
	houston := time.FixedZone("", -5*3600)
	a, err := alertOf(`{"vin":"004352","start_date":"2024-05-21","end_date":"2024-05-21"}`)
	if err != nil {
		t.Fatal(err)
	}
	a.Zone = houston
	c, err := compile(a)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]bool{
		"2024-05-21T04:59:59Z": false, "2024-05-21T05:00:00Z": true, "2024-05-22T04:59:59Z": true, "2024-05-22T05:00:00Z": false,
	} {
		var p Probe
		p.Load(detectionOf(t, `{"vin":"004352","time":"`+at+`"}`))
		if c.holds(&p) != want {
			t.Errorf("%s: %t", at, !want)
		}
	}
}

func TestGeneratedAlertsAreValidAndTheSame(t *testing.T) {
	g, same := NewGenerator(9), NewGenerator(9)
	for i := range 600 {
		kind := Kind(i % 6)
		a, b := g.Alert("acme", kind), same.Alert("acme", kind)
		if err := a.Validate(); err != nil {
			t.Fatalf("%+v: %v", a, err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Fatal("the same seed gave two alerts")
		}
		if plate := g.Plate(); g.Misread(plate) == plate || same.Plate() != plate {
			t.Fatal("a misread that is none")
		}
		same.Misread("ABC1234")
		same = NewGenerator(9)
		g = NewGenerator(9)
	}
}

// FuzzDecodeAlert: an alert that is taken may be put in an index and matched.
func FuzzDecodeAlert(f *testing.F) {
	for _, doc := range []string{
		`{"alert_name":"a","email":"a@example.com","license_plate":"A?*1","lookalikes":true,"max_differences":0}`,
		`{"alert_name":"a","email":"a@example.com","trailer_number":"ÄB-1234567890123456789012","exact_match_trailer_number":false,"max_differences":2}`,
		`{"alert_name":"a","email":"a@example.com","deep_search":"ſ ab","match":"any","location_state":"Texas","start_date":"2024-05-21"}`,
	} {
		f.Add([]byte(doc))
	}
	var p Probe
	p.Load(&Detection{LicensePlate: "ABC1234", TrailerNumber: "ÄB1234567890123456789012", Text: "s ab", State: "TX", Time: stored})
	f.Fuzz(func(t *testing.T, doc []byte) {
		a := NewAlert()
		a.ID = "456e7890-e12b-34d5-a678-426614174111"
		if json.Unmarshal(doc, &a) != nil || a.Validate() != nil {
			return
		}
		x := NewIndex()
		if err := x.Put(&a); err != nil {
			t.Fatalf("valid, and refused by the index: %v", err)
		}
		c, err := compile(&a)
		if err != nil {
			t.Fatal(err)
		}
		if hits := x.Match(nil, &p, nil); (len(hits) == 1) != (a.IsActive && c.holds(&p)) {
			t.Fatalf("%d hits of %s", len(hits), doc)
		}
		if err := x.check(); err != nil {
			t.Fatal(err)
		}
	})
}

// Every field is either a criterion or named here.
func TestSameCriteria(t *testing.T) {
	plain := map[string]bool{"ID": true, "Customer": true, "AlertName": true, "Email": true, "CCEmails": true, "Description": true,
		"IsActive": true, "AlertType": true, "CreatedAt": true, "UpdatedAt": true, "Position": true, "Zone": true}
	a := NewAlert()
	for i := range reflect.TypeFor[Alert]().NumField() {
		name := reflect.TypeFor[Alert]().Field(i).Name
		other := a
		switch field := reflect.ValueOf(&other).Elem().Field(i); field.Kind() {
		case reflect.String:
			field.SetString(field.String() + "x")
		case reflect.Bool:
			field.SetBool(!field.Bool())
		case reflect.Int:
			field.SetInt(1)
		case reflect.Uint64:
			field.SetUint(1)
		case reflect.Slice:
			field.Set(reflect.ValueOf([]string{"x"}))
		case reflect.Struct:
			field.Set(reflect.ValueOf(time.Unix(1, 0)))
		case reflect.Pointer:
			field.Set(reflect.ValueOf(time.UTC))
		default:
			t.Fatalf("%s is of kind %s", name, field.Kind())
		}
		if a.SameCriteria(&other) != plain[name] {
			t.Errorf("another %s: the same criteria is %v", name, !plain[name])
		}
	}
}
