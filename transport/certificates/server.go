package certificates

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"
)

// maxFile bounds a PEM file, in bytes: a bundle of every public CA is smaller.
const maxFile = 4 << 20

// Pair names the files of a certificate with its chain, and of its key.
type Pair struct{ Cert, Key string }

// Server is the certificate that a listener shows, and the CA of those who may
// come, where that is asked.
type Server struct {
	pair     Pair
	clientCA string
	auth     tls.ClientAuthType
	current  atomic.Pointer[read]
}

type read struct {
	config *tls.Config
	leaf   *x509.Certificate
	sum    [sha256.Size]byte
}

// OpenServer reads the files. With a clientCA peers must show a certificate
// that it signed, or, where optional, may leave it out: the handler then asks
// Verified.
func OpenServer(pair Pair, clientCA string, optional bool) (*Server, error) {
	s := &Server{pair: pair, clientCA: clientCA}
	switch {
	case clientCA != "" && optional:
		s.auth = tls.VerifyClientCertIfGiven
	case clientCA != "":
		s.auth = tls.RequireAndVerifyClientCert
	}
	_, err := s.Reload()
	return s, err
}

// Reload reads the files again, and tells whether they hold something else
// than before. After an error what was read before still holds.
func (s *Server) Reload() (changed bool, err error) {
	r := &read{}
	hash := sha256.New()
	pair, err := s.pair.load(hash)
	if err != nil {
		return false, err
	}
	r.leaf = pair.Leaf
	r.config = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, ClientAuth: s.auth}
	if s.clientCA != "" {
		if r.config.ClientCAs, err = pool(s.clientCA, hash); err != nil {
			return false, err
		}
	}
	r.sum = [sha256.Size]byte(hash.Sum(nil))
	before := s.current.Swap(r)
	return before == nil || before.sum != r.sum, nil
}

// Config is for a listener that lives longer than a certificate. protocols are
// those that may be agreed on, such as http/1.1; none: nothing is agreed on.
func (s *Server) Config(protocols ...string) *tls.Config {
	config := s.current.Load().config.Clone()
	config.NextProtos = protocols
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := s.current.Load().config.Clone()
		now.NextProtos = protocols
		return now, nil
	}
	return config
}

// Ends is when the certificate that is shown now ends.
func (s *Server) Ends() time.Time { return s.current.Load().leaf.NotAfter }

// Verified tells whether the peer showed a certificate that the CA signed.
func Verified(state *tls.ConnectionState) bool {
	return state != nil && len(state.VerifiedChains) > 0
}

// load reads the pair, and writes what the files hold to hash.
func (p Pair) load(hash io.Writer) (tls.Certificate, error) {
	cert, err := readFile(p.Cert, hash)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readFile(p.Key, hash)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return pair, fmt.Errorf("%.200q and %.200q are no certificate and its key in PEM: %w", p.Cert, p.Key, err)
	}
	return pair, nil
}

// pool reads CAs. A file with anything in it that is no certificate is refused:
// half a bundle would refuse peers that ought to come in.
func pool(path string, hash io.Writer) (*x509.CertPool, error) {
	text, err := readFile(path, hash)
	if err != nil {
		return nil, err
	}
	p, found := x509.NewCertPool(), false
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			return nil, fmt.Errorf("%.200q has a part that is no certificate; give the CAs' certificates in PEM alone", path)
		}
		p.AddCert(cert)
		found = true
	}
	if !found {
		return nil, fmt.Errorf("%.200q holds no certificate in PEM", path)
	}
	return p, nil
}

func readFile(path string, hash io.Writer) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, fmt.Errorf("%.200q cannot be read (%w)", path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%.200q cannot be read", path)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%.200q is larger than %d bytes, which no certificate is", path, maxFile)
	}
	_, _ = fmt.Fprintf(hash, "%d\n%s", len(b), b)
	return b, nil
}
