package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// NodeState is what a node does with events.
type NodeState string

// The states: Working, Draining while attempts under way finish after a drain
// was asked for, Drained when nothing is in hand any more.
const (
	NodeWorking  NodeState = "working"
	NodeDraining NodeState = "draining"
	NodeDrained  NodeState = "drained"
)

// Node is one of the nodes that share the work.
type Node struct {
	ID        string    `json:"id" doc:"Of this run of the node: another after each start"`
	Name      string    `json:"name" doc:"Of its machine"`
	Version   string    `json:"version"`
	State     NodeState `json:"state" enum:"working,draining,drained"`
	Ready     bool      `json:"ready"`
	StartedAt time.Time `json:"started_at"`
	Shards    []int     `json:"shards" doc:"The shards whose events it delivers"`
	InHand    int       `json:"in_hand" doc:"Events that it has taken from the log and that have no outcome everywhere yet"`
}

// Nodes know the nodes there are.
type Nodes interface {
	Nodes(ctx context.Context) []Node
	// Drain begins a drain, and returns at once; asked again it tells how far it
	// has come. The error wraps transport.ErrNotFound where there is no such node.
	Drain(ctx context.Context, id string) (Node, error)
}

type (
	nodesAnswer struct {
		Body struct {
			Items []Node `json:"items"`
		}
	}
	nodeAnswer struct {
		Status int
		Body   Node
	}
	nodeID struct {
		ID string `path:"id" maxLength:"256" doc:"A node's id or name, or self"`
	}
)

func (s *Server) nodesRoutes(h huma.API) {
	if s.Nodes == nil {
		return
	}
	handle(s, h, route{method: http.MethodGet, path: "/v1/nodes", id: "list-nodes", operator: true,
		summary: "The nodes, and what they do"}, s.listNodes)
	handle(s, h, route{method: http.MethodPost, path: "/v1/nodes/{id}/drain", id: "drain-node", operator: true, status: http.StatusAccepted,
		summary: "No new leases until the node is started again: attempts under way finish, the rest is handed back. 202 while that lasts, 200 when nothing is in hand"}, s.drainNode)
}

func (s *Server) listNodes(ctx context.Context, _ *struct{}) (*nodesAnswer, error) {
	out := &nodesAnswer{}
	out.Body.Items = s.Nodes.Nodes(ctx)
	return out, nil
}

func (s *Server) drainNode(ctx context.Context, in *nodeID) (*nodeAnswer, error) {
	node, err := s.Nodes.Drain(ctx, in.ID)
	switch {
	case isNotFound(err):
		e := newError(http.StatusNotFound, "Node "+shortened(in.ID)+" not found")
		e.Type, e.Code = "NodeNotFoundError", "NODE_NOT_FOUND"
		return nil, e
	case err != nil:
		return nil, err
	}
	if node.State == NodeDrained {
		return &nodeAnswer{Status: http.StatusOK, Body: node}, nil
	}
	return &nodeAnswer{Status: http.StatusAccepted, Body: node}, nil
}
