package webhook

import (
	"bytes"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"
)

// maxNames of a certificate are told.
const maxNames = 3

// certificateDetail tells what is wrong with the receiver's certificate; empty
// where that is not what failed.
func certificateDetail(err error) string {
	var (
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
	)
	switch {
	case errors.As(err, &invalid):
		return invalidDetail(&invalid)
	case errors.As(err, &unknown):
		return unknownDetail(unknown.Cert)
	case errors.As(err, &host):
		return "the certificate is for another host" + namesOf(host.Certificate)
	}
	return ""
}

func invalidDetail(err *x509.CertificateInvalidError) string {
	which := "the certificate"
	if err.Cert != nil && err.Cert.IsCA {
		which = "a certificate of the authority"
	}
	switch {
	case err.Reason != x509.Expired:
		return which + " is not valid for a server"
	case err.Cert == nil:
		return which + " has expired or is not yet valid"
	case strings.Contains(err.Detail, " is before "): // crypto/x509 tells the two apart by this alone
		return which + " is not yet valid: it begins on " + day(err.Cert.NotBefore)
	}
	return which + " expired on " + day(err.Cert.NotAfter)
}

func day(t time.Time) string { return t.UTC().Format(time.DateTime) + " UTC" }

// unknownDetail tells a certificate that vouches for itself from one that
// nobody known vouches for.
func unknownDetail(c *x509.Certificate) string {
	if c != nil && bytes.Equal(c.RawIssuer, c.RawSubject) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil {
		return "the certificate is self-signed; set tls.ca to it if it is your own"
	}
	return "the certificate is from an unknown authority; set tls.ca if it is your own, else the receiver must send its intermediate certificates"
}

// namesOf lists the hosts that a certificate is for.
func namesOf(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	var names []string
	for _, name := range c.DNSNames {
		if hostLike(name) {
			names = append(names, name)
		}
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "; it names none"
	}
	more := ""
	if len(names) > maxNames {
		names, more = names[:maxNames], ", …"
	}
	return ": " + strings.Join(names, ", ") + more
}

// hostLike tells whether a name that a receiver gave can be repeated in a detail.
func hostLike(name string) bool {
	return name != "" && len(name) <= 253 && net.ParseIP(name) == nil &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return r != '.' && r != '-' && r != '_' && r != '*' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
}
