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
func (s *Server) listenMetrics() error {
	if s.cfg.HTTP.MetricsListen == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.cfg.HTTP.MetricsListen)
	if err != nil {
		return fmt.Errorf("http.metrics_listen: %w; choose another address", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.Handler())
	s.serve(l, s.newServer(telemetry.ListenerMetrics, httpserver.Options{
		Handler: mux, Connections: s.bounds.metrics, PerAddress: s.bounds.metrics / 2}))
	return nil
}

func (s *Server) answer(h http.Handler) { s.handler.Store(&h) }

func (s *Server) serve(l net.Listener, inner *httpserver.Server) {
	s.servers = append(s.servers, inner)
	go func() {
		if err := inner.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("%s: %w", l.Addr(), err)
		}
	}()
}

// URL is where the API is.
func (s *Server) URL() string {
	if s.certificate != nil {
		return "https://" + s.main.Addr().String()
	}
	return "http://" + s.main.Addr().String()
}

// setLimits does nothing before show, which begins with the settings' own.
func (s *Server) setLimits(l api.Limits) {
	if inner := s.server.Load(); inner != nil {
		inner.SetLimits(l)
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
func (s *Server) show(n *Node, keys *Keys) error {
	o := api.Options{
		Registry: n.registry, Customers: n.registry, Mailboxes: n.mailboxes,
		Alerts: n.store.Alerts, Runs: n.store.Runs, Detections: n.store.Runs, Links: linksOf(&n.cfg.Links), Events: n.store.Events, Letters: n.store.Replayable(), Auditor: auditor{n}, Tester: tester{n},
		Deliveries: n.deliveries, EventLog: eventLog{n.store.EventLog(), n.now}, Replays: n.replays, ChangeLog: n.changeLog, Redact: n.redactor.Redact, WatchRuns: n.runNews.watch,
		Keys: s.keys, Issuer: s.cfg.Auth.Issuer, Audience: s.cfg.Auth.Audience, Revocations: n.revoked,
		Rate: float64(s.cfg.HTTP.Rate), Burst: s.cfg.HTTP.Burst,
		Quotas:      n.quotas,
		Room:        n.room,
		Tests:       testQuotaOf(s.cfg),
		CORSOrigins: s.cfg.HTTP.CORSOrigins, Answers: n.answers, AnswersRoom: n.room.answers(),
		TokenSecret: keys.auth, Dev: s.cfg.Dev, AllowCIDRs: s.cfg.Egress.AllowCIDRs,
		Ready:        func(context.Context) []api.Lack { return n.lacks() },
		StreamStates: n.streamStates, Nodes: nodes{n},
		Info: n.info, Egress: n.egress, Standing: n.standing, Standings: n.standings,
		Version: s.version, Logger: s.log, Now: n.now,
	}
	if n.confirmer != nil {
		o.Confirmations = n.confirmer
	}
	n.watch(s.certificateEnds(n))
	if s.cfg.HTTP.MetricsListen == "" {
		o.Metrics = n.metrics.Handler()
	}
	if err := s.page(&o, keys); err != nil {
		return err
	}
	server, err := api.New(o)
	if err != nil {
		return err
	}
	s.endStreams = server.EndStreams
	s.server.Store(server)
	s.answer(below(s.cfg.Web.Base, server))
	return nil
}

// leaving turns requests away while the node hands its work back.
func (s *Server) leaving() {
	s.answer(away(api.Lack{Part: "node", Detail: "it stops: attempts in flight finish, the rest is handed back"}))
	if s.endStreams != nil {
		s.endStreams()
	}
}

func (s *Server) close() {
	s.stop()
	if s.keys != nil {
		s.keys.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, inner := range s.servers {
		if inner.Shutdown(ctx) != nil {
			_ = inner.Close()
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
func (t tester) Preview(ep *transport.Endpoint, ev *transport.Event, at time.Time) (*api.Preview, transport.Answer) {
	target, err := t.n.sender.Prepare(ep)
	if err != nil {
		return nil, transport.Answer{Class: transport.Refused, Reason: "endpoint_invalid", Detail: err.Error()}
	}
	defer target.Close()
	p, refused := target.Preview(ev, at)
	return (*api.Preview)(p), refused
}
