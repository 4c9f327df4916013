package bench

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// SinkCommand is the hidden command under which the binary must run SinkMain:
// a suite starts its own executable with it.
const SinkCommand = "bench-sink"

// SinkMain runs the sink until ctx ends, or with -with-parent until standard
// input does. args are those after the command's name. The first line of
// stdout is the address for deliveries and the address for control, with a
// blank between; both are on loopback.
func SinkMain(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet(SinkCommand, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	verify := flags.Uint64("verify", 100, "verify the signature of one in so many deliveries; 0 none")
	ids := flags.Bool("ids", false, "keep every webhook-id, to count distinct ones")
	scheme := flags.String("scheme", schemeHTTP, "how it is reached: http, https or h2")
	cert, key := flags.String("cert", "", "file of the certificate, with https and h2"), flags.String("key", "", "file of its key")
	delay := flags.Duration("delay", 0, "wait so long before each answer")
	format := flags.String("format", formatRaw, "format of the bodies: whose signature is verified")
	withParent := flags.Bool("with-parent", false, "end when standard input ends")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%s: %w", SinkCommand, err)
	}
	if err := errors.Join(checkScheme(*scheme), checkFormat(*format)); err != nil {
		return fmt.Errorf("%s: %w", SinkCommand, err)
	}
	secure, err := sinkTLS(*scheme, *cert, *key)
	if err != nil {
		return err
	}
	o := sinkOptions{verifyEach: *verify, ids: *ids, tls: secure, h2: *scheme == schemeH2, delay: *delay, format: *format}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if *withParent {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
	}
	return (&host{receivers: map[string]*receiver{}, broken: make(chan error, 1)}).run(ctx, o, stdout)
}

func (h *host) run(ctx context.Context, o sinkOptions, stdout io.Writer) (err error) {
	defer func() { err = errors.Join(err, h.close()) }()
	first, err := h.open("", o)
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("sink: %w", err)
	}
	server := &http.Server{Handler: h.control(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(control) }()
	if _, err = fmt.Fprintf(stdout, "%s %s\n", first.address, control.Addr()); err == nil {
		select {
		case <-ctx.Done():
		case err = <-h.broken:
		}
	}
	_ = server.Close()
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return err
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the peer has gone: nobody to tell
}
