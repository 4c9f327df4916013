package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/admin"
	"github.com/postrider/postrider/transport/jet/registry"
)

func (a *app) secretsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "secrets",
		Short:   "The master key, with which secrets are encrypted at rest",
		Example: "  postrider secrets rotate --config /etc/postrider.yaml",
	}
	c.AddCommand(a.secretsRotate())
	return c
}

func (a *app) secretsRotate() *cobra.Command {
	c := &cobra.Command{
		Use:   "rotate",
		Short: "Encrypt every stored secret and header value with a new master key",
		Long: `Encrypts anew, with master_key, every stored secret, header value and client key
that master_key_previous had encrypted. A node that is started with both keys
reads either and does the same by itself, so with the embedded server this
command is for a stopped node; with an external one it may run beside the node.
It may be broken off and run again. When it is done, take the old key out.`,
		Example: `  export POSTRIDER_MASTER_KEY_PREVIOUS=$POSTRIDER_MASTER_KEY
  export POSTRIDER_MASTER_KEY=$(openssl rand -hex 32)
  postrider secrets rotate --data /var/lib/postrider`,
		Args: arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.serveSettings(c)
			if err != nil {
				return err
			}
			o := a.asideOptions(cfg)
			if o.MasterKey, err = cfg.MasterKeyBytes(); err != nil {
				return err
			}
			if o.PreviousMasterKey, err = cfg.MasterKeyPreviousBytes(); err != nil {
				return err
			}
			if o.MasterKey == nil || o.PreviousMasterKey == nil {
				return usagef("postrider secrets rotate needs both keys: set POSTRIDER_MASTER_KEY to the new one and POSTRIDER_MASTER_KEY_PREVIOUS to the one before")
			}
			if string(o.MasterKey) == string(o.PreviousMasterKey) {
				return &transport.FieldError{Field: "master_key_previous", Message: "is the master key itself; set POSTRIDER_MASTER_KEY to a new one"}
			}
			return a.reseal(c, o)
		},
	}
	addServeFlags(c)
	return c
}

func (a *app) reseal(c *cobra.Command, o jet.Options) error {
	if o.URL == "" {
		if err := hasData(o.DataDir); err != nil {
			return err
		}
		if _, inUse := admin.ExamineFolder(o); inUse {
			return fmt.Errorf("a node uses %s: started with both keys it encrypts anew by itself, and its log says when; or stop it first", o.DataDir)
		}
	}
	p := a.progress("endpoints looked at", 0)
	resealed, err := registry.ResealAside(c.Context(), o, p.show)
	p.end()
	if err != nil {
		return fmt.Errorf("secrets rotate: %w (%s done; run it again to go on)", err, counted(uint64(resealed), "endpoint was", "endpoints were"))
	}
	if a.output == "json" {
		return a.printJSON(map[string]int{"resealed": resealed})
	}
	_, err = fmt.Fprintf(a.stdout, "%s encrypted anew, none is left; take POSTRIDER_MASTER_KEY_PREVIOUS out\n", counted(uint64(resealed), "endpoint", "endpoints"))
	return err
}
