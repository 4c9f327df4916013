package main

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/postrider/postrider/transport/certificates"
)

// Variables that name files for the connection to a node, where the flags do not.
const (
	serverCAVariable   = "POSTRIDER_SERVER_CA"
	clientCertVariable = "POSTRIDER_CLIENT_CERT"
	clientKeyVariable  = "POSTRIDER_CLIENT_KEY"
)

// clientTLS is how commands prove a node, and themselves. A node on this
// machine that is found by its settings is known by the certificate they name,
// whatever names stand in it.
func (a *app) clientTLS() (*tls.Config, error) {
	files := certificates.Client{CA: cmp.Or(a.serverCA, a.getenv(serverCAVariable)), Pair: certificates.Pair{
		Cert: cmp.Or(a.clientCert, a.getenv(clientCertVariable)), Key: cmp.Or(a.clientKey, a.getenv(clientKeyVariable))}}
	if (files.Cert == "") != (files.Key == "") {
		return nil, usagef("--client-cert and --client-key go together; give both or none")
	}
	secure, err := files.Config()
	if err != nil {
		return nil, fmt.Errorf("--server-ca, --client-cert or --client-key: %w", err)
	}
	if files.CA != "" || a.server != "" || a.getenv(serverVariable) != "" {
		return secure, nil
	}
	c, err := a.settings()
	if err != nil {
		return nil, err
	}
	if c.HTTP.TLSCert != "" {
		return secure, pin(secure, c.HTTP.TLSCert)
	}
	return secure, nil
}

// pin accepts the certificate in the file and no other.
func pin(secure *tls.Config, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("http.tls_cert: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return fmt.Errorf("http.tls_cert: %.200q holds no certificate in PEM", file)
	}
	secure.InsecureSkipVerify = true // in place of names and CAs: the very bytes, below
	secure.VerifyPeerCertificate = func(shown [][]byte, _ [][]*x509.Certificate) error {
		if len(shown) == 0 || !bytes.Equal(shown[0], block.Bytes) {
			return errors.New("what listens there shows another certificate than http.tls_cert; give --server and --server-ca for another node")
		}
		return nil
	}
	return nil
}

// clientTransport is net/http's own with secure.
func clientTransport(secure *tls.Config) http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = secure
	return t
}
