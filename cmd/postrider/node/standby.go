package node

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/postrider/postrider/transport/api"
)

// standBy answers while another node owns the shard: how the node is, and
// nothing of what the owner alone knows.
func (s *Server) standBy(n *Node, keys *Keys) error {
	o := s.aboutOptions(n, keys)
	o.Info = n.standbyInfo
	server, err := api.New(o)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /v1/info", server)
	mux.Handle("GET /healthz", server)
	mux.Handle("GET /metrics", server)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { n.standbyReady(w, r) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { n.refuseStandby(w) })
	s.answer(below(s.cfg.Web.Base, mux))
	return nil
}

// aboutOptions are what is needed to answer how a node is.
func (s *Server) aboutOptions(n *Node, keys *Keys) api.Options {
	o := api.Options{
		Keys: s.keys, Issuer: s.cfg.Auth.Issuer, Audience: s.cfg.Auth.Audience, TokenSecret: keys.auth, Dev: s.cfg.Dev,
		Rate: float64(s.cfg.HTTP.Rate), Burst: s.cfg.HTTP.Burst, Version: s.version, Logger: s.log, Now: n.now,
	}
	if s.cfg.HTTP.MetricsListen == "" {
		o.Metrics = n.metrics.Handler()
	}
	return o
}

// standbyLack names the owner.
func (n *Node) standbyLack() api.Lack {
	_, owner := n.shardOwner()
	detail := "this node stands by"
	if owner.Seq != 0 && !owner.Released {
		detail = fmt.Sprintf("this node stands by; %s owns the shard, epoch %d since %s", owner.Node, owner.Epoch, owner.At.Format(time.RFC3339))
	}
	return api.Lack{Part: "shard", Detail: detail}
}

// standbyReady: a load balancer is to send requests to the owner, so a stand-by
// is not ready; ?standby=ok asks whether it could take over.
func (n *Node) standbyReady(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("standby") != "ok" {
		n.refuseStandby(w)
		return
	}
	if err := n.store.Conn.Ready(); err != nil {
		away(api.Lack{Part: "nats", Detail: err.Error()}).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "standby", "missing": []api.Lack{n.standbyLack()}}) // the caller has gone
}

// refuseStandby: the API, and the page, are the owner's.
func (n *Node) refuseStandby(w http.ResponseWriter) {
	lack := n.standbyLack()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the caller has gone
		"message": "Not ready: " + lack.Detail, "error_type": "NotReadyError", "error_code": "STANDBY",
		"details": map[string]any{"missing": []api.Lack{lack}},
	})
}
