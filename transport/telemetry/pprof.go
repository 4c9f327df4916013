package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// ServePprof serves Go's profiles under /debug/pprof/ on addr (host:port; port
// 0 takes a free one, the log says which) until ctx ends. Nothing else of the
// node is reachable there, and these profiles nowhere else. It returns nil
// after ctx ended, or why it could not listen.
func ServePprof(ctx context.Context, addr string, log *slog.Logger) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("pprof cannot listen on %s; choose another address, or none: %w", addr, err)
	}
	log.Info("pprof listens", "address", listener.Addr().String())
	server := &http.Server{Handler: pprofMux(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("pprof stopped serving on %s: %w", addr, err)
	}
	return nil
}

// pprofMux leaves out /debug/pprof/cmdline: flags may hold credentials.
func pprofMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
