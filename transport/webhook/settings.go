package webhook

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"

	"github.com/postrider/postrider/transport"
)

// tlsSessions that can be resumed are kept for each setting.
const tlsSessions = 4096

// settingsKey tells apart CAs and client certificates.
type settingsKey [sha256.Size]byte

func keyOf(t transport.TLS) (key settingsKey) {
	if t == (transport.TLS{}) {
		return key
	}
	h := sha256.New()
	for _, part := range []string{t.CA, t.ClientCertificate, t.ClientKey} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	h.Sum(key[:0])
	return key
}

// settings are what endpoints with equal TLS settings share.
type settings struct {
	key   settingsKey
	tls   *tls.Config
	users int // Targets; the Sender's lock guards it
}

// acquire finds or makes the settings for t. Those of endpoints without any are
// kept for good, others until their last user releases them.
func (s *Sender) acquire(t transport.TLS) (*settings, error) {
	key := keyOf(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, &transport.FieldError{Field: "url", Message: "the sender is closed: the node is shutting down"}
	}
	shared := s.settings[key]
	if shared == nil {
		config, err := tlsConfig(t)
		if err != nil {
			return nil, err
		}
		shared = &settings{key: key, tls: config}
		s.settings[key] = shared
	}
	shared.users++
	return shared, nil
}

func (s *Sender) release(shared *settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if shared.users--; shared.users == 0 && shared.key != (settingsKey{}) && s.settings[shared.key] == shared {
		delete(s.settings, shared.key)
	}
}

func tlsConfig(t transport.TLS) (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"h2", "http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
	}
	if t.CA != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM([]byte(t.CA)) {
			return nil, &transport.FieldError{Field: "tls.ca", Message: "holds no certificate; give one or more as PEM"}
		}
		c.RootCAs = roots
	}
	if t.ClientCertificate != "" || t.ClientKey != "" {
		pair, err := tls.X509KeyPair([]byte(t.ClientCertificate), []byte(t.ClientKey))
		if err != nil {
			return nil, &transport.FieldError{Field: "tls.client_certificate",
				Message: "is no PEM certificate, or tls.client_key is not its key; give both as PEM"}
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
