package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/postrider/postrider/transport"
)

// classify says what a conversation that failed means. It is the only place
// that does. What went wrong before RCPT, or without an SMTP answer, is the
// relay's trouble, which is ours and not the mailbox's.
func classify(f *fault) transport.Answer {
	code, said := f.answered()
	a := transport.Answer{Class: transport.Failed, Status: code, Reason: transport.ReasonStatus, Body: kept(said)}
	switch {
	case code == 0:
		return refusal(transport.ReasonRelay, "the SMTP relay, at "+stageNames[f.stage]+": "+trouble(f.err))
	case f.stage < stageRcpt || code == 421 || f.stage == stageRcpt && refusesUs(code, said):
		a.Class, a.Reason = transport.Refused, transport.ReasonRelay
	case f.stage == stageRcpt && noMailbox(code, said):
		a.Class, a.Reason = transport.Gone, transport.ReasonGone
	}
	if f.stage == stageAuth {
		a.Body = nil // it may quote what was just said
	}
	a.Detail = strings.TrimSuffix("the SMTP relay answered "+strconv.Itoa(code)+" "+enhanced(said), " ") + " to " + stageNames[f.stage]
	if a.Class == transport.Gone {
		a.Detail += ": there is no such mailbox"
	}
	return a
}

// answered is the relay's answer; 0 where none came.
func (f *fault) answered() (code int, said string) {
	var answer *textproto.Error
	if !errors.As(f.err, &answer) || answer.Code < 400 || answer.Code > 599 {
		return 0, ""
	}
	return answer.Code, answer.Msg
}

var enhancedCode = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// enhanced is the status code of RFC 3463 at the beginning of an answer, or "".
func enhanced(said string) string { return enhancedCode.FindString(said) }

// refusesUs tells that RCPT was refused for what we are, whoever the mail is
// for: not signed in, not let through, a bad sender.
func refusesUs(code int, said string) bool {
	status := enhanced(said)
	return slices.Contains([]int{530, 534, 535, 538}, code) || strings.HasPrefix(status, "5.7.") ||
		status == "5.1.7" || status == "5.1.8" || code >= 500 && strings.Contains(strings.ToLower(said), "relay")
}

// noMailbox tells that RCPT was refused as the mailbox does not exist, or no more.
func noMailbox(code int, said string) bool {
	if status := enhanced(said); status != "" {
		return slices.Contains([]string{"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}, status)
	}
	return code == 550 || code == 551 || code == 553
}

func kept(said string) []byte {
	if said == "" {
		return nil
	}
	return []byte(said[:min(len(said), transport.MaxAnswerKept)])
}

// trouble tells in our own words what err is; it never quotes the relay.
func trouble(err error) string {
	var (
		dns      *net.DNSError
		protocol textproto.ProtocolError
		answer   *textproto.Error
	)
	for _, own := range []error{errNoStartTLS, errNoAuth, errNoSMTPUTF8, errSaidTooMuch} {
		if errors.Is(err, own) {
			return own.Error()
		}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "the time limit was used up"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host name is not known"
	case errors.As(err, &dns):
		return "the host name could not be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "this machine is out of file descriptors"
	case errors.As(err, &protocol), errors.As(err, &answer):
		return "what it says is no SMTP"
	}
	if detail := certificate(err); detail != "" {
		return detail
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, new(*net.OpError)) {
		return "the connection broke"
	}
	return "the conversation failed"
}

// certificate tells what was wrong in a TLS handshake; empty for other errors.
func certificate(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
		op      *net.OpError
	)
	switch {
	case errors.As(err, &unknown):
		return "its certificate is from an unknown authority; set smtp.ca if it is your own"
	case errors.As(err, &host):
		return "its certificate is for another host than smtp.host"
	case errors.As(err, &invalid):
		return "its certificate has expired or is not one for servers"
	case errors.As(err, &record):
		return "it does not speak TLS on this port; check smtp.tls and smtp.port"
	case errors.As(err, &op) && op.Op == "remote error":
		return "it refused the handshake"
	}
	return ""
}

// maxDetail is the most that an Answer's Detail holds, in bytes.
const maxDetail = 200

func refusal(reason, detail string) transport.Answer {
	if len(detail) > maxDetail {
		detail = strings.ToValidUTF8(detail[:maxDetail-3], "") + "…"
	}
	return transport.Answer{Class: transport.Refused, Reason: reason, Detail: detail}
}
