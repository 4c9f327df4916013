package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/postrider/postrider/matching"
)

// planting is one way an alert looks for its truck: what it matches, and what
// it only nearly does. In its values # is a number of 20 digits that differs
// from any other in five, @ the same of 12 and three, ~ the serial itself.
type planting struct {
	name         string
	alert        fieldValues
	seen, missed []fieldValues
}

type fieldValues map[string]any

// plantings are every criterion and mode.
var plantings = []planting{
	{"plate", fieldValues{"license_plate": "PA#"},
		[]fieldValues{{"license_plate": "pa-#"}}, []fieldValues{{"license_plate": "PA#X"}}},
	{"plate and its state", fieldValues{"license_plate": "PB#", "license_plate_state": "TX"},
		[]fieldValues{{"license_plate": "PB#", "license_plate_state": "Texas"}}, []fieldValues{{"license_plate": "PB#", "license_plate_state": "CA"}}},
	{"one unknown character", fieldValues{"license_plate": "PC?#"},
		[]fieldValues{{"license_plate": "PC7#"}}, []fieldValues{{"license_plate": "PC#"}, {"license_plate": "PC77#"}}},
	{"any end", fieldValues{"license_plate": "PD#*"},
		[]fieldValues{{"license_plate": "PD#"}, {"license_plate": "PD#XYZ"}}, []fieldValues{{"license_plate": "XPD#"}}},
	{"look-alikes", fieldValues{"license_plate": "POD#S", "lookalikes": true},
		[]fieldValues{{"license_plate": "P0Q#5"}}, []fieldValues{{"license_plate": "P0Q#6"}}},
	{"one difference", fieldValues{"license_plate": "PE#", "max_differences": 1},
		[]fieldValues{{"license_plate": "PE#X"}, {"license_plate": "P#"}, {"license_plate": "PF#"}}, []fieldValues{{"license_plate": "PXY#"}}},
	{"two differences", fieldValues{"license_plate": "PG#", "max_differences": 2},
		[]fieldValues{{"license_plate": "XPG#X"}, {"license_plate": "#"}}, []fieldValues{{"license_plate": "XXPG#X"}}},
	{"two differences and look-alikes", fieldValues{"license_plate": "PH#O", "max_differences": 2, "lookalikes": true},
		[]fieldValues{{"license_plate": "PH#DXX"}}, []fieldValues{{"license_plate": "PH#DXXX"}}},
	{"VIN", fieldValues{"vin": "9PI3V@"},
		[]fieldValues{{"vin": "9p13v@"}}, []fieldValues{{"vin": "9P13W@"}}},
	{"VIN's last six", fieldValues{"vin": "VT~"},
		[]fieldValues{{"vin": "1HGCM826330VT~"}}, []fieldValues{{"vin": "1HGCM82633VT~0"}}},
	{"USDOT", fieldValues{"usdot_number": "00900~"},
		[]fieldValues{{"usdot": "900~"}, {"usdot": "USDOT 0900~"}}, []fieldValues{{"usdot": "900~1"}}},
	{"MC", fieldValues{"mc_number": "MC-9900~"},
		[]fieldValues{{"mc": "mc-9900~"}, {"mc": "MC 9900~"}}, []fieldValues{{"mc": "MC-99001~"}}},
	{"trailer", fieldValues{"trailer_number": "TR-#"},
		[]fieldValues{{"trailer_number": "tr #"}}, []fieldValues{{"trailer_number": "TR#A"}}},
	{"trailer within", fieldValues{"trailer_number": "TW#", "exact_match_trailer_number": false},
		[]fieldValues{{"trailer_number": "AB-TW#-CD"}}, []fieldValues{{"trailer_number": "TW-A#"}}},
	{"cab", fieldValues{"cab_number": "CB#"},
		[]fieldValues{{"cab_number": "CB #"}}, []fieldValues{{"cab_number": "CB#0"}}},
	{"chassis", fieldValues{"chassis_number": "CH#"},
		[]fieldValues{{"chassis_number": "CH#"}}, []fieldValues{{"chassis_number": "XCH#"}}},
	{"chassis within, one unknown character", fieldValues{"chassis_number": "CW?#", "exact_match_chassis_number": false},
		[]fieldValues{{"chassis_number": "XXCW1#XX"}}, []fieldValues{{"chassis_number": "XXCW12#XX"}}},
	{"container", fieldValues{"container_number": "CN#", "match": "all"},
		[]fieldValues{{"container_number": "cn#"}}, []fieldValues{{"trailer_number": "CN#"}}},
	{"container within, one difference", fieldValues{"container_number": "CO#", "exact_match_container_number": false, "max_differences": 1},
		[]fieldValues{{"container_number": "12C0#34"}}, []fieldValues{{"container_number": "12CXY#34"}}},
	{"logo", fieldValues{"trailer_logo": "Planted Line ~"},
		[]fieldValues{{"trailer_logo": []string{"Some Logo", "PLANTED LINE ~"}}}, []fieldValues{{"trailer_logo": "Planted Line"}}},
	{"equipment", fieldValues{"equipment_type": "Planted Kind ~"},
		[]fieldValues{{"equipment_type": "planted kind ~"}}, []fieldValues{{"equipment_type": "planted kind ~ x"}}},
	{"place", fieldValues{"cab_number": "PL#", "location_state": "Texas", "location_city": "HOUSTON"},
		[]fieldValues{{"cab_number": "PL#", "state": "tx", "city": "Houston"}}, []fieldValues{{"cab_number": "PL#", "state": "tx", "city": "Dallas"}, {"cab_number": "PL#", "state": "CA", "city": "Houston"}}},
	{"deep search", fieldValues{"deep_search": "planted code~ flame"},
		[]fieldValues{{"text": "a PLANTED truck, Code~: hot flame"}, {"trailer_logo": []string{"Red", "Planted Code~ Flame"}}}, []fieldValues{{"text": "flame code~ planted"}}},
	{"any", fieldValues{"match": "any", "license_plate": "AN#", "usdot_number": "910~", "location_state": "GA"},
		[]fieldValues{{"license_plate": "AN#", "state": "GA"}, {"usdot": "910~", "state": "Georgia"}}, []fieldValues{{"license_plate": "AN#", "state": "TX"}, {"state": "GA"}}},
	{"all", fieldValues{"license_plate": "AL#", "usdot_number": "920~"},
		[]fieldValues{{"license_plate": "AL#", "usdot": "920~"}}, []fieldValues{{"license_plate": "AL#"}, {"usdot": "920~"}}},
	{"dates", fieldValues{"cab_number": "DA#", "start_date": "2024-05-21", "end_date": "2024-05-22"},
		[]fieldValues{{"cab_number": "DA#", "time": "2024-05-21T00:00:00Z"}, {"cab_number": "DA#", "time": "2024-05-22T23:59:59Z"}}, []fieldValues{{"cab_number": "DA#", "time": "2024-05-23T00:00:00Z"}}},
}

// of is the values for one serial, 0 to 9,999.
func (v fieldValues) of(serial int) fieldValues {
	digits := fmt.Sprintf("%04d", serial)
	each := func(times int) string {
		var b strings.Builder
		for _, d := range digits {
			b.WriteString(strings.Repeat(string(d), times))
		}
		return b.String()
	}
	fill := strings.NewReplacer("#", each(5), "@", each(3), "~", digits)
	made := fieldValues{}
	for name, value := range v {
		switch value := value.(type) {
		case string:
			made[name] = fill.Replace(value)
		case []string:
			list := make([]string, len(value))
			for i := range value {
				list[i] = fill.Replace(value[i])
			}
			made[name] = list
		default:
			made[name] = value
		}
	}
	return made
}

// over is the truck's document with values over its own, and its result_url.
func (v fieldValues) over(d *matching.Detection, resultURL string) []byte {
	merged := fieldValues{}
	if err := json.Unmarshal(d.AppendJSON(nil), &merged); err != nil {
		panic(err)
	}
	maps.Copy(merged, v)
	merged["result_url"] = resultURL
	doc, err := json.Marshal(merged)
	if err != nil {
		panic(err)
	}
	return doc
}
