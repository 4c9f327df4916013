package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport/api"
)

func (a *app) tokenCommand() *cobra.Command {
	var customer string
	var roles []string
	var ttl time.Duration
	c := &cobra.Command{
		Use:   "token",
		Short: "Make a token for the HTTP API and print it, alone",
		Long: `Makes a JWT with the node's key (auth.secret, or auth.key in a development
node's data folder) and prints nothing else. Roles: admin may do everything for
its customer, operator for all customers; see docs/operations.md for the rest.
A token is revoked by postrider token revoke.`,
		Example: "  postrider token --customer acme --role admin --ttl 8h\n  postrider token --customer acme --role publish-events --role replay-deliveries\n  POSTRIDER_TOKEN=$(postrider token --role operator) postrider audit",
		Args:    arguments(),
		RunE: func(*cobra.Command, []string) error {
			if len(roles) == 0 {
				return usagef("postrider token needs --role, for example --role admin")
			}
			cfg, err := a.settings()
			if err != nil {
				return err
			}
			key, err := authKey(cfg)
			if err != nil {
				return err
			}
			if err := api.CheckRoles(roles); err != nil {
				return usagef("%s", err)
			}
			token, err := api.MintToken(key, customer, roles, ttl, time.Now())
			if err != nil {
				return usagef("%s", err)
			}
			if a.output == "json" {
				return a.printJSON(map[string]string{"token": token})
			}
			_, err = fmt.Fprintln(a.stdout, token)
			return err
		},
	}
	c.AddCommand(a.tokenRevoke())
	c.Flags().StringVar(&customer, "customer", "", "the customer it is for; an operator's may be without")
	c.Flags().StringArrayVar(&roles, "role", nil, "what it may do; repeatable")
	c.Flags().DurationVar(&ttl, "ttl", time.Hour, "how long it holds")
	return c
}

// authKey is the key of the API's tokens: the setting's, else a development
// node's own.
func authKey(cfg *config.Config) ([]byte, error) {
	if s := cfg.Auth.Secret.Reveal(); s != "" {
		return []byte(s), nil
	}
	path := filepath.Join(cfg.Data, node.AuthKeyFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no key: auth.secret is not set and %s is not there; set POSTRIDER_AUTH_SECRET, or --data with a development node's data folder", path)
	}
	if err != nil {
		return nil, fmt.Errorf("no key: %w", err)
	}
	return []byte(strings.TrimSpace(string(b))), nil
}
