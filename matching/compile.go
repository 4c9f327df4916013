package matching

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

const (
	// MaxDifferences is the most that an alert may allow.
	MaxDifferences = 2
	// minLiterals are the letters and digits that a pattern needs, and
	// literalsEach those it needs more for each difference. With fewer it would
	// match a good part of all trucks.
	minLiterals  = 2
	literalsEach = 2

	maxWords  = 16
	maxSearch = 512
)

// compiler collects the criteria of an alert; its first error is kept.
type compiler struct {
	alert    *Alert
	criteria []criterion
	scratch  []byte
	// lenient: what could never match is kept, and never does.
	lenient bool
	err     error
}

// never is no value's normal form: no detection has it.
const never = "\xff"

// compile makes an alert ready for matching. It refuses criteria that cannot be
// read, that could never match, and those that would match a good part of all
// detections, with a *FieldError.
func compile(a *Alert) (compiled, error) { return (&compiler{alert: a}).compile() }

// compileSaved is compile for an alert that was saved, perhaps when less was
// refused: a carrier's number or a state that is none never matches, and the
// rest of the alert goes on.
func compileSaved(a *Alert) (compiled, error) { return (&compiler{alert: a, lenient: true}).compile() }

func (b *compiler) compile() (compiled, error) {
	var room [fields]criterion
	a := b.alert
	b.criteria = room[:0]
	b.state("location_state", state, a.LocationState)
	b.text("location_city", city, a.LocationCity, appendText)
	places := len(b.criteria)
	b.identifying()
	c := compiled{alert: a, places: uint8(places), any: a.Match == MatchAny, searches: a.DeepSearch != ""}
	if b.err == nil {
		c.from, c.until, b.err = period(a)
	}
	if b.err == nil && len(b.criteria) == 0 {
		b.fail("license_plate", "", "no criterion is set; give at least one, such as license_plate, vin, usdot_number or location_state (dates alone would match everything)")
	}
	c.criteria = slices.Clone(b.criteria)
	return c, b.err
}

func (b *compiler) identifying() {
	a := b.alert
	b.number("license_plate", plate, a.LicensePlate, true)
	joined := len(b.criteria)
	b.state("license_plate_state", plateState, a.LicensePlateState)
	if a.LicensePlate != "" && joined < len(b.criteria) {
		b.criteria[joined].joined = true
	}
	b.vin(a.VIN)
	b.usdot(a.USDOTNumber)
	b.mc(a.MCNumber)
	b.number("trailer_number", trailer, a.TrailerNumber, a.ExactMatchTrailerNumber)
	b.number("cab_number", cab, a.CabNumber, true)
	b.text("trailer_logo", logo, a.TrailerLogo, appendText)
	b.number("chassis_number", chassis, a.ChassisNumber, a.ExactMatchChassisNumber)
	b.number("container_number", container, a.ContainerNumber, a.ExactMatchContainerNumber)
	b.text("equipment_type", equipment, a.EquipmentType, appendText)
	b.words(a.DeepSearch)
}

func (b *compiler) fail(name, value, message string, args ...any) {
	if b.err == nil {
		b.err = wrong(name, value, fmt.Sprintf(message, args...))
	}
}

// given tells whether a criterion is set; one that is too long is refused.
func (b *compiler) given(name, value string, limit int) bool {
	if len(value) > limit {
		b.fail(name, value, "%d bytes long; at most %d", len(value), limit)
		return false
	}
	return value != ""
}

// add adds a criterion whose normal form is value, and shares raw where that is
// the same.
func (b *compiler) add(c criterion, raw string, value []byte) {
	if c.value = raw; string(value) != raw {
		c.value = string(value)
	}
	b.criteria = append(b.criteria, c)
}

func (b *compiler) text(name string, f field, raw string, normal func([]byte, string) []byte) {
	if !b.given(name, raw, maxName) {
		return
	}
	b.scratch = normal(b.scratch[:0], raw)
	if len(b.scratch) == 0 {
		b.fail(name, raw, "is blank; give a text, or leave it out")
		return
	}
	b.add(criterion{field: f}, raw, b.scratch)
}

func (b *compiler) number(name string, f field, raw string, whole bool) {
	if !b.given(name, raw, maxNumber) {
		return
	}
	c := criterion{field: f, lookalikes: b.alert.Lookalikes}
	if k := b.alert.MaxDifferences; k > 0 && k <= MaxDifferences {
		c.differences = uint8(k)
	}
	value := appendPattern(b.scratch[:0], raw)
	c.wild = !whole || bytes.ContainsAny(value, "?*")
	if !b.rareEnough(name, raw, string(value), c, whole) {
		return
	}
	if !whole {
		value = slices.Concat([]byte("*"), value, []byte("*"))
	}
	for i := bytes.Index(value, []byte("**")); i >= 0; i = bytes.Index(value, []byte("**")) {
		value = slices.Delete(value, i, i+1)
	}
	if c.lookalikes {
		value = appendLookalike(value[:0], value)
	}
	b.scratch = value
	b.add(c, raw, value)
}

// rareEnough is the budget of a pattern.
func (b *compiler) rareEnough(name, raw, value string, c criterion, whole bool) bool {
	have, need := literals(value), 1
	if c.wild || c.differences > 0 {
		need = minLiterals + literalsEach*int(c.differences)
	}
	if have >= need {
		return true
	}
	var reasons []string
	if strings.ContainsAny(value, "?*") {
		reasons = append(reasons, "has wildcards")
	}
	if !whole {
		reasons = append(reasons, "is searched within numbers (exact_match is false)")
	}
	if c.differences > 0 {
		reasons = append(reasons, fmt.Sprintf("allows %d differences", c.differences))
	}
	if len(reasons) == 0 {
		b.fail(name, raw, "has no letter or digit; give the number")
		return false
	}
	b.fail(name, raw, "%s, and would match far too many trucks with %d letters or digits; give at least %d",
		strings.Join(reasons, " and "), have, need)
	return false
}

func (b *compiler) vin(raw string) {
	bare := bareVIN(strings.TrimSpace(raw))
	if !b.register("vin", bare) {
		return
	}
	value := appendVIN(b.scratch[:0], bare)
	switch n := len(value); {
	case n == tailLength:
		b.add(criterion{field: vinTail}, raw, value)
	case n >= minVIN:
		b.add(criterion{field: vin}, raw, value)
	default:
		b.fail("vin", raw, "has %d letters and digits; give all %d, the last %d, or the %d to %d of a vehicle from before 1981",
			len(appendNumber(nil, bare)), vinLength, tailLength, minVIN, vinLength-1)
	}
}

func (b *compiler) usdot(raw string) {
	b.carrier("usdot_number", usdot, raw, appendUSDOT, "is no USDOT number; give its digits, %d at most")
}

func (b *compiler) mc(raw string) {
	b.carrier("mc_number", mc, raw, appendDocket,
		"is no MC, FF or MX number; give its digits, %d at most, with FF or MX before them if it is of that register")
}

func (b *compiler) carrier(name string, f field, raw string, normal func([]byte, string) []byte, fault string) {
	if !b.register(name, raw) {
		return
	}
	value := normal(b.scratch[:0], raw)
	switch {
	case len(value) > 0:
		b.add(criterion{field: f}, raw, value)
	case b.lenient:
		b.add(criterion{field: f}, "", []byte(never))
	default:
		b.fail(name, raw, fault, maxCarrier)
	}
}

// state is a state or province; one that is none could never match.
func (b *compiler) state(name string, f field, raw string) {
	if !b.given(name, raw, maxName) {
		return
	}
	value := appendState(b.scratch[:0], raw)
	if _, known := places[string(value)]; known {
		b.add(criterion{field: f}, raw, value)
		return
	}
	if b.lenient {
		b.add(criterion{field: f}, "", []byte(never))
		return
	}
	b.fail(name, raw, "is no state or province of the United States, Canada or Mexico; give its code or its name, such as TX, Texas or us-tx")
}

// register tells whether a number that names one vehicle or carrier is given;
// wildcards are not for these.
func (b *compiler) register(name, raw string) bool {
	if !b.given(name, raw, maxNumber) {
		return false
	}
	if strings.ContainsAny(raw, "?*") {
		b.fail(name, raw, "has a wildcard; ? and * are for plates, trailer, cab, chassis and container numbers")
		return false
	}
	return true
}

func (b *compiler) words(raw string) {
	if !b.given("deep_search", raw, maxSearch) {
		return
	}
	value, count, longest := b.scratch[:0], 0, 0
	for end := 0; end < len(raw); {
		from, start := len(value), 0
		if value, start, end = appendWord(value, raw, end); from < len(value) {
			count, longest = count+1, max(longest, end-start)
			value = slices.Insert(value, from, ' ')
		}
	}
	value = bytes.TrimPrefix(value, []byte(" "))
	if longest < 2 || count > maxWords {
		b.fail("deep_search", raw, "has %d words; give 1 to %d, one of them of two letters or more", count, maxWords)
		return
	}
	b.add(criterion{field: deep}, raw, value)
}
