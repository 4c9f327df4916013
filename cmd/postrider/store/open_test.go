package store

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestOpenAndClose(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	o := embeddedOptions(t)
	o.SyncInterval = 0
	s, err := Open(jettest.Context(t), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
	info := s.Info()
	if !info.Embedded || info.Sync != "always" || info.URL != s.ClientURL() || !strings.HasPrefix(info.URL, "nats://127.0.0.1:") ||
		info.ServerVersion == "" || len(info.Streams) != 4 || info.Streams[0].MaxBytes != (1<<30)/2 {
		t.Errorf("info %+v", info)
	}
	if found, err := filepath.Glob(filepath.Join(o.DataDir, "jetstream", "*", "streams", jet.StreamEvents)); len(found) != 1 {
		t.Errorf("streams lie at %v, %v", found, err)
	}
	closeStore(t, s)
	closeStore(t, s) // again is fine
	if err := s.Ready(); err == nil {
		t.Error("a closed store says it is ready")
	}
}

func TestOpenAgainKeepsWhatIsThere(t *testing.T) {
	o := embeddedOptions(t)
	s := openEmbedded(t, o)
	if _, err := s.Events.Submit(jettest.Context(t), []transport.Event{{Customer: "acme", Type: "a.b", Data: []byte(`1`)}}); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	o.MaxStore = 256 << 20 // less room than before is no reason not to start
	s = openEmbedded(t, o)
	if info := s.Info(); info.Streams[0].Messages != 1 || info.Streams[0].MaxBytes != (256<<20)/2 {
		t.Errorf("after the restart: %+v", info.Streams[0])
	}
}

func TestSubmitToAFullLog(t *testing.T) {
	o := embeddedOptions(t)
	o.MaxStore = 4 << 20
	s := openEmbedded(t, o)
	ctx := jettest.Context(t)
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		_, err = s.Events.Submit(ctx, []transport.Event{
			{Customer: "a", Type: "a", Data: jettest.BigDocument(10_000)}, {Customer: "a", Type: "a", Data: jettest.BigDocument(10_000)}})
	}
	if !errors.Is(err, transport.ErrUnavailable) || !strings.Contains(err.Error(), "maximum bytes") {
		t.Errorf("a full log: %v", err)
	}
	if _, err := s.JetStream().Publish(ctx, "attempts.0", jettest.BigDocument(100_000)); err != nil {
		t.Errorf("the journal is full too: %v", err)
	}
	if _, err := s.JetStream().Publish(ctx, "due.0.x.1", jettest.BigDocument(100_000)); err != nil {
		t.Errorf("DEFERRED is full too: %v", err)
	}
}
