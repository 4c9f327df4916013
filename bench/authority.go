package bench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority is a CA of the bench's own, made for one run, with a certificate of
// the receivers on 127.0.0.1. Its files lie in a folder that close removes.
type authority struct {
	dir                         string
	caFile, certFile, keyFile   string
	roots                       *x509.CertPool
	authorityCert, receiverCert *x509.Certificate
}

const authorityLife = 24 * time.Hour

func newAuthority(in string) (a *authority, err error) {
	dir, err := os.MkdirTemp(in, "postrider-bench-ca-")
	if err != nil {
		return nil, fmt.Errorf("bench: the CA's folder: %w", err)
	}
	a = &authority{dir: dir, caFile: filepath.Join(dir, "ca.pem"), certFile: filepath.Join(dir, "cert.pem"), keyFile: filepath.Join(dir, "key.pem"), roots: x509.NewCertPool()}
	if err := a.issue(); err != nil {
		return nil, errors.Join(fmt.Errorf("bench: the CA: %w", err), a.close())
	}
	a.roots.AddCert(a.authorityCert)
	return a, nil
}

func (a *authority) issue() (err error) {
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "postrider bench CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if a.authorityCert, err = certify(a.caFile, ca, ca, caKey, caKey); err != nil {
		return err
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "postrider bench receiver"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if a.receiverCert, err = certify(a.certFile, leaf, a.authorityCert, key, caKey); err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(a.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func certify(file string, cert, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, cert, by, &key.PublicKey, byKey)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// flags are those of a sink that has its certificate.
func (a *authority) flags() []string { return []string{"-cert=" + a.certFile, "-key=" + a.keyFile} }

// client is how a client trusts it; nil: plain HTTP.
func (a *authority) client() *tls.Config {
	if a == nil {
		return nil
	}
	return &tls.Config{RootCAs: a.roots, MinVersion: tls.VersionTLS13, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
}

// ca is the file of the CA; empty: there is none.
func (a *authority) ca() string {
	if a == nil {
		return ""
	}
	return a.caFile
}

func (a *authority) close() error {
	if a == nil {
		return nil
	}
	return os.RemoveAll(a.dir)
}
