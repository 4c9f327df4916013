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
// change while a node runs: certificates, the level of log lines, limits, the
// master key. What is wrong is told, and what was there before holds. It runs for
// as long as Serve does: while a node starts, stands by, works, and is drained.
type reloader struct {
	*Reload
	log    *slog.Logger
	server *Server

	mu sync.Mutex // of what follows
	// node is there while one is attached, and owns the shard where owns says so;
	// attached ends with that.
	node     *Node
	owns     bool
	attached context.Context
	detached context.CancelFunc
	sealing  sync.WaitGroup
	// started are the settings that the node runs with, last those that were
	// read last.
	started, last *config.Config
}

// keepReloading runs a reloader until stop is called; nil: nothing is taken in.
func keepReloading(o *Options, s *Server, hup <-chan os.Signal) (r *reloader, stop func()) {
	if o.Reload == nil {
		return nil, func() {}
	}
	r = &reloader{Reload: o.Reload, log: o.Log, server: s, started: o.Config, last: o.Config}
	if cfg, err := r.Load(); err == nil {
		r.started, r.last = cfg, cfg // without the keys that a development node makes
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.run(ctx, hup)
	}()
	return r, func() { cancel(); <-ended }
}

// attach has a node take in what changes from now on, and what has changed before.
func (r *reloader) attach(n *Node, owns bool) {
	if r == nil {
		return
	}
	r.detach()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.node, r.owns = n, owns
	r.attached, r.detached = context.WithCancel(context.Background())
	r.limits(r.last)
	if r.started.MasterKey == "" {
		return
	}
	keys, err := keysOf(r.started)
	if err == nil {
		err = n.store.Vault().Turn(keys.master, keys.previous)
	}
	if err != nil {
		r.log.Error("master_key was not taken in; the one before still holds", "error", err)
		return
	}
	if owns && r.started.MasterKeyPrevious != "" && r.started.MasterKeyPrevious != n.cfg.MasterKeyPrevious {
		r.seal() // it was taken in while the node stood by
	}
}

// detach lets go of the node, which is about to stop.
func (r *reloader) detach() {
	if r == nil {
		return
	}
	r.mu.Lock()
	if r.node != nil {
		r.detached()
	}
	r.node, r.owns = nil, false
	r.mu.Unlock()
	r.sealing.Wait()
}

// limits shows the node and its API those of cfg.
func (r *reloader) limits(cfg *config.Config) {
	r.server.setLimits(limitsOf(cfg))
	if r.node != nil {
		r.node.quotas.Set(quotaBounds(&cfg.Quota))
	}
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
		r.mu.Lock()
		r.certificates()
		r.settings()
		r.mu.Unlock()
	}
}

func (r *reloader) certificates() {
	if r.server.certificate != nil {
		r.certificate("http.tls_cert", r.server.certificate.Reload)
	}
	if r.node != nil {
		r.certificate("nats.tls_cert", r.node.store.ReloadTLS)
	}
}

func (r *reloader) certificate(setting string, reload func() (bool, error)) {
	switch changed, err := reload(); {
	case err != nil:
		r.log.Error(setting+" was not taken in; the certificate before is still shown", "error", err)
	case changed:
		r.log.Info(setting + " was taken in: new connections are shown it")
	}
}

func (r *reloader) settings() {
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
	r.masterKey(cfg)
	if taken := slices.DeleteFunc(slices.Clone(changed), func(key string) bool { return !slices.Contains(reloadable, key) }); len(taken) > 0 {
		r.log.Info("settings were taken in", "settings", taken)
	}
	later := slices.DeleteFunc(config.Changed(r.started, cfg), func(key string) bool { return slices.Contains(reloadable, key) })
	if len(later) > 0 {
		r.log.Warn("settings that hold from the next start on have changed", "settings", later)
	}
}

func limitsOf(cfg *config.Config) api.Limits {
	return api.Limits{Rate: float64(cfg.HTTP.Rate), Burst: cfg.HTTP.Burst, Tests: testQuotaOf(cfg)}
}

func testQuotaOf(cfg *config.Config) api.TestQuota {
	q := &cfg.Quota
	return api.TestQuota{PerHost: q.TestsPerHost, PerMailbox: q.TestsPerMailbox}
}
