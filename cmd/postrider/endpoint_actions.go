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

func (a *app) endpointTest() *cobra.Command {
	return &cobra.Command{
		Use:     "test ENDPOINT",
		Short:   "Send one test delivery now and show the answer",
		Long:    "Sends one signed test delivery, past the log, and shows what the endpoint answered. The exit code is 1 where it did not accept it.",
		Example: `  postrider endpoint test 6f9619ff-8b86-4d01-b42d-00cf4fc964ff`,
		Args:    arguments("ENDPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if _, err := cl.call(c.Context(), http.MethodPost, endpointPath(args[0], "/test"), struct{}{}, &raw); err != nil {
				return err
			}
			var test testAnswer
			if err := json.Unmarshal(raw, &test); err != nil {
				return fmt.Errorf("%s gave an answer that cannot be read (%w); use the same version as the node", cl.base, err)
			}
			if a.output == "json" {
				err = a.printJSON(raw)
			} else {
				_, err = fmt.Fprintln(a.stdout, oneLine(test.String()))
			}
			if err == nil && !test.Success {
				return silentError{}
			}
			return err
		},
	}
}

// testAnswer is what came of a test delivery.
type testAnswer struct {
	Success bool `json:"success"`
	Answer  struct {
		Status         int
		Reason, Detail string
	} `json:"answer"`
	Timings struct {
		Total float64 `json:"total_ms"`
	} `json:"timings"`
}

func (t *testAnswer) String() string {
	if t.Success {
		return fmt.Sprintf("accepted: %d in %.0f ms", t.Answer.Status, t.Timings.Total)
	}
	text := "NOT accepted: "
	if t.Answer.Status != 0 {
		text += fmt.Sprint(t.Answer.Status, " ")
	}
	text += t.Answer.Reason
	if t.Answer.Detail != "" {
		text += ", " + t.Answer.Detail
	}
	return text
}

func (a *app) endpointSecret() *cobra.Command {
	return &cobra.Command{
		Use:     "secret ENDPOINT",
		Short:   "Print an endpoint's secret, alone",
		Example: "  postrider endpoint secret 6f9619ff-8b86-4d01-b42d-00cf4fc964ff > secret.txt",
		Args:    arguments("ENDPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.secretOf(c, http.MethodGet, endpointPath(args[0], "/secret"), nil)
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
			return a.secretOf(c, http.MethodPost, endpointPath(args[0], "/rotate"), body)
		},
	}
	addSecretFlags(c)
	c.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the old secret signs too")
	return c
}

func (a *app) secretOf(c *cobra.Command, method, path string, body any) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if _, err := cl.call(c.Context(), method, path, body, &raw); err != nil {
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
