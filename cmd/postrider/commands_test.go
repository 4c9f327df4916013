package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/cmd/postrider/node"
)

// commands are all that can be called, by their paths.
func commands(t *testing.T) map[string]*cobra.Command {
	t.Helper()
	all := map[string]*cobra.Command{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" {
			return
		}
		all[c.CommandPath()] = c
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
	if len(all) < 50 {
		t.Fatalf("only %d commands", len(all))
	}
	return all
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	for path, c := range commands(t) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: no help in one line without a stop: %q", path, c.Short)
		}
		if !strings.Contains(c.Example, path) {
			t.Errorf("%s: no example of it: %q", path, c.Example)
		}
		for line := range strings.SplitSeq(c.Example, "\n") {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: an example is not indented: %q", path, line)
			}
		}
	}
}

// An unknown form is refused before anything is done.
func TestEveryCommandRefusesAnUnknownForm(t *testing.T) {
	for path, c := range commands(t) {
		args := append(strings.Fields(path)[1:], "-o", "xml")
		for _, word := range strings.Fields(c.Use)[1:] {
			if !strings.HasPrefix(word, "[") && !strings.HasPrefix(word, "-") {
				args = append(args, "x")
			}
		}
		var stdout, stderr bytes.Buffer
		code := Run(t.Context(), args, nil, strings.NewReader(""), &stdout, &stderr)
		if code != exitUsage || stdout.Len() > 0 || !strings.Contains(stderr.String(), `--output "xml" is neither table nor json`) {
			t.Errorf("%q: exit %d, %s%s", args, code, stdout.String(), stderr.String())
		}
	}
}

// asJSON is each command that prints data, as it is asked for it.
var asJSON = map[string]string{
	"alert add": "--name n --email a@example.com --cab-number 1", "alert list": "", "alert show": "a1", "alert edit": "a1 --type live", "alert remove": "a1 --yes",
	"alert preview": "a1", "alert run": "",
	"customer add": "acme", "customer list": "", "customer show": "acme", "customer edit": "acme --hot *", "customer usage": "acme",
	"deadletter list": "", "deadletter show": "17", "deadletter replay": "17", "deadletter purge": "--reason gone --yes",
	"delivery list": "", "delivery show": "17-e1", "delivery replay": "--status 503 --yes --no-wait",
	"endpoint add": "--url https://example.com", "endpoint list": "", "endpoint show": "e1", "endpoint edit": "e1 --name n", "endpoint remove": "e1 --yes", "endpoint test": "e1",
	"endpoint secret": "e1", "endpoint rotate": "e1", "endpoint pause": "e1", "endpoint resume": "e1",
	"audit": "", "event-types": "", "run list": "", "run show": "r1", "version": "",
	"publish": "events.acme.a --http -", "token": "--customer acme --role admin", "token revoke": "t-1", "verify": "--secret 0123456789abcdef -H X-Sequr-Signature=sha1=e2a6b5f1b7f4a0b8ec3b1e0a1c4d5b0c5a5d7a10 -",
	"doctor": "",
}

// notAsJSON are the commands that the test above leaves out, and why.
var notAsJSON = map[string]string{
	"serve": "a node, which prints a sign-in link and logs", "listen": "prints one line of JSON for each delivery: TestListenTakesDeliveries",
	"export": "prints one line of JSON for each thing: apply.txtar", "setup": "needs a NATS server", "secrets rotate": "needs a node's data", "backup": "reads a whole node", "restore": "writes a whole node", "apply": "changes what is there: apply.txtar", "import": "as apply: import.txtar", "health": "asks what the fake does not answer: TestTLSAndReload", "drain": "the same: TestDrain",
	"demo": "starts a node", "bench signing": "takes a minute", "bench all": "takes an hour: TestBenchAllAndCompare", "bench compare": "reads reports: TestBenchAllAndCompare", "bench delivery": "starts a node", "bench ingest": "starts nodes", "bench limit": "takes a minute", "bench matching": "takes minutes", "bench neighbours": "starts a node", "bench recovery": "starts a node",
}

// With -o json every command that prints data prints JSON, and nothing else.
func TestEveryCommandPrintsJSON(t *testing.T) {
	fake := newFakeAPI()
	defer fake.server.Close()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, node.AuthKeyFile), []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(commands(t))) {
		name := strings.TrimPrefix(path, program+" ")
		given, tested := asJSON[name]
		if !tested {
			if c := commands(t)[path]; notAsJSON[name] == "" && !c.HasSubCommands() && !strings.HasPrefix(name, "completion") {
				t.Errorf("%s: is not tested with -o json; name it in asJSON", name)
			}
			continue
		}
		args := append(strings.Fields(name), strings.Fields(given)...)
		args = append(args, "-o", "json", "--server", fake.server.URL, "--token", "script-token", "--data", folder)
		var stdout, stderr bytes.Buffer
		code := Run(t.Context(), args, nil, strings.NewReader("{}"), &stdout, &stderr)
		if d := json.NewDecoder(&stdout); code == exitUsage || stderr.Len() > 0 || d.Decode(new(any)) != nil || d.More() {
			t.Errorf("%s: exit %d, %s %s", name, code, stdout.String(), stderr.String())
		}
	}
}
