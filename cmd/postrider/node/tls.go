package node

import (
	"errors"
	"net/http"
	"time"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport/certificates"
	"github.com/postrider/postrider/transport/telemetry"
)

// NATSFiles names the files that the connection to nats.url is made with.
func NATSFiles(cfg *config.Config) certificates.Client {
	n := &cfg.NATS
	return certificates.Client{CA: n.CA, Pair: certificates.Pair{Cert: n.ClientCert, Key: n.ClientKey}}
}

// RedisFiles names the files that connections to redis.url are made with.
func RedisFiles(cfg *config.Config) certificates.Client {
	r := &cfg.Redis
	return certificates.Client{CA: r.CA, Pair: certificates.Pair{Cert: r.ClientCert, Key: r.ClientKey}}
}

// openAPICertificate reads what the API shows; nil where it speaks in clear.
func openAPICertificate(cfg *config.Config) (*certificates.Server, error) {
	h := &cfg.HTTP
	if h.TLSCert == "" {
		return nil, nil
	}
	// Probes have no certificate, so it is asked for by path.
	s, err := certificates.OpenServer(certificates.Pair{Cert: h.TLSCert, Key: h.TLSKey}, h.TLSClientCA, true)
	if err != nil {
		return nil, errors.New("http.tls_cert, http.tls_key or http.tls_client_ca: " + err.Error())
	}
	return s, nil
}

// certified lets those through who showed a certificate of http.tls_client_ca;
// /healthz and /readyz are for all.
func certified(cfg *config.Config, next http.Handler) http.Handler {
	if cfg.HTTP.TLSClientCA == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" || certificates.Verified(r.TLS) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"detail":"Show a client certificate that http.tls_client_ca signed"}` + "\n"))
	})
}

// certificateEnds tells when what each listener shows ends.
func (s *Server) certificateEnds(n *Node) map[string]func() time.Time {
	ends := map[string]func() time.Time{}
	if s.certificate != nil {
		ends[telemetry.ListenerHTTP] = s.certificate.Ends
	}
	if at := n.store.CertificateEnds(); !at.IsZero() {
		ends[telemetry.ListenerNATS] = n.store.CertificateEnds
	}
	return ends
}
