package jet

import (
	"crypto/subtle"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/certificates"
	"github.com/postrider/postrider/transport/jet/gate"
)

// The embedded server has two accounts. POSTRIDER has the streams and is for
// the node's in-process connections alone. PRODUCERS is for whoever comes by
// TCP; what they publish there is taken by the gate, which stands in PRODUCERS
// too and stores it by POSTRIDER: no message of theirs reaches a stream by
// itself, and nothing of POSTRIDER can be named from there. What clients ask
// JetStream before they publish arrives at the gate as well.
const (
	accountSystem    = "POSTRIDER"
	accountProducers = "PRODUCERS"
	nodeUser         = "postrider-node"
	gateUser         = "postrider-gate"
	// gateConnections are the gate's in the producers' account.
	gateConnections = 2
)

var producerSubjects = []string{SubjectEvents, SubjectDetections}

// admission decides who comes in, and into which account.
type admission struct {
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

func newAdmission(o Options) (*admission, error) {
	// The server reads an account's limits from a configuration alone.
	var limited server.Options
	if err := limited.ProcessConfigString(fmt.Sprintf("accounts { %s { limits { max_connections: %d, max_subscriptions: %d } } }",
		accountProducers, o.Connections+gateConnections, maxSubscriptions)); err != nil {
		return nil, fmt.Errorf("limits of producers: %w", err)
	}
	return &admission{
		nodePassword: RandomToken(32),
		user:         o.User, password: o.Password, token: o.Token,
		system:    server.NewAccount(accountSystem),
		producers: limited.Accounts[0], refused: o.Refused,
	}, nil
}

func (g *admission) accounts() []*server.Account { return []*server.Account{g.system, g.producers} }

// connectAccounts exports and imports, before anyone can connect. The server
// may work on copies of the accounts it was given.
func (g *admission) connectAccounts(srv *server.Server) error {
	var err error
	if g.system, err = srv.LookupAccount(accountSystem); err != nil {
		return fmt.Errorf("account %s: %w", accountSystem, err)
	}
	if g.producers, err = srv.LookupAccount(accountProducers); err != nil {
		return fmt.Errorf("account %s: %w", accountProducers, err)
	}
	if err := g.system.AddServiceExport(gate.LookSubject, []*server.Account{g.producers}); err != nil {
		return fmt.Errorf("exporting %s to producers: %w", gate.LookSubject, err)
	}
	// In place of the import of JetStream's own API, which the server would make.
	if err := g.producers.AddServiceImport(g.system, gate.APISubject, gate.LookSubject); err != nil {
		return fmt.Errorf("importing %s for producers: %w", gate.APISubject, err)
	}
	return nil
}

// Check implements server.Authentication.
func (g *admission) Check(c server.ClientAuthentication) bool {
	given := c.GetOpts()
	if given.Username == nodeUser || given.Username == gateUser {
		if c.RemoteAddress().Network() != "pipe" || !same(given.Password, g.nodePassword) {
			return false
		}
		c.RegisterUser(g.own(given.Username))
		return true
	}
	if !g.knows(given.Username, given.Password, given.Token) {
		return false
	}
	if g.producers.MaxTotalConnectionsReached() {
		g.refused()
	}
	c.RegisterUser(&server.User{Username: "producer", Account: g.producers, Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: slices.Concat(producerSubjects, gate.APISubjects(StreamEvents, StreamDetections))},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
	}})
	return true
}

// own is a user of this process.
func (g *admission) own(name string) *server.User {
	if name == nodeUser {
		return &server.User{Username: name, Account: g.system}
	}
	return &server.User{Username: name, Account: g.producers, Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
		Subscribe: &server.SubjectPermission{Allow: producerSubjects},
	}}
}

// knows tells whether a producer's credentials are right; where none were set,
// anyone who reaches the listener may publish.
func (g *admission) knows(user, password, token string) bool {
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

// openCertificates reads the listener's certificate and the CA of producers;
// nil where it speaks in clear.
func openCertificates(o Options) (*certificates.Server, error) {
	if o.TLSCert == "" && o.TLSKey == "" && o.TLSCA == "" {
		return nil, nil
	}
	s, err := certificates.OpenServer(certificates.Pair{Cert: o.TLSCert, Key: o.TLSKey}, o.TLSCA, false)
	if err != nil {
		return nil, &transport.FieldError{Field: "nats.tls_cert", Value: o.TLSCert,
			Message: "nats.tls_cert, nats.tls_key or nats.tls_ca: " + err.Error()}
	}
	return s, nil
}

// ReloadTLS reads the listener's certificate and the CA of producers anew, for
// connections from now on, and tells whether they changed. After an error those
// before hold.
func (c *Conn) ReloadTLS() (changed bool, err error) {
	if c.embedded == nil || c.embedded.certificates == nil {
		return false, nil
	}
	return c.embedded.certificates.Reload()
}

// CertificateEnds is when the listener's certificate ends; zero without one.
func (c *Conn) CertificateEnds() time.Time {
	if c.embedded == nil || c.embedded.certificates == nil {
		return time.Time{}
	}
	return c.embedded.certificates.Ends()
}
