package jet

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
)

var testKey = []byte("0123456789abcdef0123456789abcdef")

// embeddedOptions are those of an unsynced node that takes producers on any port.
func embeddedOptions(t testing.TB) Options {
	return Options{DataDir: t.TempDir(), Listen: "127.0.0.1:0", SyncInterval: 2 * time.Minute,
		MaxStore: 1 << 30, MasterKey: testKey}
}

func openEmbedded(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(testContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func fieldName(err error) string {
	var fe *transport.FieldError
	if errors.As(err, &fe) {
		return fe.Field
	}
	return ""
}

func TestOpenAndClose(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	o := embeddedOptions(t)
	o.SyncInterval = 0
	s, err := Open(testContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
	info := s.Info()
	if !info.Embedded || info.Sync != "always" || info.URL != s.ClientURL() || !strings.HasPrefix(info.URL, "nats://127.0.0.1:") ||
		info.ServerVersion == "" || len(info.Streams) != 4 || info.Streams[0].MaxBytes != (1<<30)/10*6 {
		t.Errorf("info %+v", info)
	}
	if found, err := filepath.Glob(filepath.Join(o.DataDir, "jetstream", "*", "streams", StreamEvents)); len(found) != 1 {
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
	if _, err := s.Submit(testContext(t), []transport.Event{{Customer: "acme", Type: "a.b", Data: []byte(`1`)}}); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	o.MaxStore = 256 << 20 // less room than before is no reason not to start
	s = openEmbedded(t, o)
	if info := s.Info(); info.Streams[0].Messages != 1 || info.Streams[0].MaxBytes != (256<<20)/10*6 {
		t.Errorf("after the restart: %+v", info.Streams[0])
	}
}

func TestDataFolderIsLocked(t *testing.T) {
	o := embeddedOptions(t)
	s := openEmbedded(t, o)
	if _, err := Open(testContext(t), o); err == nil || !strings.Contains(err.Error(), "in use by another node") {
		t.Errorf("a second node on the folder: %v", err)
	}
	closeStore(t, s)
	openEmbedded(t, o)
}

func TestOptionsRefused(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct {
		change func(*Options)
		field  string
	}{
		"no folder":                {func(o *Options) { o.DataDir = "" }, "data"},
		"no master key":            {func(o *Options) { o.MasterKey = nil }, "master_key"},
		"short master key":         {func(o *Options) { o.MasterKey = []byte("short") }, "master_key"},
		"not an address":           {func(o *Options) { o.Listen = "4222" }, "nats.listen"},
		"not a port":               {func(o *Options) { o.Listen = "127.0.0.1:nats" }, "nats.listen"},
		"open to all":              {func(o *Options) { o.Listen = "0.0.0.0:0" }, "nats.listen"},
		"open to all, no host":     {func(o *Options) { o.Listen = ":0" }, "nats.listen"},
		"open to all, IPv6":        {func(o *Options) { o.Listen = "[::]:0" }, "nats.listen"},
		"taken":                    {func(o *Options) { o.Listen = taken.Addr().String() }, "nats.listen"},
		"user without password":    {func(o *Options) { o.User = "u" }, "nats.password"},
		"password without user":    {func(o *Options) { o.Password = "p" }, "nats.user"},
		"no such certificate":      {func(o *Options) { o.TLSCert, o.TLSKey = "no", "no" }, "nats.tls_cert"},
		"message limit over 64 MB": {func(o *Options) { o.MaxPayload = 65 << 20 }, "nats.max_payload"},
	} {
		t.Run(name, func(t *testing.T) {
			o := embeddedOptions(t)
			c.change(&o)
			s, err := Open(testContext(t), o)
			if fieldName(err) != c.field {
				t.Errorf("%v; want a FieldError of %s", err, c.field)
			}
			if s != nil {
				closeStore(t, s)
			}
		})
	}
	t.Run("taken, any port will do", func(t *testing.T) {
		o := embeddedOptions(t)
		o.Listen, o.AnyPort = taken.Addr().String(), true
		s := openEmbedded(t, o)
		if s.ClientURL() == "nats://"+taken.Addr().String() {
			t.Error("it claims to listen on a taken port")
		}
		connect(t, s.ClientURL())
	})
	t.Run("no listener", func(t *testing.T) {
		o := embeddedOptions(t)
		o.Listen = ""
		if s := openEmbedded(t, o); s.ClientURL() != "" {
			t.Errorf("listens at %s", s.ClientURL())
		}
	})
}

func connect(t testing.TB, url string, options ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func TestPurge(t *testing.T) {
	o := embeddedOptions(t)
	now := time.Now()
	o.Now = func() time.Time { return now }
	o.EventsKeep = time.Hour
	s := openEmbedded(t, o)
	ctx := testContext(t)
	submit := func(n int) {
		for range n {
			if _, err := s.Submit(ctx, []transport.Event{{Customer: "acme", Type: "a", Data: []byte(`{}`)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := func(want uint64) {
		t.Helper()
		if err := s.Purge(ctx); err != nil {
			t.Fatal(err)
		}
		if got := s.streamInfo(ctx, StreamEvents).FirstSeq; got != want {
			t.Errorf("first sequence %d, want %d", got, want)
		}
	}
	submit(10)
	now = now.Add(2 * time.Hour)
	first(1) // no consumer: nothing is settled
	c, err := s.js.CreateOrUpdateConsumer(ctx, StreamEvents, jetstream.ConsumerConfig{Durable: consumerName, AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	first(1) // nothing is acked
	batch, err := c.Fetch(6)
	if err != nil {
		t.Fatal(err)
	}
	for m := range batch.Messages() {
		if err := m.DoubleAck(ctx); err != nil {
			t.Fatal(err)
		}
	}
	first(7)
	now = now.Add(-2 * time.Hour)
	rest, _ := c.Fetch(4)
	for m := range rest.Messages() {
		if err := m.DoubleAck(ctx); err != nil {
			t.Fatal(err)
		}
	}
	first(7) // acked, not old enough
	now = now.Add(2 * time.Hour)
	first(11) // all of it
	first(11) // an empty log is fine
}
