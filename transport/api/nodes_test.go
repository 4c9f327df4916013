package api

import (
	"context"
	"testing"

	"github.com/postrider/postrider/transport"
)

type oneNode struct{ node Node }

func (o *oneNode) Nodes(context.Context) []Node { return []Node{o.node} }

func (o *oneNode) Drain(_ context.Context, id string) (Node, error) {
	switch {
	case id != "self" && id != o.node.ID:
		return Node{}, transport.ErrNotFound
	case o.node.State == NodeWorking:
		o.node.State = NodeDraining
	default:
		o.node.State, o.node.Shards = NodeDrained, []int{}
	}
	return o.node, nil
}

func TestNodes(t *testing.T) {
	b := start(t, func(o *Options) {
		o.Nodes = &oneNode{Node{ID: "n1", Name: "host", Version: "v1", State: NodeWorking, Ready: true, StartedAt: testNow, Shards: []int{0}, InHand: 3}}
	})
	operator := token(t, "", RoleOperator)
	for _, path := range []string{"/v1/nodes", "/v1/nodes/self/drain"} {
		method := map[string]string{"/v1/nodes": "GET"}[path]
		if method == "" {
			method = "POST"
		}
		if got := b.call(token(t, "acme", RoleAdmin), method, path, ""); got.status != 403 {
			t.Errorf("a customer's admin at %s: %d %s", path, got.status, got.body)
		}
	}
	node := func(state string, shards string) string {
		return `{"id":"n1","name":"host","version":"v1","state":"` + state + `","ready":true,"started_at":"` + testNow.UTC().Format("2006-01-02T15:04:05.999999999Z") + `","shards":` + shards + `,"in_hand":3}`
	}
	b.want(b.call(operator, "GET", "/v1/nodes", ""), 200, `{"items":[`+node("working", "[0]")+`]}`)
	b.want(b.call(operator, "POST", "/v1/nodes/n2/drain", ""), 404, `{"message":"Node n2 not found","error_type":"NodeNotFoundError","error_code":"NODE_NOT_FOUND"}`)
	b.want(b.call(operator, "POST", "/v1/nodes/n1/drain", ""), 202, node("draining", "[0]"))
	b.want(b.call(operator, "POST", "/v1/nodes/self/drain", ""), 200, node("drained", "[]"))
}
