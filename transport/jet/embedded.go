package jet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/certificates"
)

// startTimeout bounds the wait for the embedded server where ctx does not:
// with much to recover it reads every stream's index first.
const startTimeout = 5 * time.Minute

// payloadRoom is how much more than Options.MaxPayload the server itself takes:
// what a batch adds to a message, and producers' messages that are too large by
// little, which the gate refuses with a word where the server cuts the connection.
const payloadRoom = 4 << 10

// embedded is the NATS server in this process.
type embedded struct {
	srv      *server.Server
	log      *slog.Logger
	unlock   func()
	listens  bool
	maxStore int64
	admits   *admission
	refused  func()
	staging  *staging
	addr     string // host:port where producers are taken, or empty
	tls      bool
	// certificates are the listener's; nil: it speaks in clear.
	certificates *certificates.Server
}

// startEmbedded starts the server on DataDir/jetstream and connects the node
// in process. Producers are let in later, by listen.
func (c *Conn) startEmbedded(ctx context.Context) error {
	if err := checkServer(c.opts); err != nil {
		return err
	}
	host, port, err := listenAddress(c.opts)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.opts.DataDir, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	unlock, err := LockFolder(c.opts.DataDir)
	if err != nil {
		return err
	}
	c.embedded = &embedded{log: c.log.With("part", "nats"), unlock: unlock, listens: c.opts.Listen != "", maxStore: c.opts.MaxStore, refused: c.opts.Refused}
	if c.embedded.staging, err = newStaging(c.opts, c.embedded.log); err != nil {
		return err
	}
	so, err := c.embedded.serverOptions(c.opts, host, port)
	if err != nil {
		return err
	}
	if err := c.runServer(ctx, so); err != nil {
		return err
	}
	return c.shrinkLogs(ctx, so)
}

// runServer starts the embedded server and connects to it.
func (c *Conn) runServer(ctx context.Context, so *server.Options) error {
	admits, err := newAdmission(c.opts)
	if err != nil {
		return err
	}
	c.embedded.admits = admits
	if err := c.embedded.start(ctx, so, admits); err != nil {
		return err
	}
	if err := c.connect("", nats.InProcessServer(c.embedded.srv),
		nats.UserInfo(nodeUser, admits.nodePassword),
		nats.CustomInboxPrefix("_POSTRIDER")); err != nil {
		return fmt.Errorf("connecting to the embedded NATS server: %w", err)
	}
	return nil
}

// shrinkLogs sees to a disk that has become much smaller: a server whose limit
// is below what streams have reserved changes no stream at all. So these are
// shrunk by a run of the server without the limit.
func (c *Conn) shrinkLogs(ctx context.Context, so *server.Options) error {
	var bounded []jetstream.StreamConfig
	reserved := int64(0)
	list := c.js.ListStreams(ctx)
	for info := range list.Info() {
		if info.Config.MaxBytes > 0 {
			bounded, reserved = append(bounded, info.Config), reserved+info.Config.MaxBytes
		}
	}
	if err := list.Err(); err != nil {
		return fmt.Errorf("listing streams: %w", Unavailable(err))
	}
	if reserved <= c.embedded.maxStore {
		return nil
	}
	lifted := so.Clone()
	lifted.JetStreamMaxStore = math.MaxInt64 / 2
	if err := c.rerunServer(ctx, lifted); err != nil {
		return err
	}
	for _, config := range bounded {
		config.MaxBytes = Room(c.embedded.maxStore).Of(config.Name)
		if _, err := c.js.UpdateStream(ctx, config); err != nil {
			return fmt.Errorf("stream %s: %w", config.Name, Unavailable(err))
		}
	}
	return c.rerunServer(ctx, so)
}

func (c *Conn) rerunServer(ctx context.Context, so *server.Options) error {
	c.disconnect()
	c.embedded.srv.Shutdown()
	c.embedded.srv.WaitForShutdown()
	return c.runServer(ctx, so)
}

func (e *embedded) serverOptions(o Options, host string, port int) (*server.Options, error) {
	var err error
	if e.maxStore == 0 {
		if e.maxStore, err = storeLimit(filepath.Join(o.DataDir, "jetstream")); err != nil {
			return nil, err
		}
	}
	so := &server.Options{
		ServerName:             "postrider",
		Host:                   host,
		Port:                   port,
		DontListen:             true, // listen opens the door once the streams are there
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               o.DataDir,
		JetStreamMaxStore:      e.maxStore,
		SyncAlways:             o.SyncInterval == 0,
		SyncInterval:           o.SyncInterval,
		MaxPayload:             o.MaxPayload + payloadRoom,
		MaxPending:             server.MAX_PENDING_SIZE + payloadRoom,
		MaxConn:                o.Connections + connectionsBeside,
		DisableJetStreamBanner: true,
	}
	if e.certificates, err = openCertificates(o); err != nil {
		return nil, err
	}
	if e.certificates != nil {
		e.tls, so.TLSConfig = true, e.certificates.Config()
		so.TLS, so.TLSTimeout = true, 5
	}
	return so, nil
}

func (e *embedded) start(ctx context.Context, so *server.Options, admits *admission) error {
	// A server changes its options, so each run has its own.
	so = so.Clone()
	so.CustomClientAuthentication, so.Accounts = admits, admits.accounts()
	srv, err := server.NewServer(so)
	if err != nil {
		return fmt.Errorf("embedded NATS server: %w", err)
	}
	lines := newServerLog(e.log)
	lines.refused = e.refused
	srv.SetLoggerV2(lines, false, false, false)
	if err := admits.connectAccounts(srv); err != nil {
		srv.Shutdown()
		return err
	}
	e.srv = srv
	timeout := startTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	srv.Start()
	if !srv.ReadyForConnections(timeout) || !srv.JetStreamEnabled() {
		return fmt.Errorf("the embedded NATS server did not start; its log lines say why (data folder %s)", so.StoreDir)
	}
	// Reads every stream's index from disk, so it must come before any use.
	if err := admits.system.EnableJetStream(nil, nil); err != nil {
		return fmt.Errorf("embedded JetStream on %s: %w", so.StoreDir, err)
	}
	return nil
}

// listen lets producers in. It comes after the streams, so that no producer
// publishes into a void.
func (e *embedded) listen() error {
	if !e.listens {
		return nil
	}
	done := make(chan struct{})
	e.srv.AcceptLoop(done)
	<-done
	addr := e.srv.Addr()
	if addr == nil {
		return errors.New("nats.listen: the port was taken by another program meanwhile; choose another one")
	}
	e.addr = addr.String()
	e.log.Info("taking events from producers", "address", e.addr, "tls", e.tls)
	return nil
}

// url is where producers connect, or empty.
func (e *embedded) url() string {
	switch {
	case e.addr == "":
		return ""
	case e.tls:
		return "tls://" + e.addr
	default:
		return "nats://" + e.addr
	}
}

// shutdown returns once the server's files are closed.
func (e *embedded) shutdown() {
	if e.srv != nil {
		e.srv.Shutdown()
		e.srv.WaitForShutdown()
		e.staging.clear()
	}
	e.unlock()
}

// missing names what the embedded server lacks, or is empty.
func (e *embedded) missing() string {
	if !e.srv.Running() {
		return "the embedded NATS server has stopped"
	}
	if !e.srv.JetStreamEnabled() {
		return "the embedded JetStream has shut itself off after an error of the disk; see the log, mend the disk, start again"
	}
	return e.unwritable()
}

// unwritable names a stream that takes no more writes. After a failed write
// the server refuses all further ones of that stream, and answers none of
// them, until it is started again, even where the disk has space again.
func (e *embedded) unwritable() string {
	health := e.srv.Healthz(&server.HealthzOptions{Account: accountSystem, Details: true})
	for _, fault := range health.Errors {
		if strings.Contains(fault.Error, "write error") {
			return fmt.Sprintf("stream %s takes no more writes after an error of the disk (%s); make space or mend the disk, and start again",
				fault.Stream, fault.Error)
		}
	}
	return ""
}

// checkServer checks what only the embedded server is asked for.
func checkServer(o Options) error {
	switch {
	case o.User == "" && o.Password != "":
		return &transport.FieldError{Field: "nats.user", Message: "a password without a user; set both"}
	case o.User != "" && o.Password == "":
		return &transport.FieldError{Field: "nats.password", Message: "a user without a password; set both"}
	case o.MaxPayload < 64<<10 || o.MaxPayload > server.MAX_PENDING_SIZE:
		return &transport.FieldError{Field: "nats.max_payload", Value: strconv.Itoa(int(o.MaxPayload)),
			Message: "not between 64 KiB and 64 MiB"}
	}
	return nil
}

// listenAddress reads and checks Options.Listen; the port is free when it returns.
func listenAddress(o Options) (host string, port int, err error) {
	if o.Listen == "" {
		return "", 0, nil
	}
	host, portText, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return "", 0, listenFault(o.Listen, "not host:port, e.g. 127.0.0.1:4222")
	}
	if port, err = strconv.Atoi(portText); err != nil || port < 0 || port > 65535 {
		return "", 0, listenFault(o.Listen, "the port is not a number from 0 to 65535")
	}
	if !loopback(host) && o.User == "" && o.Token == "" && o.TLSCert == "" {
		return "", 0, listenFault(o.Listen, "without a user and password, a token or TLS only a loopback address "+
			"is listened on, e.g. 127.0.0.1:4222; set nats.user and nats.password, or nats.token")
	}
	l, err := net.Listen("tcp", o.Listen)
	if errors.Is(err, syscall.EADDRINUSE) && o.AnyPort {
		l, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return "", 0, listenFault(o.Listen, "cannot listen there ("+err.Error()+"); choose another address, or empty for none")
	}
	defer l.Close()
	return host, l.Addr().(*net.TCPAddr).Port, nil
}
