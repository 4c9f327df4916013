package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func startRegistry(t testing.TB, s *Store) *Registry {
	t.Helper()
	r := s.Registry()
	if err := r.Start(jettest.Context(t)); err != nil {
		t.Fatal(err)
	}
	return r
}

// create stores ep and waits for it.
func create(t testing.TB, r *Registry, ep *transport.Endpoint) *transport.Endpoint {
	t.Helper()
	rev, err := r.CreateEndpoint(jettest.Context(t), ep)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WaitApplied(jettest.Context(t), rev); err != nil {
		t.Fatal(err)
	}
	got, ok := r.Endpoint(ep.ID)
	if !ok || got.Revision != rev {
		t.Fatalf("endpoint %v at revision %d, want %d", ok, got.Revision, rev)
	}
	return got
}

func TestEndpointLife(t *testing.T) {
	o := embeddedOptions(t)
	s := openEmbedded(t, o)
	r := s.Registry()
	var changes []transport.Change
	r.Subscribe(func(c transport.Change) { changes = append(changes, c) })
	startRegistry(t, s)
	ctx := jettest.Context(t)

	ep := jettest.Endpoint("acme", "https://example.com/a")
	first := create(t, r, ep)
	want := *ep
	want.Revision, want.CustomerID = first.Revision, 1
	if !reflect.DeepEqual(first, &want) {
		t.Errorf("came back as\n%+v, want\n%+v", first, &want)
	}

	next := *first
	next.Name, next.Secrets.Current = "Back door", "current-secret-2"
	rev, err := r.UpdateEndpoint(ctx, &next)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WaitApplied(ctx, rev); err != nil {
		t.Fatal(err)
	}
	if got, _ := r.Endpoint(ep.ID); got.Name != "Back door" || got.Secrets.Current != "current-secret-2" || got.Revision != rev {
		t.Errorf("after the update: %+v", got)
	}
	if first.Name != "Front desk" {
		t.Error("a snapshot was changed")
	}
	if _, err := r.UpdateEndpoint(ctx, &next); !errors.Is(err, transport.ErrConflict) {
		t.Errorf("an update of an old state: %v", err)
	}
	if _, err := r.CreateEndpoint(ctx, ep); !errors.Is(err, transport.ErrConflict) {
		t.Errorf("the same id again: %v", err)
	}

	rev, err = r.RemoveEndpoint(ctx, ep.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WaitApplied(ctx, rev); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Endpoint(ep.ID); ok {
		t.Error("it is still there")
	}
	if _, err := r.RemoveEndpoint(ctx, ep.ID); !errors.Is(err, transport.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := r.UpdateEndpoint(ctx, &next); !errors.Is(err, transport.ErrNotFound) {
		t.Errorf("update of what is not there: %v", err)
	}
	if len(changes) != 3 || changes[2].Endpoint != nil || changes[2].Customer != "acme" || changes[2].Revision != rev ||
		changes[0].Revision >= changes[1].Revision || changes[1].Revision >= changes[2].Revision {
		t.Errorf("changes %+v", changes)
	}
	create(t, r, jettest.Endpoint("acme", "https://example.com/a")) // its URL is free again
}

func TestRegistrySurvivesARestart(t *testing.T) {
	o := embeddedOptions(t)
	s := openEmbedded(t, o)
	r := startRegistry(t, s)
	var want []*transport.Endpoint
	for i := range 5 {
		ep := jettest.Endpoint("acme", fmt.Sprintf("https://example.com/%d", i))
		ep.CreatedAt = jettest.Created.Add(-time.Duration(i) * time.Minute)
		want = append([]*transport.Endpoint{create(t, r, ep)}, want...)
	}
	other := create(t, r, jettest.Endpoint("beta", "https://example.com/0"))
	gone := create(t, r, jettest.Endpoint("beta", "https://example.com/gone"))
	if _, err := r.RemoveEndpoint(jettest.Context(t), gone.ID); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)

	s = openEmbedded(t, o)
	r = s.Registry()
	told := 0
	r.Subscribe(func(transport.Change) { told++ })
	startRegistry(t, s)
	if got := r.Endpoints("acme"); !reflect.DeepEqual(got, want) {
		t.Errorf("endpoints of acme: %v, want %v", got, want)
	}
	if got := r.Endpoints("beta"); len(got) != 1 || !reflect.DeepEqual(got[0], other) {
		t.Errorf("endpoints of beta: %v", got)
	}
	if all := r.Endpoints(""); len(all) != 6 || told != 6 {
		t.Errorf("%d endpoints, told %d", len(all), told)
	}
	if c := r.Customers(); len(c) != 2 || c[0].ID != "acme" || c[0].CustomerID == c[1].CustomerID {
		t.Errorf("customers %+v", c)
	}
	if err := r.Start(jettest.Context(t)); err == nil {
		t.Error("started twice")
	}
}

func TestSecretsAreSealedAtRest(t *testing.T) {
	o := embeddedOptions(t)
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := openEmbedded(t, o)
	ep := create(t, startRegistry(t, s), jettest.Endpoint("acme", "https://example.com"))
	e, err := s.endpoints.Get(jettest.Context(t), endpointKey("acme", ep.ID))
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	o.MasterKey = bytes.Repeat([]byte("k"), 32)
	s = openEmbedded(t, o)
	err = s.Registry().Start(jettest.Context(t))
	if !errors.Is(err, jet.ErrSealed) {
		t.Errorf("a wrong master key: %v", err)
	}
	for _, text := range []string{string(e.Value()), fmt.Sprint(err), log.String(), fmt.Sprintf("%+v %#v", *ep, ep.Secrets)} {
		for _, secret := range []string{"current-secret", "previous-secret"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is readable in %.200s", secret, text)
			}
		}
	}
	for _, secret := range []string{"header-secret", "client-key-secret"} {
		if strings.Contains(string(e.Value())+err.Error()+log.String(), secret) {
			t.Errorf("%s is readable", secret)
		}
	}
}

func TestURLIsOneCustomersOnce(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	r := startRegistry(t, s)
	ctx := jettest.Context(t)
	refused := func(what string, err error) {
		t.Helper()
		var fe *transport.FieldError
		if !errors.As(err, &fe) || fe.Field != "webhook_url" || fe.Message != "Webhook URL already registered for this customer" || fe.Value == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	a := create(t, r, jettest.Endpoint("acme", "https://example.com/a"))
	_, err := r.CreateEndpoint(ctx, jettest.Endpoint("acme", "https://example.com/a"))
	refused("the same URL", err)
	_, err = r.CreateEndpoint(ctx, jettest.Endpoint("acme", "HTTPS://Example.com/a"))
	refused("the same URL in capitals", err)
	create(t, r, jettest.Endpoint("beta", "https://example.com/a"))
	standard := jettest.Endpoint("acme", "https://example.com/a")
	standard.Profile = "standard"
	standard = create(t, r, standard)

	b := create(t, r, jettest.Endpoint("acme", "https://example.com/b"))
	moved := *b
	moved.URL = a.URL
	_, err = r.UpdateEndpoint(ctx, &moved)
	refused("moved to a taken URL", err)
	turned := *standard
	turned.Profile = "genlogs"
	_, err = r.UpdateEndpoint(ctx, &turned)
	refused("turned into genlogs", err)

	moved.URL = "https://example.com/c"
	rev, err := r.UpdateEndpoint(ctx, &moved)
	if err != nil || r.WaitApplied(ctx, rev) != nil {
		t.Fatal(err)
	}
	create(t, r, jettest.Endpoint("acme", "https://example.com/b")) // left free
	_, err = r.CreateEndpoint(ctx, jettest.Endpoint("acme", "https://example.com/c"))
	refused("where the other moved to", err)
}

func TestURLIsOneCustomersOnceUnderConcurrency(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	r := startRegistry(t, s)
	ctx := jettest.Context(t)
	var wg sync.WaitGroup
	results := make(chan error, 20)
	for range cap(results) {
		wg.Go(func() {
			_, err := r.CreateEndpoint(ctx, jettest.Endpoint("acme", "https://example.com/a"))
			results <- err
		})
	}
	wg.Wait()
	close(results)
	made := 0
	for err := range results {
		if err == nil {
			made++
		} else if jettest.FieldName(err) != "webhook_url" {
			t.Error(err)
		}
	}
	if made != 1 {
		t.Errorf("%d were made", made)
	}
}

func TestAClaimLeftBehind(t *testing.T) {
	o := embeddedOptions(t)
	now := time.Now()
	o.Now = func() time.Time { return now }
	s := openEmbedded(t, o)
	r := startRegistry(t, s)
	ep := jettest.Endpoint("acme", "https://example.com/a")
	if _, err := s.endpoints.Create(jettest.Context(t), claimOf(ep), []byte(uuid.NewString())); err != nil {
		t.Fatal(err)
	}
	if _, err := r.CreateEndpoint(jettest.Context(t), ep); jettest.FieldName(err) != "webhook_url" {
		t.Errorf("its endpoint may be on its way: %v", err)
	}
	now = now.Add(2 * claimGrace)
	create(t, r, ep)
}

func TestCustomers(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	r := startRegistry(t, s)
	ctx := jettest.Context(t)
	c, err := r.EnsureCustomer(ctx, "acme")
	if err != nil || c.CustomerID != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	if again, err := r.EnsureCustomer(ctx, "acme"); err != nil || again.CustomerID != 1 {
		t.Errorf("%+v, %v", again, err)
	}
	if err := r.PutCustomer(ctx, &transport.Customer{ID: "beta", CustomerID: 2, Name: "Beta"}); err != nil {
		t.Fatal(err)
	}
	if got, ok := r.Customer("beta"); !ok || got.Name != "Beta" || got.CustomerID != 2 {
		t.Errorf("read after write: %+v", got)
	}
	if c, err := r.EnsureCustomer(ctx, "gamma"); err != nil || c.CustomerID != 3 { // 2 is taken
		t.Errorf("%+v, %v", c, err)
	}
	if err := r.PutCustomer(ctx, &transport.Customer{ID: "delta", CustomerID: 1}); jettest.FieldName(err) != "customer_id" {
		t.Errorf("another's number: %v", err)
	}
	keep := &transport.Customer{ID: "acme", Email: "a@example.com"}
	if err := r.PutCustomer(ctx, keep); err != nil || keep.CustomerID != 1 {
		t.Errorf("%+v, %v", keep, err)
	}
	old := *keep
	keep.Email = "b@example.com"
	if err := r.PutCustomer(ctx, keep); err != nil {
		t.Error(err)
	}
	if err := r.PutCustomer(ctx, &old); !errors.Is(err, transport.ErrConflict) {
		t.Errorf("an old state: %v", err)
	}
	made := &transport.Customer{ID: "epsilon", CustomerID: 99, Name: "Epsilon"}
	if err := r.CreateCustomer(ctx, made); err != nil || made.Revision == 0 {
		t.Errorf("%+v, %v", made, err)
	}
	if err := r.CreateCustomer(ctx, &transport.Customer{ID: "epsilon"}); !errors.Is(err, transport.ErrConflict) {
		t.Errorf("a second one: %v", err)
	}
	for _, bad := range []string{"", "a b", "a.b", strings.Repeat("a", 65)} {
		if _, err := r.EnsureCustomer(ctx, bad); jettest.FieldName(err) != "customer" {
			t.Errorf("customer %q: %v", bad, err)
		}
	}
}

// A customer who goes by a number has that number, unless it is another's.
func TestACustomerNamedByANumberHasIt(t *testing.T) {
	r := startRegistry(t, openEmbedded(t, embeddedOptions(t)))
	ctx := jettest.Context(t)
	for _, c := range []struct {
		id, name string
		want     int64
	}{
		{"123", "", 123},
		{"acme", "456", 456},
		{"globex", "123", 1}, // that is customer 123's
		{"0123", "", 2},
		{"0", "-5", 3},
		{"9007199254740992", "", 4},
		{"5", "", 5},
		{"late", "", 6}, // 5 is taken
	} {
		made := &transport.Customer{ID: c.id, Name: c.name}
		if err := r.CreateCustomer(ctx, made); err != nil || made.CustomerID != c.want {
			t.Errorf("%+v: customer_id %d, %v, want %d", c, made.CustomerID, err, c.want)
		}
	}
	if c, err := r.EnsureCustomer(ctx, "789"); err != nil || c.CustomerID != 789 {
		t.Errorf("by its first endpoint: %+v, %v", c, err)
	}
	renamed := &transport.Customer{ID: "acme", Name: "999"}
	if err := r.PutCustomer(ctx, renamed); err != nil || renamed.CustomerID != 456 {
		t.Errorf("a customer keeps its number: %+v, %v", renamed, err)
	}
}

func TestCustomerNumbersAreUnique(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	r := s.Registry() // not started: it works all the same
	ctx := jettest.Context(t)
	var wg sync.WaitGroup
	numbers := make(chan int64, 40)
	for i := range cap(numbers) {
		wg.Go(func() {
			c, err := r.EnsureCustomer(ctx, fmt.Sprintf("c%d", i/2)) // two callers for each
			if err != nil {
				t.Error(err)
				return
			}
			numbers <- c.CustomerID
		})
	}
	wg.Wait()
	close(numbers)
	count := map[int64]int{}
	for n := range numbers {
		count[n]++
	}
	for n, times := range count {
		if times != 2 || n < 1 {
			t.Errorf("number %d was given %d times", n, times)
		}
	}
}

func TestANewNumberReachesTheEndpoints(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	r := s.Registry()
	numbers := make(chan int64, 10)
	r.Subscribe(func(c transport.Change) { numbers <- c.Endpoint.CustomerID })
	startRegistry(t, s)
	create(t, r, jettest.Endpoint("acme", "https://example.com"))
	if err := r.PutCustomer(jettest.Context(t), &transport.Customer{ID: "acme", CustomerID: 77}); err != nil {
		t.Fatal(err)
	}
	if a, b := <-numbers, <-numbers; a != 1 || b != 77 {
		t.Errorf("numbers %d, %d", a, b)
	}
}

func TestABadRecordStandsInNobodysWay(t *testing.T) {
	o := embeddedOptions(t)
	s := openEmbedded(t, o)
	r := startRegistry(t, s)
	ep := create(t, r, jettest.Endpoint("acme", "https://example.com"))
	rev, err := s.endpoints.Put(jettest.Context(t), "acme."+uuid.NewString(), []byte("not JSON"))
	if err != nil || r.WaitApplied(jettest.Context(t), rev) != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = openEmbedded(t, o)
	if got := startRegistry(t, s).Endpoints(""); len(got) != 1 || got[0].ID != ep.ID {
		t.Errorf("endpoints %v", got)
	}
}

// TestManyEndpoints holds what one more endpoint costs in memory, and the time
// to start with many.
func TestManyEndpoints(t *testing.T) {
	n := 2000
	if testing.Verbose() {
		n = 100_000
	}
	o := embeddedOptions(t)
	o.MaxStore = 8 << 30 // of which endpoints have their part
	s := openEmbedded(t, o)
	ctx, cancel := context.WithTimeout(context.Background(), jettest.Patience)
	defer cancel()
	js, err := jetstream.New(s.conn.NATS(), jetstream.WithPublishAsyncMaxPending(1000))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		ep := jettest.Endpoint(fmt.Sprintf("customer-%d", i/10), fmt.Sprintf("https://receiver-%d.example.com/webhooks/postrider", i))
		ep.TLS = transport.TLS{}
		data, err := s.Registry().encode(ep)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.PublishAsync("$KV."+jet.BucketEndpoints+"."+endpointKey(ep.Customer, ep.ID), data, jetstream.WithStallWait(jettest.Patience)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-ctx.Done():
		t.Fatal("publishing took too long")
	}
	js.CleanupPublisher()
	closeStore(t, s)

	base := heap()
	at := time.Now()
	s = openEmbedded(t, o)
	opened := time.Since(at)
	server := heap() - base
	at = time.Now()
	if err := s.Registry().Start(ctx); err != nil {
		t.Fatal(err)
	}
	started := time.Since(at)
	all := heap() - base
	if got := len(s.Registry().Endpoints("")); got != n {
		t.Fatalf("%d endpoints", got)
	}
	each := float64(all-server) / float64(n)
	t.Logf("%d endpoints: open %v, registry %v; heap %.1f MiB, of it the server %.1f MiB; %.0f B an endpoint in the registry",
		n, opened, started, float64(all)/(1<<20), float64(server)/(1<<20), each)
	if n >= 100_000 && all > 200<<20 {
		t.Errorf("%d MiB for %d endpoints", all>>20, n)
	}
	if each > 4000 {
		t.Errorf("%.0f B an endpoint", each)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestSetState(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	r := startRegistry(t, s)
	ep := create(t, r, jettest.Endpoint("acme", "https://example.com/a"))
	rev, err := r.SetState(jettest.Context(t), ep.ID, transport.StateDisabled, "failing for 5 days")
	if err != nil || rev <= ep.Revision {
		t.Fatal(rev, err)
	}
	if err := r.WaitApplied(jettest.Context(t), rev); err != nil {
		t.Fatal(err)
	}
	got, _ := r.Endpoint(ep.ID)
	want := *ep
	want.State, want.StateReason, want.Revision, want.UpdatedAt = "disabled", "failing for 5 days", rev, got.UpdatedAt
	if !reflect.DeepEqual(got, &want) || !got.UpdatedAt.After(ep.UpdatedAt) {
		t.Errorf("\n got %+v\nwant %+v", got, &want)
	}
	if again, err := r.SetState(jettest.Context(t), ep.ID, transport.StateDisabled, "failing for 5 days"); err != nil || again != rev {
		t.Errorf("the state it has: %d, %v", again, err)
	}
	if _, err := r.SetState(jettest.Context(t), uuid.NewString(), transport.StatePaused, ""); !errors.Is(err, transport.ErrNotFound) {
		t.Errorf("%v", err)
	}
	rev, err = r.RemoveEndpoint(jettest.Context(t), ep.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.SetState(jettest.Context(t), ep.ID, transport.StatePaused, ""); !errors.Is(err, transport.ErrNotFound) {
		t.Errorf("%d %v", rev, err)
	}
}

// States set while other settings change at the same time: none is lost.
func TestSetStateAmongOtherChanges(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	r := startRegistry(t, s)
	ep := create(t, r, jettest.Endpoint("acme", "https://example.com/a"))
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 10 {
				if _, err := r.SetState(jettest.Context(t), ep.ID, transport.StatePaused, fmt.Sprint(i, " ", j)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range 10 { // renamed, whatever state it has
		for {
			now, _ := r.Endpoint(ep.ID)
			next := *now
			next.Name = fmt.Sprint("name ", n)
			rev, err := r.UpdateEndpoint(jettest.Context(t), &next)
			if err == nil {
				if err := r.WaitApplied(jettest.Context(t), rev); err != nil {
					t.Fatal(err)
				}
				break
			}
			if !errors.Is(err, transport.ErrConflict) {
				t.Fatal(err)
			}
		}
	}
	all.Wait()
	rev, err := r.SetState(jettest.Context(t), ep.ID, transport.StateActive, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WaitApplied(jettest.Context(t), rev); err != nil {
		t.Fatal(err)
	}
	got, _ := r.Endpoint(ep.ID)
	if got.Name != "name 9" || got.State != transport.StateActive || got.Secrets != ep.Secrets {
		t.Errorf("%+v", got)
	}
}
