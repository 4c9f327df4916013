package matching

import (
	"hash/maphash"
	"math"
)

// Probe is a detection made ready for matching: its parts in normal form, and
// their keys, made once for all alerts. Its buffers are kept from one detection
// to the next, so it belongs to one goroutine at a time; the zero Probe is ready
// for Load.
type Probe struct {
	d  *Detection
	at int64 // microseconds since 1970
	// values are parts of buf; those of logo and deep are not used.
	values [fields][]byte
	folded [numbers][]byte
	logos  [][]byte
	buf    []byte
	keys   []laneKey

	spellings [2 * numbers]spelling
	deletions []deletion
	// words, and wordBits with their keys, are read when first asked for.
	words     []word
	wordBits  bitset
	wordsRead bool
	// tried remembers alerts that were checked in this round, one lookup in one
	// index: a hint that may forget, each with the number of its round.
	tried [256]uint64
	round uint64
}

// laneKey is a key that the detection is looked up by.
type laneKey struct {
	lane lane
	key  uint64
}

// Load takes in a detection. d must not change as long as the probe is used for it.
func (p *Probe) Load(d *Detection) {
	p.d, p.at = d, min(d.Time.UnixMicro(), math.MaxInt64-1)
	p.buf, p.keys, p.logos = p.buf[:0], p.keys[:0], p.logos[:0]
	p.words, p.wordBits, p.wordsRead = p.words[:0], bitset{}, false
	for i := range p.spellings {
		p.spellings[i].ready = false
	}
	p.number(plate, d.LicensePlate)
	p.number(trailer, d.TrailerNumber)
	p.number(cab, d.CabNumber)
	p.number(chassis, d.ChassisNumber)
	p.number(container, d.ContainerNumber)
	p.part(vin, d.VIN, appendVIN)
	p.tail()
	p.part(usdot, d.USDOT, appendUSDOT)
	p.part(mc, d.MC, appendDocket)
	p.part(plateState, d.LicensePlateState, appendState)
	p.part(equipment, d.EquipmentType, appendText)
	p.part(state, d.State, appendState)
	p.part(city, d.City, appendText)
	for _, text := range d.TrailerLogo {
		if value := p.normal(text, appendText); len(value) > 0 {
			p.logos = append(p.logos, value)
			p.key(exactLane(logo, false), value)
		}
	}
}

// normal gives a normal form, kept in buf.
func (p *Probe) normal(text string, normal func([]byte, string) []byte) []byte {
	start := len(p.buf)
	p.buf = normal(p.buf, text)
	return p.buf[start:len(p.buf):len(p.buf)]
}

func (p *Probe) key(l lane, value []byte) {
	p.keys = append(p.keys, laneKey{l, maphash.Bytes(seed, value)})
}

func (p *Probe) part(f field, text string, normal func([]byte, string) []byte) {
	p.values[f] = nil
	if text == "" {
		return
	}
	if value := p.normal(text, normal); len(value) > 0 {
		p.values[f] = value
		p.key(exactLane(f, false), value)
	}
}

func (p *Probe) number(f field, text string) {
	p.part(f, text, appendNumber)
	p.folded[f] = nil
	if value := p.values[f]; value != nil {
		start := len(p.buf)
		p.buf = appendLookalike(p.buf, value)
		p.folded[f] = p.buf[start:len(p.buf):len(p.buf)]
		p.key(exactLane(f, true), p.folded[f])
	}
}

func (p *Probe) tail() {
	p.values[vinTail] = nil
	if value := p.values[vin]; len(value) == vinLength || len(value) == tailLength {
		p.values[vinTail] = value[len(value)-tailLength:]
		p.key(exactLane(vinTail, false), p.values[vinTail])
	}
}

// value is the normal form of a part, empty where it was not read.
func (p *Probe) value(f field, lookalikes bool) []byte {
	if lookalikes && int(f) < numbers {
		return p.folded[f]
	}
	return p.values[f]
}

func (p *Probe) hasLogo(folded string) bool {
	for _, value := range p.logos {
		if string(value) == folded {
			return true
		}
	}
	return false
}

// fresh tells whether an alert was not yet tried in this round, as far as it is
// remembered.
func (p *Probe) fresh(slot uint32) bool {
	mark := p.round<<32 | uint64(slot)
	place := &p.tried[slot%uint32(len(p.tried))]
	if *place == mark {
		return false
	}
	*place = mark
	return true
}

// spelled is the spelling of a number that was read.
func (p *Probe) spelled(f field, lookalikes bool) *spelling {
	s := &p.spellings[int(f)*2+int(bit(lookalikes))]
	if !s.ready {
		s.read(p.value(f, lookalikes))
	}
	return s
}
