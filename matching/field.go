package matching

import "hash/maphash"

// field is a part of a detection that a criterion looks at.
type field uint8

// The numbers come first: those which wildcards, look-alikes and differences
// are for.
const (
	plate field = iota
	trailer
	cab
	chassis
	container
	vin
	vinTail // the last six characters
	usdot
	mc
	plateState
	equipment
	logo
	state
	city
	deep // any text

	fields     = int(deep) + 1
	numbers    = int(container) + 1
	tailLength = 6
)

// lane is one of the ways from a detection to the alerts of an index: a field
// and how it is compared. Each lane has its own keys.
type lane uint8

// maxGram is the longest gram, in characters, that lanes exist for.
const maxGram = 4

const (
	firstDeletion = lane(2 * fields)
	firstGram     = firstDeletion + lane(2*numbers*MaxDifferences)
	lanes         = int(firstGram) + 2*numbers*maxGram
	// deepLane has words as keys.
	deepLane = lane(2 * deep)
)

// exactLane has the whole value as key.
func exactLane(f field, lookalikes bool) lane { return lane(f)*2 + bit(lookalikes) }

// deletionLane has as keys what is left of a number when up to k characters
// are deleted.
func deletionLane(f field, lookalikes bool, k int) lane {
	return firstDeletion + (lane(f)*2+bit(lookalikes))*MaxDifferences + lane(k-1)
}

// gramLane has as keys parts of a number that are size characters long.
func gramLane(f field, lookalikes bool, size int) lane {
	return firstGram + (lane(f)*2+bit(lookalikes))*maxGram + lane(size-1)
}

func bit(b bool) lane {
	if b {
		return 1
	}
	return 0
}

// seed makes keys of values. It is the process's own, so that nobody can choose
// alerts or detections whose keys collide.
var seed = maphash.MakeSeed()
