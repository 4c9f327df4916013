package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/spf13/cobra"
)

func (a *app) endpointTest() *cobra.Command {
	var f tryFlags
	c := &cobra.Command{
		Use:   "test [ENDPOINT]",
		Short: "Send one test delivery now, and show the answer or what is wrong",
		Long: `Sends one signed test delivery, past the log, and shows the request, the answer,
how long each phase took, and in words what is wrong. The exit code is 1 where
it was not accepted. With --url in place of ENDPOINT an endpoint is tried before
it is saved; the flags are those of endpoint add. With --dry-run nothing is
sent: the request is shown as it would be, with the values of the endpoint's own
headers masked.`,
		Example: `  postrider endpoint test 6f9619ff-8b86-4d01-b42d-00cf4fc964ff
  postrider endpoint test --url https://example.com/hook --profile genlogs --customer acme --secret-file secret.txt
  postrider endpoint test 6f9619ff-8b86-4d01-b42d-00cf4fc964ff --dry-run --type door.forced_open --document event.json`,
		Args: arguments("[ENDPOINT]"),
		RunE: func(c *cobra.Command, args []string) error {
			body, err := a.tryBody(&f)
			if err != nil {
				return err
			}
			endpoint, err := a.unsaved(c, f.customer)
			switch {
			case err != nil:
				return err
			case len(args) == 0 && endpoint["url"] == nil:
				return usagef("postrider endpoint test needs ENDPOINT, or --url of one that is not saved; see postrider endpoint test --help")
			case len(args) > 0 && len(endpoint) > 0:
				return usagef("ENDPOINT is tried as it is saved: leave --url and the like out, or ENDPOINT")
			case len(args) > 0:
				return a.withEndpoint(c, args[0], func(cl *client, id string) error {
					return a.tryEndpoint(c.Context(), cl, endpointPath(id, "/test"), body)
				})
			}
			body["endpoint"] = endpoint
			cl, err := a.client()
			if err != nil {
				return err
			}
			return a.tryEndpoint(c.Context(), cl, endpointsPath+"/test", body)
		},
	}
	c.Flags().BoolVar(&f.dry, "dry-run", false, "show the request without sending it")
	c.Flags().StringVar(&f.typ, "type", "", "the event's type (default one that fits the profile)")
	c.Flags().StringVar(&f.file, "document", "", "file with the event's JSON document, - for stdin (default a sample)")
	addEndpointFlags(c)
	addSecretFlags(c)
	c.Flags().StringVar(&f.customer, "customer", "", "with --url: the customer whose endpoint it will be (default the token's)")
	return c
}

type tryFlags struct {
	dry                 bool
	typ, file, customer string
}

// tryBody chooses the event of a test.
func (a *app) tryBody(f *tryFlags) (map[string]any, error) {
	body := map[string]any{}
	if f.dry {
		body["dry_run"] = true
	}
	if f.typ != "" {
		body["type"] = f.typ
	}
	if f.file == "" {
		return body, nil
	}
	b, err := a.readFile(f.file, maxDocument)
	if err != nil {
		return nil, usagef("--document: %s", err)
	}
	if !json.Valid(b) {
		return nil, usagef("--document: %s is not JSON", f.file)
	}
	body["data"] = json.RawMessage(b)
	return body, nil
}

// unsaved is an endpoint as its flags say; empty where none was given.
func (a *app) unsaved(c *cobra.Command, customer string) (map[string]any, error) {
	endpoint, err := a.endpointBody(c)
	if err != nil {
		return nil, err
	}
	if customer != "" {
		endpoint["customer"] = customer
	}
	secret, err := a.secretFrom(c)
	if err == nil && secret != "" {
		endpoint["secret"] = secret
	}
	return endpoint, err
}

func (a *app) tryEndpoint(ctx context.Context, cl *client, path string, body any) error {
	var raw json.RawMessage
	_, err := cl.call(ctx, http.MethodPost, path, body, &raw)
	if err != nil {
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
		err = a.printTried(&test)
	}
	if err == nil && !test.Success {
		return silentError{}
	}
	return err
}

// printTried shows what came of a test: the verdict, what was sent, how long
// each phase took, and the answer.
func (a *app) printTried(t *testAnswer) error {
	fmt.Fprintln(a.stdout, oneLine(t.String()))
	var lines [][2]string
	if t.Request.URL != "" && !t.DryRun {
		sent := fmt.Sprintf("%s %s, %s", t.Request.Method, t.Request.URL, t.Request.EventType)
		if n := len(t.Request.Body); n > 0 {
			sent += fmt.Sprintf(", %s bytes", grouped(uint64(n)))
		}
		lines = append(lines, [2]string{"request", sent}, [2]string{"times", t.Timings.String()}, [2]string{"answer", t.Answer.Body})
	}
	return a.printLines(lines)
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
		EventType         string `json:"event_type"`
		Headers           map[string]string
	} `json:"request"`
	Answer struct {
		Status               int
		Reason, Detail, Body string
	} `json:"answer"`
	Timings testTimings `json:"timings"`
}

// testTimings are milliseconds; a phase that did not happen is 0.
type testTimings struct {
	Total     float64 `json:"total_ms"`
	DNS       float64 `json:"dns_ms"`
	Connect   float64 `json:"connect_ms"`
	TLS       float64 `json:"tls_ms"`
	FirstByte float64 `json:"first_byte_ms"`
}

func (t *testTimings) String() string {
	text := ""
	for _, phase := range []struct {
		name string
		ms   float64
	}{{"DNS", t.DNS}, {"connect", t.Connect}, {"TLS", t.TLS}, {"first byte", t.FirstByte}} {
		if phase.ms > 0 {
			text += fmt.Sprintf("%s %.1f ms, ", phase.name, phase.ms)
		}
	}
	return text + fmt.Sprintf("in all %.1f ms", t.Total)
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
