package transport

// MaxFeedRows is the most deliveries that a DeliveryFeed holds for its reader.
const MaxFeedRows = 50

// DeliveryFeed is what changes in the delivery log, for one who watches. It is
// safe for concurrent use by its reader and the log.
type DeliveryFeed interface {
	// Ready has a value when there is something to take.
	Ready() <-chan struct{}
	// Take gives the deliveries that came or changed since the last call, each
	// once and as it is now, at most MaxFeedRows of them, and how many more
	// changes there were: a reader that is slow loses them, and nothing waits
	// for it.
	Take() (rows []LoggedDelivery, more uint64)
	// Close ends it. Calling it again is fine.
	Close()
}
