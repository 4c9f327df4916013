package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/webhook/dial"
)

// failure says what an attempt without an answer means. Details are our own
// words: the errors' may quote what the receiver or a URL holds.
func failure(caller context.Context, err error, expired, connected bool) transport.Answer {
	if caller.Err() != nil || errors.Is(err, context.Canceled) && !expired {
		return transport.Answer{Class: transport.Aborted, Reason: transport.ReasonAborted, Detail: "broken off by us"}
	}
	if expired {
		return late(err, connected)
	}
	var (
		address *dial.AddressRefused
		proxy   *dial.ProxyError
		dns     *dial.DNSError
		secured *dial.TLSError
	)
	switch {
	case errors.As(err, &address):
		return refusal(transport.ReasonAddressRefused, addressDetail)
	case errors.Is(err, dial.ErrNoSource):
		return refusal(transport.ReasonLocal, dial.ErrNoSource.Error())
	case exhausted(err):
		return refusal(transport.ReasonLocal, "this machine is out of file descriptors, ports or memory")
	case errors.As(err, &proxy):
		return refusal(transport.ReasonProxy, proxyDetail(proxy))
	case errors.As(err, &dns):
		a := failed(transport.ReasonDNS, dnsDetail(dns))
		a.Unreached = !notFound(dns)
		return a
	case timedOut(err):
		return late(err, connected)
	case errors.As(err, &secured):
		return failed(transport.ReasonTLS, tlsDetail(secured.Err))
	}
	if detail := alertDetail(err); detail != "" {
		// In TLS 1.3 a client certificate is refused after the handshake.
		return failed(transport.ReasonTLS, detail)
	}
	if detail := connectDetail(err); detail != "" {
		a := failed(transport.ReasonConnect, detail)
		a.Unreached = noRoute(err)
		return a
	}
	return failed(transport.ReasonProtocol, "what the receiver answered is no HTTP")
}

// addressDetail does not tell what a name resolves to, nor what is wrong with
// it: whoever may make endpoints could read an internal network by names. The
// log tells operators.
const addressDetail = "the host has no address that may be delivered to; give one with a public address, or have the operator list its network in egress.allow_cidrs"

func failed(reason, detail string) transport.Answer {
	return transport.Answer{Class: transport.Failed, Reason: reason, Detail: bounded(detail)}
}

// late names the phase in which the time ran out, where err tells it.
func late(err error, connected bool) transport.Answer {
	if connected {
		return failed(transport.ReasonTimeout, "no answer within the time limit: it is connected, and waited for the answer")
	}
	phase := "no connection within the time limit; a firewall may be dropping it"
	var (
		dns     *dial.DNSError
		secured *dial.TLSError
	)
	switch {
	case errors.As(err, &dns):
		phase = "no address from the name server within the time limit"
	case errors.As(err, &secured):
		phase = "no TLS within the time limit: it is connected, and the handshake did not end"
	}
	a := failed(transport.ReasonTimeout, phase)
	a.Unreached = true
	return a
}

// notFound: a name server did answer, that there is no such host.
func notFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

func noRoute(err error) bool {
	return errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

// exhausted tells that it is this machine that lacks something.
func exhausted(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func proxyDetail(err *dial.ProxyError) string {
	if err.Status != 0 {
		return err.Error() + " to CONNECT"
	}
	if detail := connectDetail(err.Unwrap()); detail != "" {
		return "the proxy: " + detail
	}
	return "the proxy could not be used"
}

func dnsDetail(err error) string {
	var dns *net.DNSError
	switch {
	case notFound(err):
		return "the host name does not exist"
	case errors.As(err, &dns) && dns.IsTimeout:
		return "the name server did not answer in time"
	}
	return "the host name could not be resolved"
}

// tlsDetail tells which part of the handshake failed.
func tlsDetail(err error) string {
	var record tls.RecordHeaderError
	if detail := certificateDetail(err); detail != "" {
		return detail
	}
	if errors.As(err, &record) {
		return "the receiver does not speak TLS on this port"
	}
	if detail := alertDetail(err); detail != "" {
		return detail
	}
	if detail := connectDetail(err); detail != "" {
		return "during the handshake: " + detail
	}
	return "the handshake failed"
}

// alertDetail reads what the receiver's TLS said; empty where it said nothing.
func alertDetail(err error) string {
	var alert tls.AlertError
	if errors.As(err, &alert) {
		return "the receiver refused the handshake (" + strings.TrimPrefix(alert.Error(), "tls: ") + ")"
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" && op.Err != nil {
		return "the receiver refused the handshake (" + strings.TrimPrefix(op.Err.Error(), "tls: ") + ")"
	}
	return ""
}

// connectDetail reads a connection that failed or broke; empty for other errors.
func connectDetail(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the receiver reset the connection"
	case noRoute(err):
		return "no route to the receiver"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), http2Ended(err):
		return "the receiver closed the connection without an answer"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return "the connection broke"
	}
	return ""
}

// http2Ended reads errors that net/http does not export.
func http2Ended(err error) bool {
	for _, words := range []string{"GOAWAY", "client connection lost", "client conn is closed", "client conn could not be established", "client connection force closed"} {
		if strings.Contains(err.Error(), "http2: ") && strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}
