package jet

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// SubjectsOf tells each subject of a stream that fits a filter, and how many
// messages it has, one page of the server's after the other. What changes
// meanwhile may be told twice or not at all.
func (c *Conn) SubjectsOf(ctx context.Context, stream, filter string, each func(subject string, messages uint64)) error {
	for from, total := 0, 1; from < total; {
		ask, err := json.Marshal(map[string]any{"subjects_filter": filter, "offset": from})
		if err != nil {
			return err
		}
		page, err := c.subjectsPage(ctx, stream, ask)
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

func (c *Conn) subjectsPage(ctx context.Context, stream string, ask []byte) (*subjectsPage, error) {
	ctx, cancel := context.WithTimeout(ctx, subjectsTimeout)
	defer cancel()
	ctx, unlink, err := c.Linked(ctx)
	if err != nil {
		return nil, err
	}
	defer unlink()
	reply, err := c.nc.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+stream, ask)
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

// SubjectWord is id where NATS takes it as one word of a subject. Anything else
// would break the connection, and every parking with it; the segment itself
// tells the endpoint as it is.
func SubjectWord(id string) string {
	if transport.CheckCustomer(id) == nil {
		return id
	}
	return fmt.Sprintf("%s%x", hexWord, id)
}

const hexWord = "hex-"

// EndpointOfWord is the id that SubjectWord made the word of.
func EndpointOfWord(word string) string {
	if digits, ok := strings.CutPrefix(word, hexWord); ok {
		if id, err := hex.DecodeString(digits); err == nil && transport.CheckCustomer(string(id)) != nil {
			return string(id)
		}
	}
	return word
}
