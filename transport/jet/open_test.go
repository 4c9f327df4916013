package jet

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/jet/jettest"
)

// embeddedOptions are those of an unsynced node that takes producers on any port.
func embeddedOptions(t testing.TB) Options {
	return Options{DataDir: t.TempDir(), Listen: "127.0.0.1:0", SyncInterval: 2 * time.Minute,
		MaxStore: 1 << 30, MasterKey: jettest.Key}
}

func openEmbedded(t testing.TB, o Options) *Conn {
	t.Helper()
	c := jettest.Open(t, Open, o)
	if err := c.Prepare(jettest.Context(t), nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	return c
}

func closeStore(t testing.TB, s *Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), jettest.Patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestDataFolderIsLocked(t *testing.T) {
	o := embeddedOptions(t)
	s := openEmbedded(t, o)
	if _, err := Open(jettest.Context(t), o); err == nil || !strings.Contains(err.Error(), "in use by another node") {
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
			s, err := Open(jettest.Context(t), o)
			if jettest.FieldName(err) != c.field {
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
		jettest.Connect(t, s.ClientURL())
	})
	t.Run("no listener", func(t *testing.T) {
		o := embeddedOptions(t)
		o.Listen = ""
		if s := openEmbedded(t, o); s.ClientURL() != "" {
			t.Errorf("listens at %s", s.ClientURL())
		}
	})
}
