package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/transport"
)

func (a *app) endpointPause() *cobra.Command {
	return &cobra.Command{
		Use:     "pause ENDPOINT",
		Short:   "Pause deliveries; what comes meanwhile waits",
		Example: "  postrider endpoint pause 6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
		Args:    arguments("ENDPOINT"),
		RunE:    func(c *cobra.Command, args []string) error { return a.endpointState(c, args[0], "/pause") },
	}
}

func (a *app) endpointResume() *cobra.Command {
	return &cobra.Command{
		Use:   "resume ENDPOINT",
		Short: "Go on after a pause, or after the endpoint was disabled",
		Long: `Goes on delivering after a pause, or after Postrider disabled the endpoint. What
waited goes out, at a growing pace where the endpoint had failed before.`,
		Example: "  postrider endpoint resume 6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
		Args:    arguments("ENDPOINT"),
		RunE:    func(c *cobra.Command, args []string) error { return a.endpointState(c, args[0], "/resume") },
	}
}

// endpointState asks for another state and prints the one the endpoint has then.
func (a *app) endpointState(c *cobra.Command, id, action string) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	if id, err = endpointResource.resolve(c.Context(), cl, id); err != nil {
		return err
	}
	var raw json.RawMessage
	if _, err := cl.call(c.Context(), http.MethodPost, endpointPath(id, action), nil, &raw); err != nil {
		return err
	}
	if a.output == "json" {
		return a.printJSON(raw)
	}
	var ep transport.Endpoint
	if err := json.Unmarshal(raw, &ep); err != nil {
		return fmt.Errorf("%s gave an answer that cannot be read (%w); use the same version as the node", cl.base, err)
	}
	_, err = fmt.Fprintln(a.stdout, ep.State)
	return err
}

func (a *app) endpointSecret() *cobra.Command {
	return &cobra.Command{
		Use:     "secret ENDPOINT",
		Short:   "Print an endpoint's secret, alone",
		Example: "  postrider endpoint secret 6f9619ff-8b86-4d01-b42d-00cf4fc964ff > secret.txt",
		Args:    arguments("ENDPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.secretOf(c, http.MethodGet, args[0], "/secret", nil)
		},
	}
}

func (a *app) endpointRotate() *cobra.Command {
	var overlap time.Duration
	c := &cobra.Command{
		Use:   "rotate ENDPOINT",
		Short: "Give an endpoint a new secret and print it, alone",
		Long: `Gives the endpoint a new secret. The old one goes on signing beside it for the
overlap, so that the receiver can change over without losing a delivery.`,
		Example: "  postrider endpoint rotate 6f9619ff-8b86-4d01-b42d-00cf4fc964ff --overlap 48h",
		Args:    arguments("ENDPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			body := map[string]any{}
			if c.Flags().Changed("overlap") {
				body["overlap"] = overlap.String()
			}
			if secret, err := a.secretFrom(c); err != nil {
				return err
			} else if secret != "" {
				body["secret"] = secret
			}
			return a.secretOf(c, http.MethodPost, args[0], "/rotate", body)
		},
	}
	addSecretFlags(c)
	c.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the old secret signs too")
	return c
}

func (a *app) secretOf(c *cobra.Command, method, id, action string, body any) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	if id, err = endpointResource.resolve(c.Context(), cl, id); err != nil {
		return err
	}
	var raw json.RawMessage
	if _, err := cl.call(c.Context(), method, endpointPath(id, action), body, &raw); err != nil {
		return err
	}
	if a.output == "json" {
		return a.printJSON(raw)
	}
	var answer struct {
		Secret string `json:"secret"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.Secret == "" {
		return fmt.Errorf("%s gave no secret; use the same version as the node", cl.base)
	}
	_, err = fmt.Fprintln(a.stdout, oneLine(answer.Secret))
	return err
}

func headerNames(headers map[string]string) []string { return slices.Sorted(maps.Keys(headers)) }

func deliveryText(d *transport.Delivery) string {
	waits := make([]string, len(d.Schedule))
	for i, w := range d.Schedule {
		waits[i] = shortly(time.Duration(w))
	}
	text := fmt.Sprintf("success %s, timeout %s, concurrency %d", d.Success, shortly(time.Duration(d.Timeout)), d.Concurrency)
	if !d.Retries {
		return text + ", no retries"
	}
	return text + ", retries after " + strings.Join(waits, " ")
}

// shortly writes 5m0s as 5m and 2h0m0s as 2h.
func shortly(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func orEmpty[T any](rows []T) []T {
	if rows == nil {
		return []T{}
	}
	return rows
}
