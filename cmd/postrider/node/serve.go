package node

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// brokenPatience is how long a node waits for attempts that must leave because
// something broke: their outcomes may not be kept any more.
const brokenPatience = 3 * time.Second

// Serve runs a node with its HTTP side until ctx ends or the node must leave,
// and returns when both are closed. It listens first, so that whoever asks
// during the start is told what it waits for. ready is called once when events
// flow and the API answers; what it gives is called before the node stops.
func Serve(ctx context.Context, o *Options, ready func(*Node, *Server) (end func(), err error)) error {
	s, err := Listen(o)
	if err != nil {
		return err
	}
	defer s.close()
	if o.Config.HTTPInClear() {
		o.Log.Warn("the API is open to other machines without TLS: tokens and secrets cross the network in clear; in production this is refused unless http.insecure says so", "listen", o.Config.HTTP.Listen)
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // from here on: during a start it would end the process
	defer signal.Stop(hup)
	n, err := Start(ctx, o)
	if err != nil {
		return err
	}
	patience := o.Config.Shutdown.Timeout
	if err := s.show(n, o.Keys); err != nil {
		return errors.Join(err, n.stopWithin(patience))
	}
	defer keepReloading(o, n, s, hup)()
	end, err := ready(n, s)
	if err != nil {
		return errors.Join(err, n.stopWithin(patience))
	}
	defer end()
	select {
	case <-ctx.Done():
		o.Log.Info("stopping; a second signal leaves at once", "patience", patience)
	case err = <-n.fatal:
		o.Log.Error("the node must leave and be started again", "error", err)
	case err = <-s.failed:
	}
	s.leaving()
	if err != nil {
		patience = min(patience, brokenPatience)
	}
	return errors.Join(err, n.stopWithin(patience))
}

// stopWithin is Stop with so long for attempts under way.
func (n *Node) stopWithin(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return n.Stop(ctx)
}
