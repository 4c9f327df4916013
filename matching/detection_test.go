package matching

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var stored = time.Date(2024, 5, 21, 13, 0, 0, 0, time.UTC)

func TestDecodeDetection(t *testing.T) {
	at := time.Date(2024, 5, 21, 12, 0, 0, 0, time.UTC)
	for doc, want := range map[string]Detection{
		`{}`: {Time: stored},
		`{"time":null,"city":null,"trailer_logo":null}`:             {Time: stored},
		`{"time":"2024-05-21T12:00:00Z"}`:                           {Time: at},
		`{"time":"2024-05-21T07:00:00-05:00"}`:                      {Time: at},
		`{"time":"2024-05-21T07:00:00-0500"}`:                       {Time: at},
		`{"time":"2024-05-21 12:00:00+00:00"}`:                      {Time: at},
		`{"time":"2024-05-21 12:00:00"}`:                            {Time: at},
		`{"time":"2024-05-21T12:00:00.250"}`:                        {Time: at.Add(250 * time.Millisecond)},
		`{"usdot":987654,"mc":111111,"cab_number":0}`:               {Time: stored, USDOT: "987654", MC: "111111", CabNumber: "0"},
		`{"time":"2024-05-21t12:00:00z"}`:                           {Time: at},
		`{"time":" 2024-05-21t07:00:00.000-05:00"}`:                 {Time: at},
		`{"time":"2024-05-21T23:59:60Z"}`:                           {Time: at.Add(12 * time.Hour)},
		`{"time":"2024-05-21T18:59:60.5-05:00"}`:                    {Time: at.Add(12*time.Hour + time.Second/2)},
		`{"time":1716292800}`:                                       {Time: at},
		`{"time":1716292800.25}`:                                    {Time: at.Add(250 * time.Millisecond)},
		`{"time":"1716292800"}`:                                     {Time: at},
		`{"time":1.7162928e9}`:                                      {Time: at},
		`{"time":1716292800250}`:                                    {Time: at.Add(250 * time.Millisecond)},
		`{"time":1716292800000001}`:                                 {Time: at.Add(time.Microsecond)},
		`{"time":-1}`:                                               {Time: time.Unix(-1, 0).UTC()},
		`{"time":-0.5}`:                                             {Time: time.Unix(0, -5e8).UTC()},
		`{"usdot":987654.0,"mc":1.11111e5,"cab_number":7e2}`:        {Time: stored, USDOT: "987654", MC: "111111", CabNumber: "700"},
		`{"usdot":"987 654","mc":0.0,"license_plate":1234567.00}`:   {Time: stored, USDOT: "987 654", MC: "0", LicensePlate: "1234567"},
		"\ufeff" + `{"city":"X"}`:                                   {Time: stored, City: "X"},
		`{"lat_long":[29.7604,-95.3698]}`:                           {Time: stored, LatLong: "29.7604, -95.3698"},
		`{"lat_long":["29.7604"," -95.3698 "]}`:                     {Time: stored, LatLong: "29.7604, -95.3698"},
		`{"lat_long":{"lat":29.7604,"lng":-95.3698,"x":[{}]}}`:      {Time: stored, LatLong: "29.7604, -95.3698"},
		`{"lat_long":{"longitude":"-95.3698","latitude":29.7604}}`:  {Time: stored, LatLong: "29.7604, -95.3698"},
		`{"trailer_logo":"Some Logo"}`:                              {Time: stored, TrailerLogo: []string{"Some Logo"}},
		`{"trailer_logo":["A","",null,"B"]}`:                        {Time: stored, TrailerLogo: []string{"A", "B"}},
		`{"trailer_logo":[],"trailer_number":"T-1"}`:                {Time: stored, TrailerNumber: "T-1"},
		`{"camera":{"a":[1,-2.5e3,true,{}],"b":null},"city":"X"}`:   {Time: stored, City: "X"},
		"\t{ \"city\" :\n\"X\" , \"state\":\"TX\" }\r\n":            {Time: stored, City: "X", State: "TX"},
		`{"city":"a\"\\\/\b\f\n\r\tz","text":"\u00e9\ud83d\ude00"}`: {Time: stored, City: "a\"\\/\b\f\n\r\tz", Text: "é😀"},
		`{"text":"\ud83d!\ude00\u12"}`:                              {},
		`{"text":"\ud83d!\ude00"}`:                                  {Time: stored, Text: "\ufffd!\ufffd"},
		"{\"text\":\"a\xffb\"}":                                     {Time: stored, Text: "a\ufffdb"},
		`{"city":"X","city":"Y"}`:                                   {Time: stored, City: "Y"},
		`{"lat_long":"29.7604, -95.3698","road":"I-45","text":"t"}`: {Time: stored, LatLong: "29.7604, -95.3698", Road: "I-45", Text: "t"},
		`{"id":"d-1","result_url":"r","front_view_url":"f"}`:        {Time: stored, ID: "d-1", ResultURL: "r", FrontViewURL: "f"},
		`{"side_view_url":"s","rear_view_url":"b","vin":"v"}`:       {Time: stored, SideViewURL: "s", RearViewURL: "b", VIN: "v"},
		`{"license_plate":"p","license_plate_state":"TX"}`:          {Time: stored, LicensePlate: "p", LicensePlateState: "TX"},
		`{"chassis_number":"c","container_number":"n"}`:             {Time: stored, ChassisNumber: "c", ContainerNumber: "n"},
		`{"equipment_type":"Dry Van"}`:                              {Time: stored, EquipmentType: "Dry Van"},
	} {
		got := Detection{City: "what was there", TrailerLogo: []string{"before"}}
		err := got.Decode([]byte(doc), stored)
		if want.Time.IsZero() {
			if err == nil {
				t.Errorf("%s: no error", doc)
			}
			continue
		}
		if len(got.TrailerLogo) == 0 {
			got.TrailerLogo = nil
		}
		got.Time = got.Time.UTC()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", doc, got, err)
		}
	}
}

func TestDecodeDetectionNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ doc, field, says string }{
		{``, "detection", "byte 0"},
		{`[]`, "detection", "one JSON object"},
		{`{"city":"X"`, "detection", "no comma or }"},
		{`{"city" "X"}`, "detection", "no : at byte 8"},
		{`{"city":"X",}`, "detection", "byte 12"},
		{`{"city":"X"} {}`, "detection", "a second value"},
		{`{"city":"X"}` + "\x00", "detection", "a second value"},
		{"{\"city\":\"a\nb\"}", "detection", "control character in a string"},
		{`{"city":"\x"}`, "detection", "unknown escape"},
		{`{"camera":01}`, "detection", "no comma or }"},
		{`{"camera":-}`, "detection", "no value"},
		{`{"camera":1.}`, "detection", "behind its point"},
		{`{"camera":1e}`, "detection", "exponent"},
		{`{"camera":nul}`, "detection", "no value"},
		{`{"camera":` + strings.Repeat("[", 10100), "detection", "nesting deeper than 10000"},
		{`{"camera":"` + strings.Repeat("x", MaxDetection) + `"}`, "detection", "at most 1048576"},
	} {
		var d Detection
		err := d.Decode([]byte(c.doc), stored)
		var wrong *FieldError
		if !errors.As(err, &wrong) || wrong.Field != c.field || !strings.Contains(wrong.Message, c.says) {
			t.Errorf("%.60s: %v, want %s: …%s…", c.doc, err, c.field, c.says)
			continue
		}
		if len(wrong.Value) > 100 {
			t.Errorf("%.60s: an error that repeats %d bytes", c.doc, len(wrong.Value))
		}
	}
}

// A field never costs the document: what cannot be read is left out, told, and
// all others are there.
func TestAFieldThatCannotBeReadIsLeftOut(t *testing.T) {
	long := strings.Repeat("x", 20_000)
	for _, c := range []struct{ member, unread string }{
		{`"city":true`, "city"},
		{`"vin":{"a":1}`, "vin"},
		{`"usdot":1.5`, "usdot"},
		{`"usdot":-5`, "usdot"},
		{`"mc":1e99`, "mc"},
		{`"mc":1e999999999999999999999`, "mc"},
		{`"cab_number":false,"road":["I-45"]`, "road cab_number"},
		{`"trailer_logo":{"a":1}`, "trailer_logo"},
		{`"time":"yesterday"`, "time"},
		{`"time":"2024-05-21T25:00:00Z"`, "time"},
		{`"time":true,"time":{}`, "time"},
		{`"time":1e30`, "time"},
		{`"time":"1e5x"`, "time"},
		{`"license_plate":"` + long[:65] + `"`, "license_plate"},
		{`"text":"` + long + `"`, "text"},
		{`"result_url":"` + long[:2084] + `"`, "result_url"},
		{`"lat_long":[1,2,3]`, "lat_long"},
		{`"lat_long":[1]`, "lat_long"},
		{`"lat_long":[]`, "lat_long"},
		{`"lat_long":{}`, "lat_long"},
		{`"lat_long":[[1,2],null]`, "lat_long"},
		{`"lat_long":["north","NaN"]`, "lat_long"},
		{`"lat_long":{"lat":1,"elevation":2}`, "lat_long"},
		{`"lat_long":7.5`, "lat_long"},
		{`"vin":true,"vin":"v"`, ""}, // the last one counts
		{`"equipment_type":"Dry Van","equipment_type":1.5`, "equipment_type"},
	} {
		var got Detection
		doc := `{"trailer_number":"T-1",` + c.member + `,"state":"TX"}`
		if err := got.Decode([]byte(doc), stored); err != nil {
			t.Errorf("%.80s: %v", doc, err)
			continue
		}
		if unread := strings.Join(slices.Collect(got.Unread.Fields), " "); unread != c.unread {
			t.Errorf("%.80s: unread %q, want %q", doc, unread, c.unread)
		}
		if got.TrailerNumber != "T-1" || got.State != "TX" || !got.Time.Equal(stored) {
			t.Errorf("%.80s: the others are lost: %+v", doc, got)
		}
	}
	var d Detection
	doc := `{"trailer_logo":["a",["b"],true,"c",` + strings.Repeat(`"d",`, 500) + `"e"]}`
	if err := d.Decode([]byte(doc), stored); err != nil || len(d.TrailerLogo) != MaxLogos || d.TrailerLogo[1] != "c" || d.Unread == 0 {
		t.Errorf("%d logos, %v", len(d.TrailerLogo), err)
	}
	if len(detectionFields)-1 != 22 || len(slices.Collect(Unread(1<<32-1).Fields)) != 22 {
		t.Error("the fields are miscounted")
	}
}

func TestGeneratedDetectionsComeBack(t *testing.T) {
	g := NewGenerator(5)
	for range 500 {
		want := g.Detection()
		var got Detection
		doc := want.AppendJSON(nil)
		if err := got.Decode(doc, stored); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\n%+v\n%+v %v", doc, got, want, err)
		}
	}
}

// FuzzDecodeDetection: what encoding/json takes for an object is taken, and
// nothing else; what is taken is within the limits, comes back as it was, and can be matched.
func FuzzDecodeDetection(f *testing.F) {
	g := NewGenerator(6)
	for range 5 {
		d := g.Detection()
		f.Add(d.AppendJSON(nil))
	}
	f.Add([]byte(`{"text":"\ud83d\ude00 ΣΑΣ ſtraẞe","trailer_logo":["a"],"usdot":1,"camera":[{"a":-1.5e+3}]}`))
	f.Add([]byte(`{"lat_long":[1,"2"],"usdot":9.8e5,"time":1716292800.5,"vin":true,"x":"\\n"}`))
	f.Add([]byte(`{"license_plate":"?*^$Ä","time":"0000-01-01T00:00:00+23:59"}`))
	x := NewIndex()
	for i := range 60 {
		if err := x.Put(g.Alert("acme", Kind(i%6))); err != nil {
			f.Fatal(err)
		}
	}
	var p Probe
	f.Fuzz(func(t *testing.T, doc []byte) {
		var d Detection
		if err := d.Decode(doc, stored); err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			var object map[string]json.RawMessage
			if json.Unmarshal(doc, &object) == nil && object != nil && len(doc) <= MaxDetection && !strings.Contains(err.Error(), "nesting") {
				t.Fatalf("a field cost the document: %v", err)
			}
			return
		}
		if !json.Valid(bytes.TrimPrefix(doc, []byte(byteOrderMark))) {
			t.Fatalf("taken, and no JSON: %q", doc)
		}
		if len(d.TrailerLogo) > MaxLogos || len(d.LicensePlate) > maxNumber || len(d.Text) > maxText {
			t.Fatal("over a limit")
		}
		if !strings.Contains(string(doc), "time") {
			var again Detection
			d.Unread = 0
			if err := again.Decode(d.AppendJSON(nil), time.Time{}); err != nil || fmt.Sprint(again) != fmt.Sprint(d) {
				t.Fatalf("%+v came back as %+v, %v", d, again, err)
			}
		}
		p.Load(&d)
		for _, hit := range x.Match(nil, &p, nil) {
			m := NewMatch(hit, &d, &Links{})
			if !json.Valid(m.AppendJSON(nil)) {
				t.Fatal("a match that is no JSON")
			}
		}
	})
}
