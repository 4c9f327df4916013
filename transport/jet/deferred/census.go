package deferred

import (
	"context"
	"fmt"
	"slices"

	"github.com/postrider/postrider/transport/jet"
)

// parkFilter is what waits of one endpoint, or ("") of all.
func (s *Store) parkFilter(endpoint string) string {
	if endpoint == "" {
		return fmt.Sprintf("park.%d.*.>", s.shard) // not the owner's record
	}
	return fmt.Sprintf("park.%d.%s.>", s.shard, jet.SubjectWord(endpoint))
}

// listParked gives the lowest segments of an endpoint that wait and are wanted,
// at most so many, in the order they go in, and how many there are in all.
func (s *Store) listParked(ctx context.Context, endpoint string, most int, wanted func(*parked) bool) (list []parked, total int, err error) {
	err = s.conn.SubjectsOf(ctx, s.shard.Deferred(), s.parkFilter(endpoint), func(subject string, _ uint64) {
		p, ok := readParked(subject)
		if !ok || !wanted(&p) {
			return
		}
		p.Endpoint = endpoint
		total++
		if list = append(list, p); len(list) == 4*most {
			slices.SortFunc(list, compareParked)
			list = list[:most]
		}
	})
	slices.SortFunc(list, compareParked)
	return list[:min(len(list), most)], total, err
}
