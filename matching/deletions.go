package matching

// A number with differences is found by deletions: where two numbers are within
// k differences, deleting what was changed or inserted on either side, k
// characters at most, leaves the same of both, and a changed character leaves
// its gap at the same place.
//
// Many numbers leave the same by two deletions, most of them with other gaps. So
// that is kept under a key that has the gaps, and a number that was read is
// looked up with the gaps that it would have to have: its own, and where it
// deletes fewer, all that could be added to them. What is left by fewer
// deletions is kept by itself. Either way a node leads to a number that is
// within k, but for a collision of hashes.

// keyedGaps is how many deletions leave what is kept with its gaps.
const keyedGaps = 2

// deletionKeys are the keys of an alert's number.
func deletionKeys(value string, k int) []deletion {
	var s spelling
	s.read([]byte(value))
	keys := s.appendDeletions(nil, k)
	keys[0].length = uint8(s.length())
	for i := range keys {
		if keys[i].gaps.count() == keyedGaps {
			keys[i].key = keys[i].keyed()
		}
	}
	return keys
}

// byDeletions looks a number up among those that allow k differences.
func (s *search) byDeletions(spelling *spelling, l lane, k int) {
	length := spelling.length()
	if length > maxDeletion+k+2 {
		return // too long to be within k of any that is found so
	}
	lengths := &s.postings.lengths[l-firstDeletion]
	s.deletions = spelling.appendDeletions(s.deletions[:0], k)
	for _, d := range s.deletions {
		n := d.gaps.count()
		for of := 0; of <= min(k, keyedGaps-1); of++ { // deletions of the alert's number
			if has(lengths, length-n+of) {
				s.followNear(l, d, k)
				break
			}
		}
		if k == keyedGaps && has(lengths, length-n+k) {
			s.byGaps(l, d, uint8(length-n))
		}
	}
}

// byGaps looks up what two deletions left, at the gaps of d and all that could be
// added to them; left is how many characters there are.
func (s *search) byGaps(l lane, d deletion, left uint8) {
	if d.gaps.count() == keyedGaps {
		s.follow(l, d.keyed())
		return
	}
	for first := uint8(1); first < left; first++ {
		more := deletion{key: d.key, gaps: d.gaps.and(first)}
		if more.gaps.count() == keyedGaps {
			s.follow(l, more.keyed())
			continue
		}
		for second := first; second < left; second++ {
			s.follow(l, deletion{key: d.key, gaps: more.gaps.and(second)}.keyed())
		}
	}
}

// followNear tries the alerts of a key whose deletions are within k of d's.
func (s *search) followNear(l lane, d deletion, k int) {
	for i := s.postings.chains[l][d.key].first; i != 0; {
		n := s.postings.nodes.at(i)
		if differences(n.gaps, d.gaps) <= k && s.fresh(n.slot) {
			s.try(n.slot)
		}
		i = n.next
	}
}

// numberLengths counts the numbers of a lane by their length, beginning and end
// included.
type numberLengths [maxDeletion + 3]uint32

func has(lengths *numberLengths, length int) bool {
	return length < len(lengths) && lengths[length] > 0
}
