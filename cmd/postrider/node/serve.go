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
// during the start is told what it waits for. ready is called when events flow
// and the API answers; what it gives is called before the node stops. Where another
// node took the shard, this one stands by, and ready is called when it has it again.
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
	r, stop := keepReloading(o, s, hup)
	defer stop()
	for {
		again, err := s.round(ctx, o, r, ready)
		if !again {
			return err
		}
	}
}

// round runs a node from its start to its stop. Where it was deposed, the next
// one stands by.
func (s *Server) round(ctx context.Context, o *Options, r *reloader, ready func(*Node, *Server) (end func(), err error)) (again bool, err error) {
	with, err := r.with(*o)
	if err != nil {
		return false, err
	}
	with.StandingBy = func(n *Node) {
		r.attach(n, false)
		if err := s.standBy(n, o.Keys); err != nil {
			o.Log.Error("a stand-by cannot tell that it is one", "error", err)
		}
	}
	defer r.detach()
	n, err := Start(ctx, with)
	switch {
	case errors.Is(err, errStoodBy):
		o.Log.Info("stopped while standing by")
		return false, nil
	case err != nil:
		return false, err
	}
	patience := o.Config.Shutdown.Timeout
	if err := s.show(n, o.Keys); err != nil {
		return false, errors.Join(err, n.stopWithin(patience))
	}
	r.attach(n, true)
	end, err := ready(n, s)
	if err != nil {
		r.detach()
		return false, errors.Join(err, n.stopWithin(patience))
	}
	defer end()
	select {
	case <-ctx.Done():
		o.Log.Info("stopping; a second signal leaves at once", "patience", patience)
	case err = <-n.fatal:
		o.Log.Error("the node must leave and be started again", "error", err)
	case err = <-s.failed:
	case <-n.drained:
		r.detach()
		return false, s.handOver(ctx, n, o.Keys, patience)
	case <-n.lostShard():
		s.answer(away(n.standbyLack()))
		r.detach()
		if err := n.stopWithin(0); err != nil {
			o.Log.Debug("what the node had in hand is the other's now", "error", err)
		}
		return true, nil
	}
	s.leaving()
	r.detach()
	if err != nil {
		patience = min(patience, brokenPatience)
	}
	return false, errors.Join(err, n.stopWithin(patience))
}

// stopWithin is Stop with so long for attempts under way.
func (n *Node) stopWithin(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return n.Stop(ctx)
}
