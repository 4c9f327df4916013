package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout is shorter than what asks for health waits for this command.
const healthTimeout = 4 * time.Second

func (a *app) healthCommand() *cobra.Command {
	var ready bool
	c := &cobra.Command{
		Use:   "health",
		Short: "Tell whether the node on this machine lives, or is ready",
		Long: `Asks the node's /healthz, or with --ready its /readyz, and is left with exit code
1 where the answer is not good. It needs no token and no shell: it is the health
check of a container that holds nothing but postrider.`,
		Example: "  postrider health\n  postrider health --ready",
		Args:    arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			path := "/healthz"
			if ready {
				path = "/readyz"
			}
			return a.health(c.Context(), path)
		},
	}
	c.Flags().BoolVar(&ready, "ready", false, "whether it can work, not only whether it lives")
	return c
}

func (a *app) health(ctx context.Context, path string) error {
	server, err := a.serverURL()
	if err != nil {
		return err
	}
	secure, err := a.clientTLS()
	if err != nil {
		return err
	}
	cl := &client{base: server, http: &http.Client{Timeout: healthTimeout, Transport: clientTransport(secure)}}
	var answer map[string]any
	if _, err := cl.call(ctx, http.MethodGet, path, nil, &answer); err != nil {
		return err
	}
	if a.output == "json" {
		return a.printJSON(answer)
	}
	_, err = fmt.Fprintln(a.stdout, answer["status"])
	return err
}
