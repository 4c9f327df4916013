package journal

import (
	"testing"

	"github.com/postrider/postrider/transport"
)

// What a stream lost is told by its kind, whatever the shard: of DEFERRED all was
// made good, of the others not.
func TestAnAuditOfLostTails(t *testing.T) {
	for stream, ok := range map[string]bool{transport.StreamDeferred: true, transport.StreamEvents: false, transport.StreamAttempts: false} {
		a := newAuditor(&Store{shard: shard}, AuditOptions{})
		a.lostTail(&transport.Record{Kind: transport.Lost, Reason: stream, Seq: 3, To: 5})
		if out := a.result(); out.OK != ok || len(out.Lost) != 1 || out.Lost[0].Count() != 3 {
			t.Errorf("%s: %+v", stream, out)
		}
	}
}
