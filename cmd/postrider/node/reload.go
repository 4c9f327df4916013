package node

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport/api"
	"github.com/postrider/postrider/transport/certificates"
	"github.com/postrider/postrider/transport/telemetry"
	"github.com/postrider/postrider/transport/watch"
)

// reloadable are the settings that a running node takes in.
var reloadable = []string{"log.level", "http.rate", "http.burst",
	"quota.endpoints", "quota.alerts", "quota.replays", "quota.events_per_second", "quota.bytes_per_second",
	"quota.log_share", "quota.requests_per_second", "quota.requests_burst", "quota.filter_time",
	"quota.tests_per_minute", "quota.tests_per_host", "quota.tests_per_mailbox"}

// Reload is what a running node reads its settings anew with.
type Reload struct {
	// Load gives the settings as they are now; they are validated here.
	Load func() (*config.Config, error)
	// File is the settings file; empty: config.DefaultFile.
	File string
	// Level is that of the log's lines.
	Level *slog.LevelVar
}

// reloader takes in, at SIGHUP and where the files have changed, what may
// change while a node runs: certificates, the level of log lines, limits. What
// is wrong is told, and what was there before holds.
type reloader struct {
	*Reload
	log *slog.Logger
	// api is the API's certificate, nil: none; producers reads that of
	// nats.listen, and says whether it changed.
	api       *certificates.Server
	producers func() (changed bool, err error)
	limits    func(*config.Config)
	// turn takes in another master key in place of the present one, and reseal
	// seals anew what that had sealed.
	turn   func(cfg, present *config.Config) (turned bool, err error)
	reseal func(context.Context)
	work   sync.WaitGroup
	// started are the settings that the node runs with, last those that were
	// read last.
	started, last *config.Config
}

// keepReloading runs a reloader until stop is called.
func keepReloading(o *Options, n *Node, s *Server, hup <-chan os.Signal) (stop func()) {
	if o.Reload == nil {
		return func() {}
	}
	r := &reloader{Reload: o.Reload, log: o.Log, api: s.certificate, producers: n.store.ReloadTLS, limits: func(cfg *config.Config) {
		s.setLimits(limitsOf(cfg))
		n.quotas.Set(quotaBounds(&cfg.Quota))
	}, turn: n.turnKey, reseal: n.reseal, started: o.Config, last: o.Config}
	if cfg, err := r.Load(); err == nil {
		r.started, r.last = cfg, cfg // without the keys that a development node makes
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer r.work.Wait()
		r.run(ctx, hup)
	}()
	return func() { cancel(); <-ended }
}

// files are what to watch: the settings, and what they name.
func (r *reloader) files() []string {
	h, n := &r.started.HTTP, &r.started.NATS
	list := append(r.started.Files(), cmp.Or(r.File, config.DefaultFile))
	for _, path := range []string{h.TLSCert, h.TLSKey, h.TLSClientCA, n.TLSCert, n.TLSKey, n.TLSCA} {
		if path != "" {
			list = append(list, path)
		}
	}
	return list
}

// run takes in changes until ctx ends.
func (r *reloader) run(ctx context.Context, hup <-chan os.Signal) {
	changed := make(chan struct{}, 1)
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watch.Files(watching, r.files(), r.log, func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	}()
	defer func() { stop(); <-watched }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			r.log.Info("SIGHUP: reading settings and certificates anew")
		case <-changed:
		}
		r.certificates()
		r.settings(ctx)
	}
}

func (r *reloader) certificates() {
	if r.api != nil {
		r.certificate("http.tls_cert", r.api.Reload)
	}
	r.certificate("nats.tls_cert", r.producers)
}

func (r *reloader) certificate(setting string, reload func() (bool, error)) {
	switch changed, err := reload(); {
	case err != nil:
		r.log.Error(setting+" was not taken in; the certificate before is still shown", "error", err)
	case changed:
		r.log.Info(setting + " was taken in: new connections are shown it")
	}
}

func (r *reloader) settings(ctx context.Context) {
	cfg, err := r.Load()
	if err == nil {
		err = cfg.Validate()
	}
	if err != nil {
		r.log.Error("the settings were not taken in; those before still hold", "error", err)
		return
	}
	changed := config.Changed(r.last, cfg)
	r.last = cfg
	if len(changed) == 0 {
		return
	}
	_ = telemetry.SetLevel(r.Level, cfg.Log.Level) // Validate has checked it
	r.limits(cfg)
	r.masterKey(ctx, cfg)
	if taken := slices.DeleteFunc(slices.Clone(changed), func(key string) bool { return !slices.Contains(reloadable, key) }); len(taken) > 0 {
		r.log.Info("settings were taken in", "settings", taken)
	}
	later := slices.DeleteFunc(config.Changed(r.started, cfg), func(key string) bool { return slices.Contains(reloadable, key) })
	if len(later) > 0 {
		r.log.Warn("settings that hold from the next start on have changed", "settings", later)
	}
}

// masterKey takes in another one; taking out the one before needs nothing done.
func (r *reloader) masterKey(ctx context.Context, cfg *config.Config) {
	if cfg.MasterKey == "" || r.started.MasterKey == "" { // a development node's own
		return
	}
	turned, err := r.turn(cfg, r.started)
	if err != nil {
		r.log.Error("master_key was not taken in; the one before still holds", "error", err)
		return
	}
	if turned {
		r.log.Info("master_key was taken in: what the one before sealed is sealed anew")
		r.work.Go(func() { r.reseal(ctx) })
	}
	with := *r.started
	with.MasterKey, with.MasterKeyPrevious = cfg.MasterKey, cfg.MasterKeyPrevious
	r.started = &with
}

func limitsOf(cfg *config.Config) api.Limits {
	return api.Limits{Rate: float64(cfg.HTTP.Rate), Burst: cfg.HTTP.Burst, Tests: testQuotaOf(cfg)}
}

func testQuotaOf(cfg *config.Config) api.TestQuota {
	q := &cfg.Quota
	return api.TestQuota{PerHost: q.TestsPerHost, PerMailbox: q.TestsPerMailbox}
}
