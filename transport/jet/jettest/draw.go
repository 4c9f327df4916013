package jettest

import (
	"time"

	"pgregory.net/rapid"
)

// DrawTime draws a time, or none.
func DrawTime(t *rapid.T, label string) time.Time {
	if rapid.Bool().Draw(t, label+" zero") {
		return time.Time{}
	}
	return time.Unix(rapid.Int64Range(-62135596799, 253402300799).Draw(t, label), rapid.Int64Range(0, 999999999).Draw(t, label+" ns")).UTC()
}

// DrawEndpoint draws an endpoint's id, well formed or not.
func DrawEndpoint(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`),
		rapid.StringMatching(`[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}`),
		rapid.StringN(0, 40, 100)).Draw(t, label)
}

// DrawDuration draws how long something took.
func DrawDuration(t *rapid.T, label string) time.Duration {
	return time.Duration(rapid.Int64Range(0, 1<<62).Draw(t, label))
}
