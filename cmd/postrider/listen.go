package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/transport/signature"
)

// listenFlags are how a receiver behaves.
type listenFlags struct {
	addr        string
	secrets     []string
	scheme      signature.Config
	status      int
	failStatus  int
	count       int
	wait        waits
	failRate    float64
	seed        uint64
	forward     *forwarder
	isDifferent bool // not every delivery is answered alike
}

func (a *app) listenCommand() *cobra.Command {
	var f listenFlags
	c := &cobra.Command{
		Use:   "listen",
		Short: "A receiver for trying things out: prints each delivery and whether its signature holds",
		Long: `Takes deliveries on any path and prints each: when, its id and type, how it is
signed and whether that holds, if not why, and the body. The scheme is found by
the headers: Standard Webhooks, X-Sequr-Signature, X-GenLogs-Signature, or any
other that holds an HMAC; --scheme and the --signature-… flags state it. With
-o json it prints one line each, with all headers and the body as it came.

Receivers can be built against it: --forward passes each delivery on as it came,
byte for byte, and answers what the other receiver answers. A URL without a path
gets the delivery's own. --status, --delay and --fail-rate try out what
deliveries do when a receiver is slow or fails now and then; with the same
--seed the same ones fail.`,
		Example: `  postrider listen --secret 0123456789abcdef
  postrider listen --secret-file secret.txt --forward http://127.0.0.1:3000/hook
  postrider listen --addr 127.0.0.1:9001 --status 503
  postrider listen --delay 100ms-2s --fail-rate 10% --fail-status 500 --seed 7
  postrider listen --scheme hmac --signature-header X-Acme --signature-prefix v0= --secret 0123456789abcdef
  postrider listen --count 10 -o json > deliveries.ndjson`,
		Args: arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := a.readListenFlags(c, &f); err != nil {
				return err
			}
			return a.listen(c.Context(), &f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.addr, "addr", ":9000", "where to listen, host:port")
	addVerifyFlags(c)
	fl.IntVar(&f.status, "status", 200, "what to answer")
	fl.String("delay", "0s", "wait before answering, such as 200ms, or a range: 100ms-2s")
	fl.String("fail-rate", "0", "share of the deliveries that are failed, such as 0.1 or 10%")
	fl.IntVar(&f.failStatus, "fail-status", 500, "what to answer to those that are failed")
	fl.Uint64Var(&f.seed, "seed", 0, "seed of what is drawn by --fail-rate and --delay (default another each time)")
	fl.String("forward", "", "pass each delivery on to this URL and answer what it answers")
	fl.IntVar(&f.count, "count", 0, "leave after so many deliveries; 0: go on until interrupted")
	return c
}

// readListenFlags checks the flags that are more than a value.
func (a *app) readListenFlags(c *cobra.Command, f *listenFlags) (err error) {
	for name, status := range map[string]int{"status": f.status, "fail-status": f.failStatus} {
		if status < 200 || status > 599 {
			return usagef("--%s %d is not an HTTP status from 200 to 599", name, status)
		}
	}
	if f.count < 0 {
		return usagef("--count %d is not 0 or more", f.count)
	}
	flags := c.Flags()
	delay, _ := flags.GetString("delay")
	if f.wait, err = readWaits(delay); err != nil {
		return err
	}
	rate, _ := flags.GetString("fail-rate")
	if f.failRate, err = readShare("fail-rate", rate); err != nil {
		return err
	}
	if forward, _ := flags.GetString("forward"); forward != "" {
		if flags.Changed("status") {
			return usagef("--forward answers what the other receiver answers, and --status something else; give one")
		}
		if f.forward, err = newForwarder(forward); err != nil {
			return err
		}
	}
	if !flags.Changed("seed") {
		f.seed = uint64(rand.Uint32())
	}
	f.isDifferent = f.forward != nil || f.failRate > 0 || f.wait.most > 0
	f.scheme, f.secrets, err = a.verifyFlags(c)
	return err
}

func (a *app) listen(ctx context.Context, f *listenFlags) error {
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		return fmt.Errorf("cannot listen: %w; give another --addr", err)
	}
	interrupted := ctx.Done()
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	r := newReceiver(a, f, interrupted, enough)
	srv := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	if err := a.announce(l, f); err != nil {
		return err
	}
	closed := make(chan struct{})
	stopped := context.AfterFunc(ctx, func() {
		defer close(closed)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.wait.most+5*time.Second)
		defer cancel()
		_ = srv.Shutdown(grace) // what did not finish in time is cut off
		_ = srv.Close()
	})
	defer stopped()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-closed // the last answers are on their way
	fmt.Fprintf(a.stderr, "%d deliveries, %d of them repeats\n", r.total(), r.repeats)
	return nil
}

// announce tells where and how it listens.
func (a *app) announce(l net.Listener, f *listenFlags) error {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	answering := fmt.Sprintf("answering %d", f.status)
	if f.forward != nil {
		answering = "forwarding to " + f.forward.to.Redacted()
	}
	if f.failRate > 0 {
		answering += fmt.Sprintf(", failing %.4g %% with %d (--seed %d)", 100*f.failRate, f.failStatus, f.seed)
	}
	fmt.Fprintf(a.stderr, "listening on http://%s, %s\n", net.JoinHostPort(host, port), answering)
	if len(f.secrets) == 0 {
		fmt.Fprintln(a.stderr, "no --secret was given: signatures are shown and not checked")
	}
	return nil
}
