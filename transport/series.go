package transport

import "time"

// What a series is told apart by; none: it is one.
const (
	ByEndpoint = "endpoint"
	ByStatus   = "status"
	ByType     = "type"
)

const (
	// MaxSeries is the most series of one answer.
	MaxSeries = 100
	// MaxSeriesSteps is the most steps of one series.
	MaxSeriesSteps = 500
	// MaxSeriesCells is the most steps of all series of an answer together.
	MaxSeriesCells = 10_000
)

// SeriesFilter asks for deliveries counted over time.
type SeriesFilter struct {
	// DeliveryFilter chooses; From and To are required, its Cursor and Limit do
	// not count.
	DeliveryFilter
	// Endpoints are those looked at; none: all that the filter chooses.
	Endpoints []string
	// Step is the length of one bucket of time.
	Step time.Duration
	// By is what there is a series for each of; "": all in one.
	By string
}

// Steps is how many buckets the filter's time has.
func (f *SeriesFilter) Steps() int {
	return int((f.To.Sub(f.From) + f.Step - 1) / f.Step)
}

// DeliverySeries are deliveries counted by when they became owed.
type DeliverySeries struct {
	Series []Series
	// Others is how many series there were beyond MaxSeries; the largest are given.
	Others int
	// CompleteFrom is as in DeliveryPage.
	CompleteFrom time.Time
}

// Series is a count for each step. Of deliveries that became owed in a step it
// tells how far they have come by now, and how long those took that were
// delivered, from being owed to the end of the attempt that did it: half of
// them at most P50, 99 of 100 at most P99, to within an eighth.
type Series struct {
	// Key is the endpoint's id, the status or the type; "" where it is one.
	Key                                                 string
	Waiting, Retrying, Delivered, DeadLettered, Skipped []uint32
	P50, P99                                            []time.Duration
}

// Total counts the deliveries of the series.
func (s *Series) Total() (n uint64) {
	for _, counts := range [][]uint32{s.Waiting, s.Retrying, s.Delivered, s.DeadLettered, s.Skipped} {
		for _, c := range counts {
			n += uint64(c)
		}
	}
	return n
}
