package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport/api"
	"github.com/postrider/postrider/transport/telemetry"
)

// adminTokenTTL is how long a development node's own token holds; each start
// makes another.
const adminTokenTTL = 30 * 24 * time.Hour

// serveFlags are the settings that serve takes as flags.
var serveFlags = map[string]string{
	"dev": "dev", "listen": "http.listen", "nats-url": "nats.url", "redis-url": "redis.url",
}

func (a *app) serveCommand() *cobra.Command {
	var printConfig, sample bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run a node",
		Long: `Runs a node until it is told to stop. The first SIGTERM or Ctrl-C lets attempts
in flight finish and hands the rest back to the log; a second one leaves at once.

With --dev, http and loopback endpoints are allowed, and the keys that are not
set are made and kept in the data folder. Without it auth.secret and master_key
must be set, endpoints must be https, and private addresses are refused.`,
		Example: "  postrider serve --dev\n  postrider serve --dev --sample\n  postrider serve --config /etc/postrider.yaml --data /var/lib/postrider\n  postrider serve --print-config",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.serveSettings(c)
			if err != nil {
				return err
			}
			if printConfig && a.output == "json" {
				return usagef("--print-config prints a settings file, which is YAML; leave -o json out")
			}
			if printConfig {
				return cfg.Print(a.stdout)
			}
			if sample && !cfg.Dev {
				return usagef("--sample is for a development node; add --dev")
			}
			if err := cfg.Validate(); err != nil {
				return err
			}
			return a.serve(c.Context(), cfg, sample)
		},
	}
	addServeFlags(c)
	f := c.Flags()
	f.BoolVar(&printConfig, "print-config", false, "print all settings with their meaning, secrets masked, and leave")
	f.BoolVar(&sample, "sample", false, "with --dev: a sample receiver and sample events, to see deliveries arrive")
	return c
}

// addServeFlags gives c the flags of serveFlags, for commands that work with a
// node's settings.
func addServeFlags(c *cobra.Command) {
	f := c.Flags()
	f.Bool("dev", false, "a development node: http and loopback endpoints, keys made and kept in the data folder")
	f.String("listen", "", "address of the HTTP API, host:port (default 127.0.0.1:8080)")
	f.String("nats-url", "", "an external NATS server in place of the embedded one")
	f.String("redis-url", "", "Redis, to remember event ids for longer")
}

func (a *app) serveSettings(c *cobra.Command) (*config.Config, error) {
	return a.settingsWith(c, map[string]any{})
}

// settingsWith is serveSettings with these given too, as flags would be.
func (a *app) settingsWith(c *cobra.Command, given map[string]any) (*config.Config, error) {
	if a.data != "" {
		given["data"] = a.data
	}
	for flag, key := range serveFlags {
		if c.Flags().Changed(flag) {
			given[key] = c.Flags().Lookup(flag).Value.String()
		}
	}
	return config.Load(config.Sources{File: a.configFile, Environ: a.env, Flags: given})
}

// serve runs a node with its HTTP face until ctx ends or the node must leave.
func (a *app) serve(ctx context.Context, cfg *config.Config, sample bool) error {
	log, err := telemetry.NewLogger(a.stderr, cfg.Log.Format, cfg.Log.Level)
	if err != nil {
		return err
	}
	slog.SetDefault(log) // net/http has words of its own for what receivers do
	keys, err := loadKeys(cfg)
	if err != nil {
		return err
	}
	if cfg.Dev {
		if err := leaveAdminToken(cfg, keys); err != nil {
			return err
		}
	}
	patience := cfg.Shutdown.Timeout
	metrics := telemetry.New(buildVersion()).LogTo(log)
	face, err := openFace(cfg, log, metrics)
	if err != nil {
		return err
	}
	defer face.close()
	if cfg.HTTPInClear() {
		log.Warn("the API is open to other machines without TLS: tokens and secrets cross the network in clear; in production this is refused unless http.insecure says so", "listen", cfg.HTTP.Listen)
	}
	n, err := startWaiting(ctx, cfg, keys, log, metrics)
	if err != nil {
		return err
	}
	if err := face.show(n, keys); err != nil {
		return errors.Join(err, a.leave(patience, n))
	}
	a.greet(cfg, face, n)
	if sample {
		stop, err := startSample(ctx, n, a.stdout)
		if err != nil {
			return errors.Join(err, a.leave(patience, n))
		}
		defer stop()
	}
	select {
	case <-ctx.Done():
		log.Info("stopping; a second signal leaves at once", "patience", patience)
	case err = <-n.fatal:
		log.Error("the node must leave and be started again", "error", err)
	case err = <-face.failed:
	}
	face.leaving()
	if err != nil {
		patience = min(patience, brokenPatience)
	}
	return errors.Join(err, a.leave(patience, n))
}

// brokenPatience is how long a node waits for attempts that must leave because
// something broke: their outcomes may not be kept any more.
const brokenPatience = 3 * time.Second

func (a *app) leave(patience time.Duration, n *node) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return n.stop(ctx)
}

// leaveAdminToken puts a token for this machine's user into the data folder.
func leaveAdminToken(cfg *config.Config, keys *nodeKeys) error {
	token, err := api.MintToken(keys.auth, "", []string{api.RoleAdmin, api.RoleOperator}, adminTokenTTL, time.Now())
	if err != nil {
		return err
	}
	return writePrivate(filepath.Join(cfg.Data, adminTokenFile), token+"\n")
}
