package main

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport/telemetry"
)

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
			return a.serve(c.Context(), cfg, sample, func() (*config.Config, error) { return a.serveSettings(c) })
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

// serve runs a node until ctx ends or it must leave; load reads the settings anew.
func (a *app) serve(ctx context.Context, cfg *config.Config, sample bool, load func() (*config.Config, error)) error {
	log, level, err := telemetry.NewLeveledLogger(a.stderr, cfg.Log.Format, cfg.Log.Level)
	if err != nil {
		return err
	}
	slog.SetDefault(log) // net/http has words of its own for what receivers do
	o, err := nodeOptions(cfg, log)
	if err != nil {
		return err
	}
	if cfg.Dev {
		if err := o.Keys.LeaveAdminToken(cfg.Data); err != nil {
			return err
		}
	}
	o.Reload = &node.Reload{Load: load, File: a.configFile, Level: level}
	return node.Serve(ctx, o, func(n *node.Node, s *node.Server) (func(), error) {
		a.greet(cfg, s.URL(), s.PageURL(), n.ProducersURL(), log)
		if sample {
			return startSample(ctx, n, log, a.stdout)
		}
		return func() {}, nil
	})
}

// nodeOptions are those of a node with these settings; a development node's
// keys are made where they are not there.
func nodeOptions(cfg *config.Config, log *slog.Logger) (*node.Options, error) {
	keys, err := node.LoadKeys(cfg)
	if err != nil {
		return nil, err
	}
	return &node.Options{Config: cfg, Keys: keys, Version: buildVersion(), Log: log, Metrics: telemetry.New(buildVersion()).LogTo(log)}, nil
}
