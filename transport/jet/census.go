package jet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// parkFilter is what waits of one endpoint, or ("") of all.
func parkFilter(endpoint string) string {
	if endpoint == "" {
		return fmt.Sprintf("park.%d.>", shard)
	}
	return fmt.Sprintf("park.%d.%s.>", shard, subjectWord(endpoint))
}

// subjectsOf tells each subject of a stream that fits a filter, and how many
// messages it has, one page of the server's after the other. What changes
// meanwhile may be told twice or not at all.
func (s *Store) subjectsOf(ctx context.Context, stream, filter string, each func(subject string, messages uint64)) error {
	for from, total := 0, 1; from < total; {
		ask, err := json.Marshal(map[string]any{"subjects_filter": filter, "offset": from})
		if err != nil {
			return err
		}
		page, err := s.subjectsPage(ctx, stream, ask)
		if err != nil {
			return err
		}
		for subject, n := range page.State.Subjects {
			each(subject, n)
		}
		if len(page.State.Subjects) == 0 {
			return nil
		}
		from, total = from+len(page.State.Subjects), page.Total
	}
	return nil
}

type subjectsPage struct {
	Error *jetstream.APIError `json:"error"`
	Total int                 `json:"total"`
	State struct {
		Subjects map[string]uint64 `json:"subjects"`
	} `json:"state"`
}

func (s *Store) subjectsPage(ctx context.Context, stream string, ask []byte) (*subjectsPage, error) {
	ctx, cancel := context.WithTimeout(ctx, subjectsTimeout)
	defer cancel()
	ctx, unlink, err := s.linked(ctx)
	if err != nil {
		return nil, err
	}
	defer unlink()
	reply, err := s.nc.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+stream, ask)
	if err != nil {
		return nil, err
	}
	page := &subjectsPage{}
	if err := json.Unmarshal(reply.Data, page); err != nil {
		return nil, err
	}
	if page.Error != nil {
		return nil, page.Error
	}
	return page, nil
}

// listParked gives the lowest segments of an endpoint that wait and are wanted,
// at most so many, in the order they go in, and how many there are in all.
func (s *Store) listParked(ctx context.Context, endpoint string, most int, wanted func(*parked) bool) (list []parked, total int, err error) {
	err = s.subjectsOf(ctx, StreamDeferred, parkFilter(endpoint), func(subject string, _ uint64) {
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
