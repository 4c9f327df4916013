package matching

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Generator makes alerts and detections as they might be, for benches and
// demos; the same seed gives the same. Not for use by several goroutines.
type Generator struct {
	rng *rand.Rand
	now time.Time
	// watched are alerts made here; now and then a detection is of one of them.
	watched []*Alert
}

// Kind is how the alerts of a Generator look for their truck.
type Kind int

// The kinds of generated alerts.
const (
	Exact Kind = iota
	Lookalike
	Wildcard
	OneDifference
	TwoDifferences
	DeepSearch
)

const (
	maxWatched = 4096
	// sightings: one in so many detections is of a watched truck, and of those
	// one in misreads has its number misread.
	sightings = 100
	misreads  = 7
)

// NewGenerator makes a generator whose first detection is of 2024-05-21 12:00 UTC.
func NewGenerator(seed uint64) *Generator {
	return &Generator{rng: rand.New(rand.NewPCG(seed, seed)), now: time.Date(2024, 5, 21, 12, 0, 0, 0, time.UTC)}
}

// plateForms are forms of US plates; A is a letter, 9 a digit.
var plateForms = []string{"AAA9999", "AAA9999", "9AAA999", "AAA999", "999AAA", "A99AAA", "A999999", "AA99999", "99999AA", "9999999", "AAA99A"}

// Plate makes a plate of a US form.
func (g *Generator) Plate() string { return g.form(g.pick(plateForms)) }

func (g *Generator) form(form string) string {
	out := []byte(form)
	for i, b := range out {
		switch b {
		case 'A':
			out[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[g.rng.IntN(26)]
		case '9':
			out[i] = byte('0' + g.rng.IntN(10))
		}
	}
	return string(out)
}

func (g *Generator) pick(list []string) string { return list[g.rng.IntN(len(list))] }

// Misread makes of a plate what a reader may take it for; never the plate
// itself. Of 105 misreads 57 have another length, 26 differ by look-alikes
// alone, and 22 have other characters changed: the shares found with real
// readers. Within these groups the model is ours: length changes by one
// character in four of five cases, else by two; twice as many are left out as
// are put in; half of these at an end.
func (g *Generator) Misread(plate string) string {
	if len(plate) < 3 {
		return plate + g.form("9")
	}
	for {
		var read string
		switch n := g.rng.IntN(105); {
		case n < 57:
			read = g.resized(plate)
		case n < 57+26:
			read = g.twin(plate)
		default:
			read = g.changed(plate)
		}
		if read != plate {
			return read
		}
	}
}

// resized leaves out or puts in one character, one time in five two.
func (g *Generator) resized(plate string) string {
	longer := g.rng.IntN(3) == 0
	for range 1 + g.rng.IntN(5)/4 {
		at := g.rng.IntN(len(plate))
		if g.rng.IntN(2) == 0 {
			at = (len(plate) - 1) * g.rng.IntN(2)
		}
		if longer {
			plate = plate[:at] + g.form("9") + plate[at:]
		} else {
			plate = plate[:at] + plate[at+1:]
		}
	}
	return plate
}

// twins are the look-alikes of each character.
var twins = map[byte]string{
	'0': "ODQ", 'O': "0DQ", 'D': "0OQ", 'Q': "0OD", '1': "I", 'I': "1", '2': "Z", 'Z': "2", '5': "S", 'S': "5", '8': "B", 'B': "8",
}

// twin changes one character to one that looks alike.
func (g *Generator) twin(plate string) string {
	out := []byte(plate)
	start := g.rng.IntN(len(out))
	for i := range out {
		at := (start + i) % len(out)
		if like := twins[out[at]]; like != "" {
			out[at] = like[g.rng.IntN(len(like))]
			break
		}
	}
	return string(out)
}

// changed changes one character, one time in four two, to any other.
func (g *Generator) changed(plate string) string {
	out := []byte(plate)
	for range 1 + g.rng.IntN(4)/3 {
		out[g.rng.IntN(len(out))] = g.form(g.pick([]string{"A", "9"}))[0]
	}
	return string(out)
}

func (g *Generator) id() string {
	a, b := g.rng.Uint64(), g.rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

var (
	genStates    = []string{"TX", "CA", "GA", "IL", "OH", "PA", "FL", "TN", "AZ", "MO"}
	genCities    = []string{"Houston", "Dallas", "Atlanta", "Chicago", "Columbus", "Memphis", "Phoenix", "Joliet", "Laredo", "Fresno"}
	genRoads     = []string{"I-45", "I-10", "I-80", "I-75", "I-40", "US-59", "I-35"}
	genLogos     = []string{"Acme Freight", "Blue Flame", "Northern Lines", "Red Arrow", "Some Logo", "Swift River", "Prairie Haul", "Gulf Carriers"}
	genEquipment = []string{"Dry Van", "Reefer", "Flatbed", "Tanker", "Container Chassis"}
	genWords     = []string{"white", "tractor", "sleeper", "chrome", "mirror", "flames", "decal", "keep", "distance", "drive", "safely", "hiring", "drivers", "call", "800", "freight", "logistics", "express", "brothers", "transport"}
)

// Detection makes the next detection: a truck, read in full, and one time in a
// hundred one that an alert of this generator looks for.
func (g *Generator) Detection() Detection {
	g.now = g.now.Add(time.Duration(g.rng.IntN(2000)) * time.Millisecond)
	place := g.rng.IntN(len(genCities))
	d := Detection{
		ID: g.id(), Time: g.now, City: genCities[place], State: genStates[g.rng.IntN(len(genStates))], Road: g.pick(genRoads),
		LatLong:      fmt.Sprintf("%.4f, -%.4f", 25+g.rng.Float64()*20, 75+g.rng.Float64()*40),
		LicensePlate: g.Plate(), LicensePlateState: g.pick(genStates), VIN: g.form("1AAAA99A9AA999999"),
		USDOT: g.form("9999999"), MC: "MC-" + g.form("999999"), CabNumber: g.form("A9999"), TrailerNumber: g.form("T-999999"),
		TrailerLogo: []string{g.pick(genLogos)}, EquipmentType: g.pick(genEquipment), Text: g.text(),
		ResultURL: "https://app.example.com/search/result/" + g.id(),
	}
	if d.EquipmentType == "Container Chassis" {
		d.ChassisNumber, d.ContainerNumber = g.form("AAAZ999999"), g.form("AAAU9999999")
	}
	if len(g.watched) > 0 && g.rng.IntN(sightings) == 0 {
		g.sight(&d, g.watched[g.rng.IntN(len(g.watched))])
	}
	return d
}

// sight lets the camera see the truck that the alert looks for.
func (g *Generator) sight(d *Detection, a *Alert) {
	number := strings.ReplaceAll(a.LicensePlate, "*", "")
	if number != "" && g.rng.IntN(misreads) == 0 {
		number = g.Misread(number)
	}
	for _, f := range []struct{ to, from *string }{
		{&d.LicensePlate, &number}, {&d.VIN, &a.VIN}, {&d.USDOT, &a.USDOTNumber}, {&d.MC, &a.MCNumber},
		{&d.TrailerNumber, &a.TrailerNumber}, {&d.CabNumber, &a.CabNumber}, {&d.Text, &a.DeepSearch},
	} {
		if *f.from != "" {
			*f.to = *f.from
		}
	}
}

func (g *Generator) text() string {
	words := make([]string, 4+g.rng.IntN(8))
	for i := range words {
		words[i] = g.pick(genWords)
	}
	return strings.Join(words, " ")
}

// Alert makes a valid alert of the customer. Those of kind Exact look for a
// plate, a VIN, a trailer, a USDOT, MC or cab number; DeepSearch for three
// words; all others for a plate.
func (g *Generator) Alert(customer string, kind Kind) *Alert {
	a := NewAlert()
	a.ID, a.Customer = g.id(), customer
	a.AlertName, a.Email = "Stolen "+a.ID[:8], "alerts@example.com"
	switch kind {
	case Exact:
		g.exact(&a)
	case DeepSearch:
		a.DeepSearch = strings.ToUpper(g.pick(genWords)) + " " + g.form("AAA999") + " " + g.pick(genWords)
	default:
		a.LicensePlate = g.Plate()
	}
	switch kind {
	case Lookalike:
		a.Lookalikes = true
	case Wildcard:
		a.LicensePlate = a.LicensePlate[:5] + "*"
	case OneDifference, TwoDifferences:
		a.MaxDifferences = int(kind-OneDifference) + 1
	}
	if len(g.watched) < maxWatched {
		g.watched = append(g.watched, &a)
	} else {
		g.watched[g.rng.IntN(maxWatched)] = &a
	}
	return &a
}

func (g *Generator) exact(a *Alert) {
	switch n := g.rng.IntN(100); {
	case n < 40:
		a.LicensePlate = g.Plate()
	case n < 60:
		a.TrailerNumber = g.form("T-999999")
	case n < 75:
		a.VIN = g.form("1AAAA99A9AA999999")
	case n < 85:
		a.USDOTNumber = g.form("9999999")
	case n < 95:
		a.MCNumber = g.form("999999")
	default:
		a.CabNumber, a.LocationState = g.form("A9999"), g.pick(genStates)
	}
}
