package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/spf13/cobra"
)

func (a *app) endpointTest() *cobra.Command {
	var dry bool
	var typ, file string
	c := &cobra.Command{
		Use:   "test ENDPOINT",
		Short: "Send one test delivery now and show the answer",
		Long: `Sends one signed test delivery, past the log, and shows what the endpoint
answered. The exit code is 1 where it did not accept it. With --dry-run nothing
is sent: the request is shown as it would be, with the values of the endpoint's
own headers masked.`,
		Example: `  postrider endpoint test 6f9619ff-8b86-4d01-b42d-00cf4fc964ff
  postrider endpoint test 6f9619ff-8b86-4d01-b42d-00cf4fc964ff --dry-run --type door.forced_open --document event.json`,
		Args: arguments("ENDPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			body := map[string]any{}
			if dry {
				body["dry_run"] = true
			}
			if typ != "" {
				body["type"] = typ
			}
			if file != "" {
				b, err := a.readFile(file, maxDocument)
				if err != nil {
					return usagef("--document: %s", err)
				}
				if !json.Valid(b) {
					return usagef("--document: %s is not JSON", file)
				}
				body["data"] = json.RawMessage(b)
			}
			return a.tryEndpoint(c, args[0], body)
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "show the request without sending it")
	c.Flags().StringVar(&typ, "type", "", "the event's type (default one that fits the profile)")
	c.Flags().StringVar(&file, "document", "", "file with the event's JSON document, - for stdin (default a sample)")
	return c
}

func (a *app) tryEndpoint(c *cobra.Command, id string, body any) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if _, err := cl.call(c.Context(), http.MethodPost, endpointPath(id, "/test"), body, &raw); err != nil {
		return err
	}
	var test testAnswer
	if err := json.Unmarshal(raw, &test); err != nil {
		return fmt.Errorf("%s gave an answer that cannot be read (%w); use the same version as the node", cl.base, err)
	}
	switch {
	case a.output == "json":
		err = a.printJSON(raw)
	case test.DryRun && test.Success:
		a.printRequest(&test)
	default:
		_, err = fmt.Fprintln(a.stdout, oneLine(test.String()))
	}
	if err == nil && !test.Success {
		return silentError{}
	}
	return err
}

// printRequest shows a request as it would go over the line.
func (a *app) printRequest(t *testAnswer) {
	fmt.Fprintf(a.stdout, "%s %s\n", oneLine(t.Request.Method), oneLine(t.Request.URL))
	for _, name := range slices.Sorted(maps.Keys(t.Request.Headers)) {
		fmt.Fprintf(a.stdout, "%s: %s\n", oneLine(name), oneLine(t.Request.Headers[name]))
	}
	fmt.Fprintf(a.stdout, "\n%s\n", oneLine(t.Request.Body))
}

// testAnswer is what came of a test delivery, or what would be sent.
type testAnswer struct {
	Success bool `json:"success"`
	DryRun  bool `json:"dry_run"`
	Request struct {
		Method, URL, Body string
		Headers           map[string]string
	} `json:"request"`
	Answer struct {
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
	if t.DryRun {
		text = "nothing would be sent: "
	}
	if t.Answer.Status != 0 {
		text += fmt.Sprint(t.Answer.Status, " ")
	}
	text += t.Answer.Reason
	if t.Answer.Detail != "" {
		text += ", " + t.Answer.Detail
	}
	return text
}
