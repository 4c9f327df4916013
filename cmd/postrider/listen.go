package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

const (
	// maxDelivery is more than any delivery is.
	maxDelivery = 64 << 20
	// seenIDs bounds the ids that are remembered to tell a repeat.
	seenIDs = 100_000
)

type listenFlags struct {
	addr    string
	secrets []string
	status  int
	count   int
}

func (a *app) listenCommand() *cobra.Command {
	var f listenFlags
	c := &cobra.Command{
		Use:   "listen",
		Short: "A receiver for trying things out: prints each delivery and whether its signature holds",
		Long: `Takes deliveries on any path and prints each: when, its id and type, how it is
signed and whether that holds, and the body. The scheme is found by the headers:
Standard Webhooks, X-Sequr-Signature, X-GenLogs-Signature, or any other
…-Signature header that holds an HMAC. With -o json it prints one line each,
with all headers and the body as it came.`,
		Example: `  postrider listen --secret 0123456789abcdef
  postrider listen --addr 127.0.0.1:9001 --status 500
  postrider listen --count 10 -o json > deliveries.ndjson`,
		Args: arguments(),
		RunE: func(c *cobra.Command, _ []string) error {
			if f.status < 200 || f.status > 599 {
				return usagef("--status %d is not an HTTP status from 200 to 599", f.status)
			}
			return a.listen(c.Context(), &f)
		},
	}
	c.Flags().StringVar(&f.addr, "addr", ":9000", "where to listen, host:port")
	c.Flags().StringArrayVar(&f.secrets, "secret", nil, "the endpoint's secret; repeatable")
	c.Flags().IntVar(&f.status, "status", 200, "what to answer")
	c.Flags().IntVar(&f.count, "count", 0, "leave after so many deliveries; 0: go on until interrupted")
	return c
}

func (a *app) listen(ctx context.Context, f *listenFlags) error {
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		return fmt.Errorf("cannot listen: %w; give another --addr", err)
	}
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	r := &receiver{a: a, flags: f, seen: map[string]bool{}, enough: enough}
	srv := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	fmt.Fprintf(a.stderr, "listening on http://%s, answering %d\n", net.JoinHostPort(host, port), f.status)
	if len(f.secrets) == 0 {
		fmt.Fprintln(a.stderr, "no --secret was given: signatures are shown and not checked")
	}
	stopped := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = srv.Shutdown(grace) // what did not finish in time is cut off
		_ = srv.Close()
	})
	defer stopped()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	fmt.Fprintf(a.stderr, "%d deliveries, %d of them repeats\n", r.total(), r.repeats)
	return nil
}

// receiver answers deliveries and prints them, one at a time.
type receiver struct {
	a      *app
	flags  *listenFlags
	enough func()

	mu      sync.Mutex
	n       int
	repeats int
	seen    map[string]bool
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := readAtMost(req.Body, "the body", maxDelivery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d := newDelivery(time.Now(), req, body, r.flags.secrets)
	w.WriteHeader(r.flags.status)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flags.count > 0 && r.n == r.flags.count {
		return
	}
	r.n++
	d.Repeat = r.remember(d.ID)
	if r.a.output == "json" {
		err = d.printLine(r.a.stdout)
	} else {
		err = d.print(r.a.stdout)
	}
	if err != nil || r.n == r.flags.count {
		r.enough()
	}
}

// remember tells whether id came before.
func (r *receiver) remember(id string) bool {
	if id == "" {
		return false
	}
	if r.seen[id] {
		r.repeats++
		return true
	}
	if len(r.seen) < seenIDs {
		r.seen[id] = true
	}
	return false
}

func (r *receiver) total() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}
