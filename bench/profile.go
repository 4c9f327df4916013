package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"time"
)

// pprofSetting is where a node in a process of its own hands out profiles.
const pprofSetting = "http.pprof_listen"

// profiled are the settings of a node that is to be profiled, where one is.
func (r *run) profiled(settings map[string]string) map[string]string {
	if r.o.CPUProfile == "" {
		return settings
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return settings // the profile fails then, and says so
	}
	defer l.Close()
	all := maps.Clone(settings)
	if all == nil {
		all = map[string]string{}
	}
	all[pprofSetting] = l.Addr().String()
	r.pprof = l.Addr().String()
	return all
}

// profileProcess begins the processor profile of the node's process; stop waits
// for it, as it has a length of its own.
func (r *run) profileProcess() (stop func() error) {
	done := make(chan error, 1)
	go func() { done <- r.fetchProfile() }()
	return func() error { return <-done }
}

func (r *run) fetchProfile() (err error) {
	seconds := max(1, int(r.o.Seconds.Seconds()))
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second+closeLimit)
	defer cancel()
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", r.pprof, seconds)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("bench: profile: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("bench: profile: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("bench: profile: %s", resp.Status)
	}
	f, err := os.Create(r.profilePath())
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, resp.Body); err != nil {
		_ = f.Close()
		return fmt.Errorf("bench: profile: %w", err)
	}
	return f.Close()
}
