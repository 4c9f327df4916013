package matching

// criterion is one compiled demand on one field.
type criterion struct {
	field field
	// lookalikes: value, and what it is compared with, has one character for
	// all that look alike.
	lookalikes bool
	// wild: value has wildcards; "contains" is one at each end.
	wild        bool
	differences uint8
	// joined: in MatchAny it belongs to the criterion before it.
	joined bool
	// value is the normal form; of deep, the words with one blank between.
	value string
}

// compiled is an alert made ready for matching.
type compiled struct {
	alert *Alert
	// criteria has the places first, then what identifies a truck.
	criteria []criterion
	places   uint8
	any      bool
	// searches: one of the criteria is a deep search.
	searches bool
	// first is the alert's first node in the postings.
	first uint32
	// from and until bound the detection's time: microseconds since 1970, until
	// is not included.
	from, until int64
}

// holds is the exact check: whether the alert matches the detection in p.
func (c *compiled) holds(p *Probe) bool {
	if p.at < c.from || p.at >= c.until {
		return false
	}
	for i := range c.criteria[:c.places] {
		if !c.criteria[i].holds(p) {
			return false
		}
	}
	rest := c.criteria[c.places:]
	if c.any && len(rest) > 0 {
		return anyHolds(rest, p)
	}
	for i := range rest {
		if !rest[i].holds(p) {
			return false
		}
	}
	return true
}

// anyHolds tells whether all of one group holds: a criterion and those joined to it.
func anyHolds(criteria []criterion, p *Probe) bool {
	for i := 0; i < len(criteria); {
		all := criteria[i].holds(p)
		for i++; i < len(criteria) && criteria[i].joined; i++ {
			all = all && criteria[i].holds(p)
		}
		if all {
			return true
		}
	}
	return false
}

func (c *criterion) holds(p *Probe) bool {
	switch {
	case c.field == deep:
		_, found := p.find(c.value)
		return found
	case c.field == logo:
		return p.hasLogo(c.value)
	}
	value := p.value(c.field, c.lookalikes)
	switch {
	case len(value) == 0:
		return false
	case c.differences > 0:
		return within(c.value, value, int(c.differences))
	case c.wild:
		return glob(c.value, value)
	}
	return string(value) == c.value
}

// bits says how rare a match is: about the binary logarithm of how many
// detections there are for one that the criterion holds for.
func (c *criterion) bits() int {
	switch c.field {
	case vin:
		return 60
	case vinTail, usdot:
		return 20
	case mc:
		return 18
	case deep:
		return 12
	case logo:
		return 8
	case city:
		return 7
	case state, plateState:
		return 4
	case equipment:
		return 3
	}
	return 5*literals(c.value) - 9*int(c.differences) - 6*int(bit(c.wild))
}

// indexed are the criteria that the alert is found by: in MatchAll the rarest
// one, in MatchAny the rarest of each group. All others are left to the check.
func (c *compiled) indexed(dst []*criterion) []*criterion {
	if !c.any || int(c.places) == len(c.criteria) {
		return append(dst, rarest(c.criteria))
	}
	rest := c.criteria[c.places:]
	for start := 0; start < len(rest); {
		end := start + 1
		for end < len(rest) && rest[end].joined {
			end++
		}
		dst = append(dst, rarest(rest[start:end]))
		start = end
	}
	return dst
}

func rarest(criteria []criterion) *criterion {
	best := &criteria[0]
	for i := range criteria {
		if criteria[i].bits() > best.bits() {
			best = &criteria[i]
		}
	}
	return best
}
