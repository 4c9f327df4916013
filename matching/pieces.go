package matching

// A pattern is found by its pieces: parts without wildcards, with the beginning
// and the end of the number where the pattern is held to them. One difference
// breaks at most one of several pieces that do not overlap, so that of k+1 at
// least one stands unbroken in every number that has at most k differences.

// pieces are of one size, in characters, so that a number is looked up by its
// grams of that size alone.
type pieces struct {
	spelling spelling
	size     int
	// starts are where pieces begin. With differences they do not overlap;
	// without, they are all there are, as any one will do.
	starts []int
	need   int
}

// cut cuts the pattern of a criterion into the largest pieces, up to maxGram,
// of which there are enough.
func cut(c *criterion) pieces {
	var runes []rune
	if c.value[0] != '*' {
		runes = append(runes, opening)
	}
	runes = append(runes, []rune(c.value)...)
	if c.value[len(c.value)-1] != '*' {
		runes = append(runes, closing)
	}
	p := pieces{need: int(c.differences) + 1}
	p.spelling.prefix = append(p.spelling.prefix, 0)
	for _, r := range runes {
		p.spelling.add(r)
	}
	for p.size = maxGram; p.size > 0; p.size-- {
		if p.starts = starts(runes, p.size, c.differences > 0); len(p.starts) >= p.need {
			break
		}
	}
	return p
}

// starts are where parts of that size begin; parts that a difference may break
// do not overlap. The beginning or the end alone says nothing, and is no part.
func starts(runes []rune, size int, apart bool) (starts []int) {
	run := 0
	for i, r := range runes {
		run++
		if r == '?' || r == '*' || size == 1 && (r == opening || r == closing) {
			run = 0
		}
		if run < size {
			continue
		}
		starts = append(starts, i-size+1)
		if apart {
			run = 0
		}
	}
	return starts
}

func (p *pieces) hash(start int) uint64 { return p.spelling.part(start, start+p.size) }
