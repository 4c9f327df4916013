package matching

import (
	"bytes"
	"strings"
)

// States, provinces and territories whose plates are seen on North American
// roads, by their postal or ISO 3166-2 codes: the United States (USPS Publication
// 28, Appendix B), Canada (Canada Post's symbols) and Mexico (ISO 3166-2:MX).
// Names are in appendText's form without dots; several of one place are
// separated by a stroke. Codes that were in use once are names as well.
const (
	unitedStates = `AL ALABAMA,AK ALASKA,AZ ARIZONA,AR ARKANSAS,CA CALIFORNIA,CO COLORADO,CT CONNECTICUT,DE DELAWARE,
DC DISTRICT OF COLUMBIA|WASHINGTON DC,FL FLORIDA,GA GEORGIA,HI HAWAII,ID IDAHO,IL ILLINOIS,IN INDIANA,IA IOWA,
KS KANSAS,KY KENTUCKY,LA LOUISIANA,ME MAINE,MD MARYLAND,MA MASSACHUSETTS,MI MICHIGAN,MN MINNESOTA,MS MISSISSIPPI,
MO MISSOURI,MT MONTANA,NE NEBRASKA,NV NEVADA,NH NEW HAMPSHIRE,NJ NEW JERSEY,NM NEW MEXICO,NY NEW YORK|NEW YORK STATE,
NC NORTH CAROLINA,ND NORTH DAKOTA,OH OHIO,OK OKLAHOMA,OR OREGON,PA PENNSYLVANIA,RI RHODE ISLAND,SC SOUTH CAROLINA,
SD SOUTH DAKOTA,TN TENNESSEE,TX TEXAS,UT UTAH,VT VERMONT,VA VIRGINIA,WA WASHINGTON|WASHINGTON STATE,WV WEST VIRGINIA,
WI WISCONSIN,WY WYOMING,AS AMERICAN SAMOA,GU GUAM,MP NORTHERN MARIANA ISLANDS,PR PUERTO RICO,
VI VIRGIN ISLANDS|US VIRGIN ISLANDS,FM FEDERATED STATES OF MICRONESIA|MICRONESIA,MH MARSHALL ISLANDS,PW PALAU`

	canada = `AB ALBERTA,BC BRITISH COLUMBIA,MB MANITOBA,NB NEW BRUNSWICK,
NL NEWFOUNDLAND AND LABRADOR|NEWFOUNDLAND|LABRADOR|NF,NT NORTHWEST TERRITORIES|NWT,NS NOVA SCOTIA,NU NUNAVUT,
ON ONTARIO,PE PRINCE EDWARD ISLAND|PEI,QC QUEBEC|QUÉBEC|PQ,SK SASKATCHEWAN,YT YUKON|YUKON TERRITORY|YK`

	mexico = `AGU AGUASCALIENTES,BCN BAJA CALIFORNIA,BCS BAJA CALIFORNIA SUR,CAM CAMPECHE,CHP CHIAPAS,CHH CHIHUAHUA,
CMX CIUDAD DE MEXICO|CIUDAD DE MÉXICO|MEXICO CITY|CDMX|DISTRITO FEDERAL,COA COAHUILA|COAHUILA DE ZARAGOZA,COL COLIMA,
DUR DURANGO,GUA GUANAJUATO,GRO GUERRERO,HID HIDALGO,JAL JALISCO,MEX MEXICO|MÉXICO|ESTADO DE MEXICO|ESTADO DE MÉXICO,
MIC MICHOACAN|MICHOACÁN|MICHOACAN DE OCAMPO|MICHOACÁN DE OCAMPO,MOR MORELOS,NAY NAYARIT,NLE NUEVO LEON|NUEVO LEÓN,
OAX OAXACA,PUE PUEBLA,QUE QUERETARO|QUERÉTARO,ROO QUINTANA ROO,SLP SAN LUIS POTOSI|SAN LUIS POTOSÍ,SIN SINALOA,SON SONORA,
TAB TABASCO,TAM TAMAULIPAS,TLA TLAXCALA,VER VERACRUZ|VERACRUZ DE IGNACIO DE LA LLAVE,YUC YUCATAN|YUCATÁN,ZAC ZACATECAS`
)

// places has the code of each state by its code, its names, and these with its
// country before or behind them.
var places = func() map[string]string {
	all := map[string]string{}
	for _, country := range [...]struct{ codes, states string }{{"US USA", unitedStates}, {"CA CAN CANADA", canada}, {"MX MEX", mexico}} {
		for entry := range strings.SplitSeq(country.states, ",") {
			code, names, _ := strings.Cut(strings.TrimSpace(entry), " ")
			for name := range strings.SplitSeq(code+"|"+names, "|") {
				all[name] = code
				for prefix := range strings.SplitSeq(country.codes, " ") {
					all[prefix+" "+name], all[name+" "+prefix] = code, code
				}
			}
		}
	}
	return all
}()

// appendState is the code of a state or province, however it is written: by
// code, name, or both behind a country's code (us-tx), with or without dots. What
// is none is in appendText's form, and is no state's.
func appendState(dst []byte, s string) []byte {
	start := len(dst)
	if isASCII(s) {
		dst = appendText(dst, s)
		if text := dst[start:]; bytes.ContainsAny(text, ".,-_/&") {
			dst = append(dst[:start], spacedOut(text)...)
		}
	} else {
		dst = settled(dst, s, func(dst, s []byte) []byte { return append(dst, spacedOut(foldText(nil, s))...) })
	}
	if code, known := stateOf(dst[start:]); known {
		dst = append(dst[:start], code...)
	}
	return dst
}

func stateOf(text []byte) (code string, known bool) {
	if code, known = places[string(text)]; !known && len(text) == 3 && text[1] == ' ' {
		code, known = places[string([]byte{text[0], text[2]})] // N. Y.
	}
	return code, known
}

// spacedOut leaves out dots and makes blanks of what else separates.
func spacedOut(text []byte) []byte {
	var out []byte
	for _, word := range bytes.FieldsFunc(bytes.ReplaceAll(text, []byte("."), nil), func(r rune) bool {
		return strings.ContainsRune(" ,-_/", r)
	}) {
		if string(word) == "&" {
			word = []byte("AND")
		}
		out = append(append(out, ' '), word...)
	}
	return bytes.TrimPrefix(out, []byte(" "))
}
