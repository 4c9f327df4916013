package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/api"
	"github.com/postrider/postrider/transport/certificates"
	"github.com/postrider/postrider/transport/httpserver"
	"github.com/postrider/postrider/transport/jet/journal"
	"github.com/postrider/postrider/transport/telemetry"
)

// Server is the node's HTTP side: API, page, metrics. It listens before the node is ready, so that
// /readyz can say what it waits for.
type Server struct {
	version string
	cfg     *config.Config
	log     *slog.Logger
	main    net.Listener
	handler atomic.Pointer[http.Handler]
	stop    context.CancelFunc
	keys    *api.Keys // nil without auth.jwks
	servers []*httpserver.Server
	metrics *telemetry.Telemetry
	bounds  bounds
	// certificate is what http.listen shows; nil: it speaks in clear.
	certificate *certificates.Server
	server      atomic.Pointer[api.Server] // nil before show
	// signIn lets a browser in once; nil: not a development node.
	signIn *signInCode
	// endStreams ends those of the API; nil before it is shown.
	endStreams func()
	// failed gets the error of a listener that broke.
	failed chan error
}

// Listen opens the listeners. Until show the API answers that the node starts.
func Listen(o *Options) (*Server, error) {
	cfg, log, metrics := o.Config, o.Log, o.Metrics
	certificate, err := openAPICertificate(cfg)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", cfg.HTTP.Listen)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w; choose another address with --listen", err)
	}
	f := &Server{version: o.Version, cfg: cfg, log: log, main: l, certificate: certificate, metrics: metrics, bounds: boundsOf(cfg, descriptors()), failed: make(chan error, 4)}
	f.bounds.tell(cfg, descriptors(), log)
	if cfg.Dev {
		f.signIn = newSignInCode()
	}
	if cfg.Auth.JWKS != "" {
		if f.keys, err = api.OpenKeys(api.KeysOptions{Source: cfg.Auth.JWKS, Dev: cfg.Dev, Logger: log}); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	f.answer(away(starting(cfg)))
	serving := httpserver.Options{Handler: certified(cfg, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { (*f.handler.Load()).ServeHTTP(w, r) }))}
	if certificate != nil {
		serving.TLS = certificate.Config("http/1.1")
	}
	f.serve(l, f.newAPIServer(serving))
	if err := f.listenMetrics(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	var ctx context.Context
	ctx, f.stop = context.WithCancel(context.Background())
	if addr := cfg.HTTP.PprofListen; addr != "" {
		go func() {
			if err := telemetry.ServePprof(ctx, addr, log); err != nil {
				f.failed <- fmt.Errorf("http.pprof_listen: %w", err)
			}
		}()
	}
	return f, nil
}

// listenMetrics serves the metrics on an address of their own, where one is set.
func (f *Server) listenMetrics() error {
	if f.cfg.HTTP.MetricsListen == "" {
		return nil
	}
	l, err := net.Listen("tcp", f.cfg.HTTP.MetricsListen)
	if err != nil {
		return fmt.Errorf("http.metrics_listen: %w; choose another address", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", f.metrics.Handler())
	f.serve(l, f.newServer(telemetry.ListenerMetrics, httpserver.Options{
		Handler: mux, Connections: f.bounds.metrics, PerAddress: f.bounds.metrics / 2}))
	return nil
}

func (f *Server) answer(h http.Handler) { f.handler.Store(&h) }

func (f *Server) serve(l net.Listener, s *httpserver.Server) {
	f.servers = append(f.servers, s)
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			f.failed <- fmt.Errorf("%s: %w", l.Addr(), err)
		}
	}()
}

// URL is where the API is.
func (f *Server) URL() string {
	if f.certificate != nil {
		return "https://" + f.main.Addr().String()
	}
	return "http://" + f.main.Addr().String()
}

// setLimits does nothing before show, which begins with the settings' own.
func (f *Server) setLimits(l api.Limits) {
	if s := f.server.Load(); s != nil {
		s.SetLimits(l)
	}
}

// away answers while the node starts or leaves: it lives, and is not ready.
func away(missing api.Lack) http.Handler {
	answer, err := json.Marshal(map[string]any{
		"message":    "Not ready, missing: " + missing.Part,
		"error_type": "NotReadyError", "error_code": "NOT_READY",
		"details": map[string]any{"missing": []api.Lack{missing}},
	})
	if err != nil {
		panic(err) // two strings always have a JSON form
	}
	answer = append(answer, '\n')
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/healthz" {
			_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
			return
		}
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write(answer)
	})
}

// starting tells what a start waits for.
func starting(cfg *config.Config) api.Lack {
	if cfg.NATS.URL.Reveal() == "" {
		return api.Lack{Part: "nats", Detail: "the embedded server starts"}
	}
	return api.Lack{Part: "nats", Detail: "connecting to " + cfg.NATS.URL.String() + ", and taking the shard"}
}

// show puts the API of a node that is ready in place.
func (f *Server) show(n *Node, keys *Keys) error {
	o := api.Options{
		Registry: n.registry, Customers: n.registry, Mailboxes: n.mailboxes,
		Alerts: n.store.Alerts, Runs: n.store.Runs, Detections: n.store.Runs, Links: linksOf(&n.cfg.Links), Events: n.store.Events, Letters: n.store.Replayable(), Auditor: auditor{n}, Tester: tester{n},
		Deliveries: n.deliveries, EventLog: eventLog{n.store.EventLog(), n.now}, Replays: n.replays, Redact: n.redactor.Redact, WatchRuns: n.runNews.watch,
		Keys: f.keys, Issuer: f.cfg.Auth.Issuer, Audience: f.cfg.Auth.Audience, Revocations: n.revoked,
		Rate: float64(f.cfg.HTTP.Rate), Burst: f.cfg.HTTP.Burst,
		Quotas:      n.quotas,
		Tests:       testQuotaOf(f.cfg),
		CORSOrigins: f.cfg.HTTP.CORSOrigins, Answers: n.answers,
		TokenSecret: keys.auth, Dev: f.cfg.Dev, AllowCIDRs: f.cfg.Egress.AllowCIDRs,
		Ready:        func(context.Context) []api.Lack { return n.lacks() },
		StreamStates: n.streamStates, Nodes: nodes{n},
		Info: n.info, Egress: n.egress, Standing: n.standing, Standings: n.standings,
		Version: f.version, Logger: f.log, Now: n.now,
	}
	if n.confirmer != nil {
		o.Confirmations = n.confirmer
	}
	n.watch(f.certificateEnds(n))
	if f.cfg.HTTP.MetricsListen == "" {
		o.Metrics = n.metrics.Handler()
	}
	if err := f.page(&o, keys); err != nil {
		return err
	}
	server, err := api.New(o)
	if err != nil {
		return err
	}
	f.endStreams = server.EndStreams
	f.server.Store(server)
	f.answer(below(f.cfg.Web.Base, server))
	return nil
}

// leaving turns requests away while the node hands its work back.
func (f *Server) leaving() {
	f.answer(away(api.Lack{Part: "node", Detail: "it stops: attempts in flight finish, the rest is handed back"}))
	if f.endStreams != nil {
		f.endStreams()
	}
}

func (f *Server) close() {
	f.stop()
	if f.keys != nil {
		f.keys.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, s := range f.servers {
		if s.Shutdown(ctx) != nil {
			_ = s.Close()
		}
	}
}

// auditor and tester fit the node to the API.
type auditor struct{ n *Node }

func (a auditor) Audit(ctx context.Context, from, to time.Time, customer string) (*transport.Audit, error) {
	return a.n.store.Audit(ctx, journal.AuditOptions{From: from, To: to, Customer: customer, Held: a.n.shard.Held, Routed: a.n.routedTo})
}

type tester struct{ n *Node }

// Test makes one attempt that is neither logged nor journaled. A mailbox that is
// not confirmed gets no test either.
func (t tester) Test(ctx context.Context, ep *transport.Endpoint, ev *transport.Event) transport.Answer {
	if ep.Kind == transport.KindEmail && t.n.confirmer.unconfirmed(ep.Customer, ep.Address) {
		return transport.Answer{Class: transport.Refused, Reason: transport.ReasonMailboxUnconfirmed,
			Detail: "nothing is sent to this mailbox before its owner opens the link in the mail that asks, and confirms"}
	}
	target, err := preparer{webhooks: t.n.sender, mail: t.n.mail}.target(ep)
	if err != nil {
		return transport.Answer{Class: transport.Refused, Reason: "endpoint_invalid", Detail: err.Error()}
	}
	defer target.Close()
	return target.Send(ctx, ev, 1)
}

// Preview shows the request that Test would make.
func (t tester) Preview(ep *transport.Endpoint, ev *transport.Event) (*api.Preview, transport.Answer) {
	target, err := t.n.sender.Prepare(ep)
	if err != nil {
		return nil, transport.Answer{Class: transport.Refused, Reason: "endpoint_invalid", Detail: err.Error()}
	}
	defer target.Close()
	p, refused := target.Preview(ev)
	return (*api.Preview)(p), refused
}
