package node

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/api"
)

// handOver stops a drained node, so that a stand-by takes the shard at once, and
// goes on answering how the node is until ctx ends: it takes no shard again.
func (s *Server) handOver(ctx context.Context, n *Node, keys *Keys, patience time.Duration) error {
	was := &leftNode{info: n.standbyInfo()}
	about := n.about()
	about.State = api.NodeDraining
	was.about.Store(&about)
	handler, err := s.left(n, was, keys)
	if err != nil {
		return errors.Join(err, n.stopWithin(patience))
	}
	s.endStreams()
	s.answer(handler)
	if err := n.stopWithin(patience); err != nil {
		return err
	}
	drained := about
	drained.State, drained.Shards, drained.InHand = api.NodeDrained, []int{}, 0
	was.about.Store(&drained)
	s.log.Info("drained: the shard is handed over; stop the node, or start it again to have it stand by")
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// leftNode is a node that has handed its shard over.
type leftNode struct {
	info  api.Info
	about atomic.Pointer[api.Node]
}

// Nodes is this one.
func (l *leftNode) Nodes(context.Context) []api.Node { return []api.Node{*l.about.Load()} }

// Drain tells how far it is.
func (l *leftNode) Drain(_ context.Context, id string) (api.Node, error) {
	me := *l.about.Load()
	if id != selfID && id != me.ID && id != me.Name {
		return api.Node{}, transport.ErrNotFound
	}
	return me, nil
}

// left answers for a node that has handed its shard over: how it is, and
// nothing of what the owner alone knows.
func (s *Server) left(n *Node, l *leftNode, keys *Keys) (http.Handler, error) {
	lack := api.Lack{Part: "node", Detail: "it is drained, and has handed its shard over; start it again to have it work"}
	o := s.aboutOptions(n, keys)
	o.Info, o.Nodes, o.Revocations = func() api.Info { return l.info }, l, n.revoked
	server, err := api.New(o)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, pattern := range []string{"GET /v1/info", "GET /v1/nodes", "POST /v1/nodes/{id}/drain", "GET /healthz", "GET /metrics"} {
		mux.Handle(pattern, server)
	}
	mux.Handle("/", away(lack))
	return below(s.cfg.Web.Base, mux), nil
}
