package jet_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestProducersMayPublishEvents(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	nc := jettest.Connect(t, s.ClientURL())
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stored := uint64(0)
	holds := func(what string) {
		t.Helper()
		if got := jettest.StreamState(t, s.JetStream(), jet.StreamEvents); got.LastSeq != stored {
			t.Errorf("after %s EVENTS is at %d, want %d", what, got.LastSeq, stored)
		}
	}

	ack, err := js.Publish(ctx, "events.acme.access.granted", []byte(`{}`), jetstream.WithMsgID("a"))
	if stored++; err != nil || ack.Stream != jet.StreamEvents || ack.Sequence != stored {
		t.Fatalf("publish: %+v, %v", ack, err)
	}
	reply, err := nc.Request("events.acme.access.granted", []byte(`{}`), 2*time.Second)
	var answer struct{ Seq uint64 }
	if stored++; err != nil || json.Unmarshal(reply.Data, &answer) != nil || answer.Seq != stored {
		t.Fatalf("request: %+v, %v", answer, err)
	}
	if err := nc.Publish("events.acme.access.granted", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if stored++; nc.Flush() != nil {
		t.Fatal("flush")
	}
	jettest.Eventually(t, func() bool { return jettest.StreamState(t, s.JetStream(), jet.StreamEvents).LastSeq == stored })
	var batch []*nats.Msg
	for range 1000 {
		m := nats.NewMsg("events.acme.access.granted")
		m.Data = []byte(`{}`)
		batch = append(batch, m)
	}
	if got, err := jetstreamext.PublishMsgBatch(ctx, js, batch); !errors.Is(err, jetstreamext.ErrBatchPublishNotEnabled) {
		t.Fatalf("a batch: %+v, %v", got, err)
	}
	got, err := jetstreamext.PublishMsgBatch(ctx, js, batch, jetstreamext.BatchFlowControl{})
	if !errors.Is(err, jetstreamext.ErrBatchPublishNotEnabled) {
		t.Fatalf("a batch whose first is not waited for: %+v, %v", got, err)
	}
	holds("two batches")
	for range 100 {
		if _, err := js.PublishAsync("events.acme.access.granted", []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	stored += 100
	holds("100 asynchronous")

	if ack, err := js.Publish(ctx, "detections.x", []byte(`{}`)); err != nil || ack.Stream != "DETECTIONS" {
		t.Errorf("detections: %+v, %v", ack, err)
	}
	holds("a detection")
}

func TestProducersMayDoNothingElse(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	before := s.Info().Streams
	all := spy(t, s)
	refused := make(chan error, 10)
	nc := jettest.Connect(t, s.ClientURL(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
	isRefused := func(what string) {
		t.Helper()
		select {
		case err := <-refused:
			if !errors.Is(err, nats.ErrPermissionViolation) && !strings.Contains(err.Error(), "Permissions Violation") {
				t.Errorf("%s: %v", what, err)
			}
		case <-ctx.Done():
			t.Fatalf("%s is not refused", what)
		}
	}
	for _, subject := range []string{
		"due.0.x.1", "park.0.x.1", "attempts.0", "deadletters._._", "ops.acme.endpoint.failing", "ops.x.y",
		"events", "detections", "$JS.API.STREAM.INFO.DEFERRED", "$JS.API.STREAM.LIST", "$JS.API.STREAM.PURGE.EVENTS", "gate.api.INFO",
		"$JS.API.STREAM.DELETE.EVENTS", "$JS.API.CONSUMER.CREATE.EVENTS", "$JS.API.STREAM.MSG.GET.EVENTS",
		"$JS.API.DIRECT.GET.EVENTS", "$JS.ACK.EVENTS.shard.1.1.1.1.1", "$KV.ENDPOINTS.acme.x", "$KV.CUSTOMERS.acme",
		"$O.PAYLOADS.M.x", "$SYS.REQ.SERVER.PING", "_POSTRIDER.x", "_INBOX.x", "$SCHED.x",
	} {
		if err := nc.Publish(subject, []byte(`x`)); err != nil {
			t.Fatal(err)
		}
		isRefused("publishing on " + subject)
	}
	for _, subject := range []string{">", "events.>", "_POSTRIDER.>", "_R_.>", "$JS.>", "$KV.>", "due.>", "ops.>", "*"} {
		if _, err := nc.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
		isRefused("subscribing to " + subject)
	}
	if got := s.Info().Streams; !equalStreams(got, before) {
		t.Errorf("something got through: %+v", got)
	}
	select {
	case m := <-all:
		t.Errorf("the node's account saw %s", m.Subject)
	default:
	}
}

// TestReplySubjectsDoNoHarm: the server publishes its acknowledgement where
// the producer says; it must not be able to say "into DEFERRED", or any other
// place of ours.
func TestReplySubjectsDoNoHarm(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	all := spy(t, s)
	nc := jettest.Connect(t, s.ClientURL())
	for i, reply := range []string{
		"due.0.x.1", "park.0.x.1", "attempts.0", "deadletters._._", "ops.acme.x", "$KV.ENDPOINTS.acme.x",
		"$JS.API.STREAM.PURGE.EVENTS", "$JS.API.STREAM.DELETE.EVENTS", "_POSTRIDER.x", "detections.x",
	} {
		if err := nc.PublishRequest("events.acme.a", reply, []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		jettest.Eventually(t, func() bool { return jettest.StreamState(t, s.JetStream(), jet.StreamEvents).Msgs == uint64(i+1) })
	}
	// A reply to events.> is one more event at most: what they may publish anyway.
	if err := nc.PublishRequest("events.acme.a", "events.acme.b", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	jettest.Eventually(t, func() bool { return jettest.StreamState(t, s.JetStream(), jet.StreamEvents).Msgs >= 11 })
	if _, err := nc.Request("events.acme.last", []byte(`{}`), time.Second); err != nil {
		t.Fatal(err)
	}
	if got := jettest.StreamState(t, s.JetStream(), jet.StreamEvents).Msgs; got > 13 {
		t.Errorf("EVENTS grew to %d messages", got)
	}
	for _, name := range []string{jet.StreamDeferred, jet.StreamAttempts, jet.StreamDeadLetters} {
		if info := jettest.StreamState(t, s.JetStream(), name); info.LastSeq != 0 {
			t.Errorf("%s was written to: %+v", name, info)
		}
	}
	for {
		select {
		case m := <-all:
			if !strings.HasPrefix(m.Subject, "events.") && !strings.HasPrefix(m.Subject, "_R_.") {
				t.Errorf("the node's account saw %s", m.Subject)
			}
			continue
		default:
		}
		return
	}
}

// TestHeadersDoNoHarm: what a header may ask of a stream is off on EVENTS.
func TestHeadersDoNoHarm(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	nc := jettest.Connect(t, s.ClientURL())
	if _, err := nc.Request("events.acme.a", []byte(`{}`), time.Second); err != nil {
		t.Fatal(err)
	}
	for _, h := range [][2]string{
		{"Nats-Rollup", "all"}, {"Nats-Rollup", "sub"}, {"Nats-TTL", "1s"}, {"Nats-Incr", "1"},
		{"Nats-Expected-Last-Sequence", "1"}, {"Nats-Expected-Last-Subject-Sequence", "1"}, {"Nats-Expected-Last-Msg-Id", "a"},
		{"Nats-Expected-Stream", "ATTEMPTS"}, {"Nats-Batch-Id", "b"}, {"Postrider-Object", "event-0"}, {"Postrider-Cloud-Event", "{}"},
		{"Nats-Schedule", "@at 2000-01-01T00:00:00Z"},
	} {
		m := nats.NewMsg("events.acme.a")
		m.Header.Set(h[0], h[1])
		m.Header.Set("Nats-Schedule-Target", "due.0.x.1")
		answer, err := nc.RequestMsg(m, time.Second)
		if err != nil || !strings.Contains(string(answer.Data), `"error"`) {
			t.Errorf("%s is taken: %v", h[0], err)
		}
	}
	if got := jettest.StreamState(t, s.JetStream(), jet.StreamEvents); got.Msgs != 1 {
		t.Errorf("EVENTS: %+v", got)
	}
}

func TestCredentials(t *testing.T) {
	type try struct {
		name    string
		options []nats.Option
		ok      bool
	}
	for name, c := range map[string]struct {
		change func(*jet.Options)
		tries  []try
	}{
		"none": {func(o *jet.Options) {}, []try{
			{"nothing", nil, true},
			{"the node's user", []nats.Option{nats.UserInfo("postrider-node", "")}, false},
		}},
		"user and password": {func(o *jet.Options) { o.User, o.Password = "u", "p" }, []try{
			{"right", []nats.Option{nats.UserInfo("u", "p")}, true},
			{"wrong password", []nats.Option{nats.UserInfo("u", "q")}, false},
			{"wrong user", []nats.Option{nats.UserInfo("v", "p")}, false},
			{"a token", []nats.Option{nats.Token("p")}, false},
			{"nothing", nil, false},
		}},
		"token": {func(o *jet.Options) { o.Token = "t" }, []try{
			{"right", []nats.Option{nats.Token("t")}, true},
			{"wrong", []nats.Option{nats.Token("s")}, false},
			{"nothing", nil, false},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			o := embeddedOptions(t)
			c.change(&o)
			s := openEmbedded(t, o)
			for _, try := range c.tries {
				nc, err := nats.Connect(s.ClientURL(), try.options...)
				if (err == nil) != try.ok {
					t.Errorf("%s: %v", try.name, err)
				}
				if err == nil {
					if _, err := nc.Request("events.a.b", []byte(`1`), time.Second); err != nil {
						t.Errorf("%s, publishing: %v", try.name, err)
					}
					nc.Close()
				}
			}
		})
	}
}

func TestTLSListener(t *testing.T) {
	cert, key, pool := certificate(t)
	o := embeddedOptions(t)
	o.TLSCert, o.TLSKey, o.Listen = cert, key, "0.0.0.0:0" // TLS may be open to all
	s := openEmbedded(t, o)
	if !strings.HasPrefix(s.ClientURL(), "tls://") {
		t.Errorf("URL %s", s.ClientURL())
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.ClientURL(), "tls://"))
	nc := jettest.Connect(t, "tls://127.0.0.1:"+port, nats.Secure(&tls.Config{RootCAs: pool}))
	if _, err := nc.Request("events.a.b", []byte(`1`), time.Second); err != nil {
		t.Error(err)
	}
	if nc, err := nats.Connect("nats://127.0.0.1:" + port); err == nil {
		nc.Close()
		t.Error("a client that trusts nobody came in")
	}
}

func TestTLSListenerAsksForCertificates(t *testing.T) {
	cert, key, pool := certificate(t)
	o := embeddedOptions(t)
	o.TLSCert, o.TLSKey, o.TLSCA = cert, key, cert
	s := openEmbedded(t, o)
	if nc, err := nats.Connect(s.ClientURL(), nats.Secure(&tls.Config{RootCAs: pool})); err == nil {
		nc.Close()
		t.Error("a client without a certificate came in")
	}
	jettest.Connect(t, s.ClientURL(), nats.Secure(&tls.Config{RootCAs: pool}), nats.ClientCert(cert, key))
}

// spy sees what is published in the node's account, but for the store's own requests.
func spy(t *testing.T, s *jet.Conn) <-chan *nats.Msg {
	t.Helper()
	seen := make(chan *nats.Msg, 1000)
	_, err := s.NATS().Subscribe(">", func(m *nats.Msg) {
		if !strings.HasPrefix(m.Subject, "_POSTRIDER.") && !strings.HasPrefix(m.Subject, "$JS.API.STREAM.INFO.") &&
			!strings.HasPrefix(m.Subject, "$JS.EVENT.") {
			seen <- m
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.NATS().Flush(); err != nil {
		t.Fatal(err)
	}
	return seen
}

func equalStreams(a, b []jet.StreamInfo) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// certificate makes one for 127.0.0.1, which signs itself.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "postrider"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER), pool
}

// Producers at the listener publish detections, and hear that they are stored.
func TestProducersPublishDetections(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ack, err := js.Publish(jettest.Context(t), "detections.i45.north", []byte(`{}`))
	if err != nil || ack.Stream != jet.StreamDetections || ack.Sequence != 1 {
		t.Errorf("%+v, %v", ack, err)
	}
	for _, subject := range []string{"runs.acme.hot", "schedules.acme.hot", "runlog.acme.hot.1.x", "$KV.ALERTS.acme.x"} {
		short, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond) // nobody answers what is not allowed
		if _, err := js.Publish(short, subject, nil); err == nil {
			t.Errorf("a producer published on %s", subject)
		}
		cancel()
	}
}
