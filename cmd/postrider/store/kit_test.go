package store

import (
	"testing"
	"time"

	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/deadletters"
	"github.com/postrider/postrider/transport/jet/deferred"
	"github.com/postrider/postrider/transport/jet/jettest"
	"github.com/postrider/postrider/transport/jet/memory"
	"github.com/postrider/postrider/transport/jet/registry"
)

// embeddedOptions are those of an unsynced node that takes producers on any port.
func embeddedOptions(t testing.TB) Options {
	return Options{Options: jet.Options{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Staging: jet.StagingAuto, SyncInterval: 2 * time.Minute,
		MaxStore: 1 << 30, MasterKey: jettest.Key}}
}

func externalOptions(url string) Options {
	return Options{Options: jet.Options{URL: url, MasterKey: jettest.Key}}
}

func openEmbedded(t testing.TB, o Options) *Store {
	t.Helper()
	return jettest.Open(t, Open, o)
}

// openBare opens at an external server.
func openBare(t testing.TB, b *jettest.Bare) *Store {
	t.Helper()
	o := externalOptions(b.Server.ClientURL())
	o.SyncInterval = 2 * time.Minute
	return openEmbedded(t, o)
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	jettest.ShutWith(t, s.Close)
}

func startConsuming(t testing.TB, s *Store, sink transport.Sink) (*Consumers, *deadletters.Graveyard) {
	t.Helper()
	g := s.Letters.Graveyard()
	t.Cleanup(func() { jettest.ShutWith(t, g.Close) })
	c, err := s.Consume(jettest.Context(t), sink, g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { jettest.ShutWith(t, c.Stop) })
	return c, g
}

func newCutter() deferred.Cutter { return recovery.NewCutter(jet.RandomToken(8) + "_") }

func newParker(t testing.TB, s *Store) *deferred.Parker {
	t.Helper()
	p := s.Deferred.Parker(newCutter())
	t.Cleanup(func() { jettest.ShutWith(t, p.Close) })
	return p
}

func parkWith(t testing.TB, p *deferred.Parker, endpoint string, entries ...transport.Entry) {
	t.Helper()
	w := jettest.NewCountdown(len(entries))
	for _, e := range entries {
		p.Park("acme", endpoint, e, w)
	}
	if err := p.Flush(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	w.Wait(t)
}

func parkAll(t testing.TB, s *Store, endpoint string, entries ...transport.Entry) {
	t.Helper()
	p := s.Deferred.Parker(newCutter())
	parkWith(t, p, endpoint, entries...)
	jettest.ShutWith(t, p.Close)
}

func parkOne(t testing.TB, s *Store, endpoint string, seq uint64, due time.Time) {
	t.Helper()
	parkAll(t, s, endpoint, jettest.Entry(seq, due))
}

func bury(t testing.TB, s *Store, letters ...*transport.DeadLetter) {
	t.Helper()
	g := s.Letters.Graveyard()
	for _, d := range letters {
		g.Bury(d, nil)
	}
	jettest.ShutWith(t, g.Close)
}

func journalAll(t testing.TB, s *Store, records ...*transport.Record) {
	t.Helper()
	j := s.Attempts.Journal()
	for _, r := range records {
		j.Append(r, nil)
	}
	jettest.ShutWith(t, j.Close)
}

func recallNow(t testing.TB, p *deferred.Parker, endpoint string, entries int) {
	t.Helper()
	w := jettest.NewCountdown(1)
	p.Recall(endpoint, entries, transport.Place{}, w)
	w.Wait(t)
}

func startRegistry(t testing.TB, s *Store) *registry.Registry {
	t.Helper()
	if err := s.Registry.Start(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	return s.Registry
}

// create stores ep and waits for it.
func create(t testing.TB, r *registry.Registry, ep *transport.Endpoint) *transport.Endpoint {
	t.Helper()
	rev, err := r.CreateEndpoint(jettest.Context(t), ep)
	if err == nil {
		err = r.WaitApplied(jettest.Context(t), rev)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, _ := r.Endpoint(ep.ID)
	return got
}

func startAlerts(t testing.TB, s *Store) *registry.Alerts {
	t.Helper()
	if err := s.Alerts.Start(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	return s.Alerts
}

func createAlert(t testing.TB, r *registry.Alerts, a *matching.Alert) *registry.Alert {
	t.Helper()
	rev, err := r.CreateAlert(jettest.Context(t), a)
	if err == nil {
		err = r.WaitAlerts(jettest.Context(t), rev)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, _ := r.Stored(a.ID)
	return got
}

func remembered(endpoint string, opens int) transport.Remembered {
	return transport.Remembered{Endpoint: endpoint, Customer: "acme", Memory: transport.Memory{
		FailingSince: jettest.Time, Reason: "status 500", Opens: opens, OpenUntil: jettest.Time.Add(time.Minute), HeldUntil: jettest.Time, Holds: 2,
		ClosedAt: jettest.Time, RampFrom: jettest.Time, Concurrency: 3}}
}

func loaded(t testing.TB, m *memory.Memories) map[string]transport.Memory {
	t.Helper()
	all, err := m.Load(jettest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	return all
}
