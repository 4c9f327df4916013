package api

import (
	"net/http"
	"slices"

	"github.com/postrider/postrider/transport"
)

// A change with dry_run is checked and answered as it would be, with the ETag
// of what is there, and not stored.
type (
	endpointEdit struct {
		ID      string `path:"id" doc:"The endpoint's id"`
		IfMatch string `header:"If-Match" doc:"The ETag that was shown: 412 where the endpoint has changed since"`
		DryRun  bool   `query:"dry_run" doc:"Answer what would be, and store nothing"`
	}
	alertEdit struct {
		ID      string `path:"id" doc:"The alert's id"`
		IfMatch string `header:"If-Match" doc:"The ETag that was shown: 412 where the alert has changed since"`
		DryRun  bool   `query:"dry_run" doc:"Answer what would be, and store nothing"`
	}
	customerEdit struct {
		ID      string `path:"id" doc:"The customer's id"`
		IfMatch string `header:"If-Match" doc:"The ETag that was shown: 412 where the customer has changed since"`
		DryRun  bool   `query:"dry_run" doc:"Answer what would be, and store nothing"`
	}
)

// wouldBe is the answer to a dry run of a change from old to next. It names
// what changes and is not shown.
func (s *Server) wouldBe(old, next *transport.Endpoint) (*endpointAnswer, error) {
	if err := s.checkUnique(next); err != nil {
		return nil, err
	}
	next.UpdatedAt = old.UpdatedAt
	shown := show(next)
	for name, value := range next.Headers {
		if before, there := old.Headers[name]; there && before != value {
			shown.ChangedUnseen = append(shown.ChangedUnseen, "headers."+name)
		}
	}
	slices.Sort(shown.ChangedUnseen)
	if old.TLS.ClientKey != next.TLS.ClientKey {
		shown.ChangedUnseen = append(shown.ChangedUnseen, "tls.client_key")
	}
	var err error
	if shown.Changes, err = changesOf(show(old), shown); err != nil {
		return nil, err
	}
	return &endpointAnswer{Status: http.StatusOK, ETag: etag(old.Revision), Body: shown}, nil
}
