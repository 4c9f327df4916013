package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/cmd/postrider/store"
	"github.com/postrider/postrider/transport/jet/admin"
)

func (a *app) setupCommand() *cobra.Command {
	var dry, accounts bool
	c := &cobra.Command{
		Use:   "setup",
		Short: "Make what Postrider needs on an external NATS server",
		Long: `Makes the streams and buckets that a node makes at its start, or brings them up
to date, and tells what it did; a second time it does nothing. Replicas and
placement that were chosen there stay. This version has one shard and needs no
subject mapping. With --accounts it prints, alone, a part of the NATS server's
configuration that keeps producers to what is theirs.`,
		Example: "  postrider setup --nats-url nats://postrider:secret@10.1.2.3:4222 --dry-run\n  postrider setup --config /etc/postrider.yaml\n  postrider setup --accounts >> nats.conf",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			if accounts {
				_, err := fmt.Fprint(a.stdout, admin.ProducerAccounts)
				return err
			}
			cfg, err := a.serveSettings(c)
			if err != nil {
				return err
			}
			if cfg.NATS.URL == "" {
				return usagef("postrider setup needs nats.url (or --nats-url): the embedded server is set up by serve")
			}
			o := store.Options{Options: a.asideOptions(cfg), EventsKeep: cfg.Events.Keep, AttemptsKeep: cfg.Attempts.Keep,
				DeadLettersKeep: cfg.DeadLetters.Keep, DetectionsKeep: cfg.Detections.Keep}
			steps, err := store.Setup(c.Context(), o, dry)
			if err != nil {
				return fmt.Errorf("setup: %w", err)
			}
			return a.printSetup(steps, dry)
		},
	}
	addServeFlags(c)
	c.Flags().BoolVar(&dry, "dry-run", false, "tell what would be done, and do nothing")
	c.Flags().BoolVar(&accounts, "accounts", false, "print the accounts for the NATS server's configuration")
	return c
}

func (a *app) printSetup(steps []admin.SetupStep, dry bool) error {
	if a.output == "json" {
		return a.printJSON(map[string]any{"dry_run": dry, "steps": steps})
	}
	t := table{head: []string{"STREAM", "ACTION", "FIELDS"}}
	for _, s := range steps {
		t.add(s.Name, s.Action, orDash(strings.Join(s.Fields, " ")))
	}
	if err := t.print(a.stdout); err != nil {
		return err
	}
	note := "\nProducers belong into an account of their own: postrider setup --accounts prints one."
	if dry {
		note = "\ndry run: nothing was done"
	}
	_, err := fmt.Fprintln(a.stdout, note)
	return err
}
