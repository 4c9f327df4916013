package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"io"
)

// Client names the files that a connection to a server of one's own is made
// with: its CA, and the certificate that is shown. What is empty is left out;
// without a CA the system's count.
type Client struct {
	CA string
	Pair
}

// Set tells whether any file is named.
func (c Client) Set() bool { return c.CA != "" || c.Cert != "" }

// Config reads the files as they are now. The server's name is the caller's to
// set.
func (c Client) Config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	var err error
	if c.CA != "" {
		if config.RootCAs, err = c.Roots(); err != nil {
			return nil, err
		}
	}
	if c.Cert != "" {
		pair, err := c.Certificate()
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Roots reads the CA.
func (c Client) Roots() (*x509.CertPool, error) { return pool(c.CA, io.Discard) }

// Certificate reads what is shown.
func (c Client) Certificate() (tls.Certificate, error) { return c.load(io.Discard) }
