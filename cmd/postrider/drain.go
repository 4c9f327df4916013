package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/transport/api"
)

const (
	// drainWait is how long the command waits where --wait does not say.
	drainWait = 30 * time.Second
	drainPoll = 250 * time.Millisecond
)

func (a *app) drainCommand() *cobra.Command {
	var id string
	var wait time.Duration
	c := &cobra.Command{
		Use:   "drain",
		Short: "Have a node make no new leases, before it is stopped",
		Long: `Has a node make no new leases: attempts under way finish, what was not begun is
handed back to the log, and /readyz says 503, so that whoever balances load
leaves it alone. It holds until the node is started again. Waits until nothing is
in hand; exit code 1 where that takes longer than --wait.

It needs the role operator. On a node's own machine, where auth.secret can be
read and no token is given, it makes one for itself.`,
		Example: "  postrider drain\n  postrider drain --node postrider-0 --wait 1m",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			cl, err := a.operatorClient()
			if err != nil {
				return err
			}
			return a.drain(c.Context(), cl, id, wait)
		},
	}
	c.Flags().StringVar(&id, "node", "self", "the node's id or name; self is the one that --server reaches")
	c.Flags().DurationVar(&wait, "wait", drainWait, "how long to wait until nothing is in hand; 0s: not at all")
	return c
}

func (a *app) drain(ctx context.Context, cl *client, id string, wait time.Duration) error {
	over := time.After(wait)
	tick := time.NewTicker(drainPoll)
	defer tick.Stop()
	for {
		var n api.Node
		if _, err := cl.call(ctx, http.MethodPost, "/v1/nodes/"+url.PathEscape(id)+"/drain", nil, &n); err != nil {
			return err
		}
		if n.State == api.NodeDrained || wait == 0 {
			return a.printNode(&n)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return fmt.Errorf("node %s makes no new leases, and after %s still has %d events in hand; stop it all the same: what is in hand is handed back", n.Name, wait, n.InHand)
		case <-tick.C:
		}
	}
}

func (a *app) printNode(n *api.Node) error {
	if a.output == "json" {
		return a.printJSON(n)
	}
	_, err := fmt.Fprintf(a.stdout, "%s %s, %d in hand\n", n.Name, n.State, n.InHand)
	return err
}

// operatorClient is client with, where no token is given, one that it makes
// with the key of a node on this machine.
func (a *app) operatorClient() (*client, error) {
	cl, err := a.client()
	if err == nil || a.server != "" || a.getenv(serverVariable) != "" {
		return cl, err
	}
	cfg, cfgErr := a.settings()
	if cfgErr != nil || cfg.Auth.Secret == "" {
		return nil, err
	}
	token, mintErr := api.MintToken([]byte(cfg.Auth.Secret.Reveal()), "", []string{api.RoleOperator}, time.Minute, time.Now())
	if mintErr != nil {
		return nil, errors.Join(err, mintErr)
	}
	with := *a
	with.tokenFlag = token
	return with.client()
}
