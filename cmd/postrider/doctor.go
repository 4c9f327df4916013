package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/cmd/postrider/store"
	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/api"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/admin"
	"github.com/postrider/postrider/transport/ledger"
)

// readyTimeout is how long a running node may take to say how it is.
const readyTimeout = 2 * time.Second

func (a *app) doctorCommand() *cobra.Command {
	var producer admin.Producer
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check what a node needs, each with what to do",
		Long: `Checks the settings, keys, data folder and disk, NATS (version, JetStream,
streams, subject mapping, what producers can reach), Redis (writes, persistence,
eviction) and the clocks, for a node with these settings, whether one is running
or not. It changes nothing. The exit code is 1 where one of them fails. Where
nothing says whether the node is a development node, its data folder does;
--dev=false asks what production would need.`,
		Example: `  postrider doctor
  postrider doctor --config /etc/postrider.yaml --data /var/lib/postrider
  postrider doctor --nats-url nats://10.1.2.3:4222 --producer-url nats://producer:secret@10.1.2.3:4222`,
		Args: arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.serveSettings(c)
			if err == nil && ofDevelopmentNode(cfg) {
				cfg, err = a.settingsWith(c, map[string]any{"dev": "true"})
			}
			if err != nil {
				return a.printFindings(settingsFindings(err))
			}
			return a.printFindings(a.examine(c.Context(), cfg, producer))
		},
	}
	addServeFlags(c)
	c.Flags().StringVar(&producer.URL, "producer-url", "", "how a producer reaches an external NATS server, to try what it can reach there")
	c.Flags().StringVar(&producer.Credentials, "producer-credentials", "", "a producer's credentials file (.creds)")
	return c
}

// ofDevelopmentNode tells whether the data folder is a development node's,
// where no setting says what the node is: only such a node makes its own key.
func ofDevelopmentNode(cfg *config.Config) bool {
	if cfg.Origin("dev").Place != "" || cfg.Auth.Secret != "" || cfg.Auth.JWKS != "" {
		return false
	}
	_, err := os.Stat(filepath.Join(cfg.Data, node.AuthKeyFile))
	return err == nil
}

// settingsFindings makes a line of each setting that is wrong.
func settingsFindings(err error) []transport.Finding {
	if err == nil {
		return []transport.Finding{{Part: "settings", Level: transport.FindingOK, Text: "valid"}}
	}
	var all []transport.Finding
	for line := range strings.SplitSeq(err.Error(), "\n") {
		what, remedy, _ := strings.Cut(line, "; ")
		all = append(all, transport.Finding{Part: "settings", Level: transport.FindingFail, Text: what, Remedy: remedy})
	}
	return all
}

func (a *app) examine(ctx context.Context, cfg *config.Config, producer admin.Producer) []transport.Finding {
	found := settingsFindings(cfg.Validate())
	master, keys := examineKeys(cfg)
	found = append(found, keys...)
	o := jet.Options{URL: cfg.NATS.URL.Reveal(), Credentials: cfg.NATS.Credentials, NKey: cfg.NATS.NKey, TLS: node.NATSFiles(cfg), DataDir: cfg.Data, MaxStore: int64(cfg.NATS.MaxStore), MasterKey: master}
	o.PreviousMasterKey, _ = cfg.MasterKeyPreviousBytes() // the settings' lines tell
	folder, inUse := admin.ExamineFolder(o)
	found = append(found, folder...)
	found = append(found, a.examineNode(ctx, cfg, inUse)...)
	found = append(found, store.Examine(ctx, o, producer)...)
	return append(found, examineRedis(ctx, cfg)...)
}

// examineKeys gives the master key that a node would start with, without
// making one.
func examineKeys(cfg *config.Config) (master []byte, found []transport.Finding) {
	if cfg.Dev && cfg.MasterKey == "" {
		kept, err := os.ReadFile(filepath.Join(cfg.Data, node.MasterKeyFile))
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil, []transport.Finding{{Part: "keys", Level: transport.FindingOK, Text: "not there yet; a development node makes its own"}}
		case err != nil:
			return nil, []transport.Finding{{Part: "keys", Level: transport.FindingFail, Text: err.Error(), Remedy: "make the key files belong to the user that the node runs as"}}
		}
		cfg.MasterKey = config.Secret(strings.TrimSpace(string(kept)))
	}
	for _, name := range []string{node.MasterKeyFile, node.AuthKeyFile, node.AdminTokenFile} {
		path := filepath.Join(cfg.Data, name)
		info, err := os.Stat(path)
		if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			found = append(found, transport.Finding{Part: "keys", Level: transport.FindingFail,
				Text: fmt.Sprintf("%s may be read by others (mode %04o)", path, info.Mode().Perm()), Remedy: "chmod 600 " + path + ", and change the key where others are on this machine"})
		}
	}
	master, err := cfg.MasterKeyBytes()
	if err != nil || master == nil || len(found) > 0 {
		return master, found // the settings' lines tell
	}
	return master, []transport.Finding{{Part: "keys", Level: transport.FindingOK, Text: "there"}}
}

// examineNode asks the node itself, where one is running: also what it does
// without, or has little of.
func (a *app) examineNode(ctx context.Context, cfg *config.Config, inUse bool) []transport.Finding {
	f, lacks := a.askNode(ctx, cfg, inUse)
	found := []transport.Finding{f}
	for _, lack := range lacks {
		text, remedy, _ := strings.Cut(lack.Detail, "; ")
		found = append(found, transport.Finding{Part: lack.Part, Level: transport.FindingWarn, Text: text, Remedy: remedy})
	}
	return found
}

func (a *app) askNode(ctx context.Context, cfg *config.Config, inUse bool) (transport.Finding, []api.Lack) {
	f := transport.Finding{Part: "node", Level: transport.FindingOK, Text: "not running"}
	address := cmp.Or(a.server, a.getenv(serverVariable), apiURL(cfg))
	secure, err := a.clientTLS()
	if err != nil {
		f.Level, f.Text, f.Remedy = transport.FindingWarn, err.Error(), "mend it, so that the node can be asked"
		return f, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	cl := &client{base: strings.TrimSuffix(address, "/"), http: &http.Client{Transport: clientTransport(secure)}}
	var answer struct {
		Status  string
		Missing []api.Lack
	}
	_, err = cl.call(ctx, http.MethodGet, "/readyz?standby=ok", nil, &answer)
	var refused *apiError
	switch {
	case err == nil && answer.Status == api.NodeStandby:
		f.Text = "running at " + address + ", standing by: another node owns the shard"
	case err == nil:
		f.Text = "running at " + address + ", and ready"
	case errors.As(err, &refused):
		f.Level, f.Text, f.Remedy = transport.FindingFail, "running at "+address+": "+refused.Message, "see the lines below, and the node's log"
	case inUse:
		f.Level, f.Text, f.Remedy = transport.FindingWarn, "a node uses the data folder, and does not answer at "+address, "give its address with --listen or --server; if that is right, look at its log"
	}
	return f, answer.Missing
}

func examineRedis(ctx context.Context, cfg *config.Config) []transport.Finding {
	if cfg.Redis.URL == "" {
		return []transport.Finding{{Part: "redis", Level: transport.FindingOK, Text: "not set; event ids are remembered for " + cfg.Dedup.Local.String()}}
	}
	r, err := ledger.NewRedis(cfg.Redis.URL.Reveal(), cfg.Dedup.Redis, ledger.RedisOptions{Timeout: readyTimeout, Files: node.RedisFiles(cfg)})
	if err != nil {
		return []transport.Finding{{Part: "redis", Level: transport.FindingFail, Text: err.Error(), Remedy: "mend redis.url"}}
	}
	found, skew, known := r.Examine(ctx)
	if known {
		found = append(found, admin.ClockFinding("Redis", skew))
	}
	_ = r.Close() // nothing is under way
	return found
}

// printFindings shows them, and ends with exit code 1 where one fails.
func (a *app) printFindings(found []transport.Finding) error {
	failed := false
	for i := range found {
		failed = failed || found[i].Level == transport.FindingFail
	}
	if a.output == "json" {
		if err := a.printJSON(map[string]any{"ok": !failed, "checks": found}); err != nil {
			return err
		}
	} else {
		for _, f := range found {
			fmt.Fprintf(a.stdout, "%-5s %-12s %s\n", f.Level, f.Part, oneLine(f.Text))
			if f.Remedy != "" {
				fmt.Fprintf(a.stdout, "%18s → %s\n", "", oneLine(f.Remedy))
			}
		}
	}
	if failed {
		return silentError{}
	}
	return nil
}
