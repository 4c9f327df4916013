package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/admin"
)

const (
	// backupFile tells what a backup holds. It is written last: without it
	// the rest is none.
	backupFile   = "backup.json"
	backupKeys   = "keys"
	backupForm   = 1
	maxBackup    = 16 << 20
	maxKeyLength = 64 << 10
)

// backup is what backupFile says.
type backup struct {
	Form    int                  `json:"form"`
	At      time.Time            `json:"at"`
	Version string               `json:"version"`
	Keys    bool                 `json:"keys"`
	Streams []admin.BackupStream `json:"streams"`
}

func (a *app) backupCommand() *cobra.Command {
	var withKeys bool
	c := &cobra.Command{
		Use:   "backup DIR",
		Short: "Write the data of a stopped node into a new folder",
		Long: `Writes a snapshot of every stream of a node into a new folder: events with what
is settled of them, what waits with its times, the journal, dead letters,
endpoints, customers, alerts and runs. Stop the node first: what it changes
meanwhile would not add up. Secrets stay encrypted with the master key, which is
written only with --with-keys, and only that of a development node.`,
		Example: "  postrider backup --data /var/lib/postrider /backups/2026-01-31\n  postrider backup --nats-url nats://10.1.2.3:4222 /backups/2026-01-31",
		Args:    arguments("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.serveSettings(c)
			if err != nil {
				return err
			}
			return a.backUp(c, cfg, args[0], withKeys)
		},
	}
	addServeFlags(c)
	c.Flags().BoolVar(&withKeys, "with-keys", false, "the key files of the data folder too (whoever has them reads every secret)")
	return c
}

func (a *app) restoreCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "restore DIR",
		Short: "Bring a backup into an empty node",
		Long: `Brings what backup wrote into a data folder (or an external NATS server) that
has no data of Postrider yet, and checks it: each file's digest before, and each
stream's messages and sequences after. Nothing stays behind where it fails.`,
		Example: "  postrider restore --data /var/lib/postrider-2 /backups/2026-01-31",
		Args:    arguments("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.serveSettings(c)
			if err != nil {
				return err
			}
			return a.restore(c, cfg, args[0])
		},
	}
	addServeFlags(c)
	return c
}

// asideOptions are those of a command that works on a node's data without
// being one.
func (a *app) asideOptions(cfg *config.Config) jet.Options {
	return jet.Options{URL: cfg.NATS.URL.Reveal(), Credentials: cfg.NATS.Credentials, NKey: cfg.NATS.NKey, TLS: node.NATSFiles(cfg), DataDir: cfg.Data, MaxStore: int64(cfg.NATS.MaxStore),
		Logger: slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelError}))}
}

func (a *app) backUp(c *cobra.Command, cfg *config.Config, folder string, withKeys bool) error {
	if cfg.NATS.URL == "" {
		if err := hasData(cfg.Data); err != nil {
			return err
		}
	}
	if err := newFolder(folder); err != nil {
		return err
	}
	p := a.progress("written bytes", 0)
	streams, err := admin.Backup(c.Context(), a.asideOptions(cfg), folder, func(n int64) { p.show(int(n)) })
	p.end()
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	b := &backup{Form: backupForm, At: time.Now().UTC(), Version: buildVersion(), Streams: streams}
	if withKeys {
		if b.Keys, err = copyKeys(cfg.Data, filepath.Join(folder, backupKeys)); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	if err := node.WritePrivate(filepath.Join(folder, backupFile), string(text)+"\n"); err != nil {
		return err
	}
	return a.printBackup(b, nil)
}

// hasData tells whether a node has kept something in a data folder.
func hasData(folder string) error {
	if _, err := os.Stat(filepath.Join(folder, "jetstream")); err != nil {
		return fmt.Errorf("%s holds no node's data; give it with --data", folder)
	}
	return nil
}

// newFolder makes a folder; one that is there must be empty.
func newFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s is not empty; give a new folder", folder)
	}
	return err
}

// copyKeys copies the key files that are in from, with the mode 0600, to where
// none of them may be yet.
func copyKeys(from, to string) (any bool, err error) {
	for _, name := range []string{node.AuthKeyFile, node.MasterKeyFile} {
		b, err := readPlain(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return any, err
		}
		target := filepath.Join(to, name)
		if _, err := os.Stat(target); err == nil {
			return any, fmt.Errorf("%s is there already; move it away first", target)
		}
		if err := node.WritePrivate(target, string(b)); err != nil {
			return any, err
		}
		any = true
	}
	return any, nil
}

func readPlain(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, path, maxKeyLength)
}

func (a *app) restore(c *cobra.Command, cfg *config.Config, folder string) error {
	b, err := a.readBackup(folder)
	if err != nil {
		return err
	}
	p := a.progress("restored bytes", 0)
	notes, err := admin.Restore(c.Context(), a.asideOptions(cfg), folder, b.Streams, func(n int64) { p.show(int(n)) })
	p.end()
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if b.Keys {
		if _, err := copyKeys(filepath.Join(folder, backupKeys), cfg.Data); err != nil {
			return err
		}
	}
	return a.printBackup(b, notes)
}

func (a *app) readBackup(folder string) (*backup, error) {
	path := filepath.Join(folder, backupFile)
	text, err := a.readFile(path, maxBackup)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not there: %s holds no backup, or one that broke off", path, folder)
	}
	if err != nil {
		return nil, err
	}
	return parseBackup(path, text)
}

// parseBackup reads backupFile, and refuses what another version wrote.
func parseBackup(path string, text []byte) (*backup, error) {
	b := &backup{}
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("%s cannot be read (%w); the backup is damaged", path, err)
	}
	if b.Form != backupForm || len(b.Streams) == 0 {
		return nil, fmt.Errorf("%s is of form %d, which this version does not know; use the version that wrote it (%.40s)", path, b.Form, oneLine(b.Version))
	}
	return b, nil
}

func (a *app) printBackup(b *backup, notes []string) error {
	if a.output == "json" {
		return a.printJSON(map[string]any{"backup": b, "notes": orEmpty(notes)})
	}
	t := table{head: []string{"STREAM", "MESSAGES", "LAST", "BYTES", "SHA256"}}
	for _, s := range b.Streams {
		t.add(s.Name, grouped(s.State.Messages), s.State.LastSeq, grouped(uint64(s.Bytes)), cut(s.SHA256, 12))
	}
	if err := t.print(a.stdout); err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintln(a.stdout, oneLine(note))
	}
	if b.Keys {
		fmt.Fprintln(a.stdout, "with the key files: keep this backup as secret as the keys")
	}
	return nil
}
