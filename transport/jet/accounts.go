package jet

import (
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/postrider/postrider/transport"
)

// The embedded server has two accounts. POSTRIDER has the streams and is for
// the node's in-process connection alone. PRODUCERS is for whoever comes by
// TCP; it imports events.> and detections.> from POSTRIDER as services, so
// that publishing there reaches the streams, and the acknowledgement comes
// back, but nothing else of POSTRIDER can be named from it. With one account
// and permissions only, a producer could set a reply subject such as
// due.0.x.1 and have the server itself publish its acknowledgement there.
//
// The import costs 5 to 10 µs of CPU for each publish that asks for an
// acknowledgement of its own, and nothing measurable for atomic batches.
const (
	accountSystem    = "POSTRIDER"
	accountProducers = "PRODUCERS"
	nodeUser         = "postrider-node"
)

var producerSubjects = []string{"events.>", "detections.>"}

// gate decides who comes in, and into which account.
type gate struct {
	nodePassword          string
	user, password, token string
	system, producers     *server.Account
	refused               func() // told of each producer whom the account's limit refuses
}

const (
	// connectionsBeside are the node's own, and room for producers that are
	// signing in: these are not the account's yet.
	connectionsBeside = 64
	// maxSubscriptions bounds a producer's, which needs one for its answers.
	maxSubscriptions = 1000
)

func newGate(o Options) (*gate, error) {
	// The server reads an account's limits from a configuration alone.
	var limited server.Options
	if err := limited.ProcessConfigString(fmt.Sprintf("accounts { %s { limits { max_connections: %d, max_subscriptions: %d } } }",
		accountProducers, o.Connections, maxSubscriptions)); err != nil {
		return nil, fmt.Errorf("limits of producers: %w", err)
	}
	return &gate{
		nodePassword: randomToken(32),
		user:         o.User, password: o.Password, token: o.Token,
		system:    server.NewAccount(accountSystem),
		producers: limited.Accounts[0], refused: o.Refused,
	}, nil
}

func (g *gate) accounts() []*server.Account { return []*server.Account{g.system, g.producers} }

// connectAccounts exports and imports, before anyone can connect. The server
// may work on copies of the accounts it was given.
func (g *gate) connectAccounts(srv *server.Server) error {
	var err error
	if g.system, err = srv.LookupAccount(accountSystem); err != nil {
		return fmt.Errorf("account %s: %w", accountSystem, err)
	}
	if g.producers, err = srv.LookupAccount(accountProducers); err != nil {
		return fmt.Errorf("account %s: %w", accountProducers, err)
	}
	for _, subject := range producerSubjects {
		if err := g.system.AddServiceExport(subject, []*server.Account{g.producers}); err != nil {
			return fmt.Errorf("exporting %s to producers: %w", subject, err)
		}
		if err := g.producers.AddServiceImport(g.system, subject, subject); err != nil {
			return fmt.Errorf("importing %s for producers: %w", subject, err)
		}
	}
	return nil
}

// Check implements server.Authentication.
func (g *gate) Check(c server.ClientAuthentication) bool {
	given := c.GetOpts()
	if given.Username == nodeUser {
		if c.RemoteAddress().Network() != "pipe" || !same(given.Password, g.nodePassword) {
			return false
		}
		c.RegisterUser(&server.User{Username: nodeUser, Account: g.system})
		return true
	}
	if !g.knows(given.Username, given.Password, given.Token) {
		return false
	}
	if g.producers.MaxTotalConnectionsReached() {
		g.refused()
	}
	c.RegisterUser(&server.User{Username: "producer", Account: g.producers, Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: producerSubjects},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
	}})
	return true
}

// knows tells whether a producer's credentials are right; where none were set,
// anyone who reaches the listener may publish.
func (g *gate) knows(user, password, token string) bool {
	byUser := g.user != "" && same(user, g.user) && same(password, g.password)
	byToken := g.token != "" && same(token, g.token)
	return byUser || byToken || g.user == "" && g.token == ""
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// loopback tells whether host can only be reached from this machine.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func listenFault(value, message string) error {
	return &transport.FieldError{Field: "nats.listen", Value: value, Message: message}
}

// listenTLS is the listener's TLS, or nil.
func listenTLS(o Options) (*tls.Config, error) {
	if o.TLSCert == "" && o.TLSKey == "" && o.TLSCA == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
	if err != nil {
		return nil, &transport.FieldError{Field: "nats.tls_cert", Value: o.TLSCert,
			Message: "cannot load the certificate and nats.tls_key (" + err.Error() + "); give two PEM files"}
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if o.TLSCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(o.TLSCA)
	if err != nil {
		return nil, &transport.FieldError{Field: "nats.tls_ca", Value: o.TLSCA, Message: err.Error()}
	}
	c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, &transport.FieldError{Field: "nats.tls_ca", Value: o.TLSCA, Message: "holds no PEM certificate"}
	}
	return c, nil
}
