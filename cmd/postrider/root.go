package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/config"
)

const (
	exitFailed = 1
	exitUsage  = 2

	defaultServer = "http://127.0.0.1:8080"
	defaultNATS   = "nats://127.0.0.1:4222"
	defaultData   = "./postrider-data"
)

// app is one run of the program: what it was given, and the flags that every
// command takes.
type app struct {
	env            []string
	stdin          io.Reader
	stdout, stderr io.Writer

	configFile, output, server, tokenFlag, data string

	serverCA, clientCert, clientKey string
}

// Run carries out one command line (args without the program's name) and
// gives the exit code. It reads nothing of the process but what it is given.
func Run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{env: env, stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var silent silentError
	if !errors.As(err, &silent) {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintln(stderr, "postrider: "+strings.TrimPrefix(oneLine(line), "postrider "))
		}
	}
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "postrider",
		Short: "Delivers events from NATS JetStream as signed webhooks",
		Long: `Postrider takes events from NATS JetStream and delivers each, signed, to every
endpoint that asked for it: at least once, at the pace that endpoint allows.`,
		Example:           "  postrider serve --dev\n  postrider listen --secret 0123456789abcdef\n  postrider endpoint add --customer acme --url http://127.0.0.1:9000/hook\n  postrider publish events.acme.access.granted event.json",
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: a.checkFlags,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.configFile, "config", "", "settings file (default ./postrider.yaml, where it is there)")
	flags.StringVarP(&a.output, "output", "o", "table", "form of the answer: table or json")
	flags.StringVar(&a.server, "server", "", "the node's HTTP API (default $POSTRIDER_SERVER, else http.listen of the settings: "+defaultServer+")")
	flags.StringVar(&a.tokenFlag, "token", "", "token for the API (default $POSTRIDER_TOKEN, else a development node's admin.token)")
	flags.StringVar(&a.serverCA, "server-ca", "", "CA file (PEM) that the node at --server is verified by (default $POSTRIDER_SERVER_CA, else the system's)")
	flags.StringVar(&a.clientCert, "client-cert", "", "certificate file (PEM) to show to a node that asks for one (default $POSTRIDER_CLIENT_CERT)")
	flags.StringVar(&a.clientKey, "client-key", "", "key file (PEM) of --client-cert (default $POSTRIDER_CLIENT_KEY)")
	flags.StringVar(&a.data, "data", "", "data folder (default ./postrider-data, or the setting)")
	root.AddCommand(a.publishCommand(), a.listenCommand(), a.verifyCommand(), a.endpointCommand(), a.alertCommand(), a.customerCommand(), a.runCommand(), a.deliveryCommand(), a.deadletterCommand(),
		a.auditCommand(), a.eventTypesCommand(), a.tokenCommand(), a.versionCommand(), a.healthCommand(), a.drainCommand())
	root.AddCommand(a.applyCommand(), a.exportCommand(), a.importCommand(), a.doctorCommand(), a.backupCommand(), a.restoreCommand(), a.setupCommand(), a.secretsCommand())
	root.AddCommand(a.nodeCommands()...)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.InitDefaultCompletionCmd()
	exampleCompletions(root)
	a.completions(root)
	asUsage(root)
	return root
}

func (a *app) checkFlags(*cobra.Command, []string) error {
	if a.output != "table" && a.output != "json" {
		return usagef("--output %q is neither table nor json", a.output)
	}
	return nil
}

// settings loads the settings for a command that is no node: what only a
// running node needs is not asked for.
func (a *app) settings() (*config.Config, error) {
	flags := map[string]any{}
	if a.data != "" {
		flags["data"] = a.data
	}
	return config.Load(config.Sources{File: a.configFile, Environ: a.env, Flags: flags})
}

// getenv is an environment variable, the last where it is given twice.
func (a *app) getenv(name string) string {
	value := ""
	for _, line := range a.env {
		if v, ok := strings.CutPrefix(line, name+"="); ok {
			value = v
		}
	}
	return value
}
