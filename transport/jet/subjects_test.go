package jet

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport/jet/jettest"
)

// The server tells 100,000 subjects at a time (BenchmarkCensus has five times
// as many); here one tells three.
func TestSubjectsArePaged(t *testing.T) {
	srv := jettest.RunServer(t, &server.Options{})
	nc, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	_, err = nc.Subscribe("$JS.API.STREAM.INFO.MANY", func(m *nats.Msg) {
		var ask struct {
			Filter string `json:"subjects_filter"`
			Offset int    `json:"offset"`
		}
		if err := json.Unmarshal(m.Data, &ask); err != nil || ask.Filter != "many.>" {
			t.Errorf("asked %s, %v", m.Data, err)
		}
		page := map[string]uint64{}
		for i := ask.Offset; i < min(ask.Offset+3, 8); i++ {
			page[fmt.Sprint("many.", i)] = uint64(i + 1)
		}
		answer, _ := json.Marshal(map[string]any{"total": 8, "state": map[string]any{"subjects": page}})
		if err := m.Respond(answer); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	s, seen := &Conn{nc: nc}, map[string]uint64{}
	err = s.SubjectsOf(jettest.Context(t), "MANY", "many.>", func(subject string, messages uint64) { seen[subject] += messages })
	if err != nil || len(seen) != 8 || seen["many.0"] != 1 || seen["many.7"] != 8 {
		t.Errorf("%v, %v", seen, err)
	}
}
