package jet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// The oldest server that can do scheduled messages as we use them.
const (
	minMajor = 2
	minMinor = 14
)

// connectExternal connects to the server or cluster of Options.URL and checks
// it. One that is not there is waited for until ctx ends.
func (c *Conn) connectExternal(ctx context.Context) error {
	options, err := c.opts.SignIn()
	if err != nil {
		return err
	}
	for told := false; ; told = true {
		err := c.tryExternal(ctx, options)
		if !errors.Is(err, transport.ErrUnavailable) {
			return err
		}
		if !told {
			c.log.Warn("waiting for NATS", "url", Redact(c.opts.URL), "err", err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// tryExternal gives an error wrapping transport.ErrUnavailable where trying
// again may help.
func (c *Conn) tryExternal(ctx context.Context, options []nats.Option) error {
	if err := c.connect(c.opts.URL, options...); err != nil {
		return ConnectFault(c.opts.URL, err)
	}
	err := CheckServer(ctx, Redact(c.opts.URL), c.nc.ConnectedServerVersion(), c.js)
	if err != nil {
		c.disconnect()
		c.nc = nil
	}
	return err
}

// ConnectFault tells what is wrong with a server that was not reached; a URL's
// password is left out.
func ConnectFault(where string, err error) error {
	where = Redact(where)
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrNkeysNotSupported):
		return fmt.Errorf("NATS at %s refuses the credentials (%w); check nats.url and nats.credentials", where, err)
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout), isNetwork(err):
		return fmt.Errorf("NATS at %s cannot be reached: %w (%w); is it running, and is nats.url right?",
			where, transport.ErrUnavailable, withoutURL(err))
	default:
		return fmt.Errorf("NATS at %s: %w; check nats.url and nats.credentials", where, withoutURL(err))
	}
}

func isNetwork(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &op) || errors.As(err, &dns) || errors.Is(err, io.EOF)
}

// withoutURL drops what a *url.Error would print, which may hold a password.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// CheckServer checks that the server can do what is needed.
func CheckServer(ctx context.Context, where, version string, js jetstream.JetStream) error {
	if !newEnough(version) {
		return fmt.Errorf("NATS at %s is version %s; Postrider needs %d.%d or later: update the server, or leave nats.url empty to use the embedded one",
			where, version, minMajor, minMinor)
	}
	_, err := js.AccountInfo(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("NATS at %s has no JetStream for this account; start it with -js, or enable jetstream for the account", where)
	default:
		return fmt.Errorf("JetStream at %s does not answer: %w (%w)", where, transport.ErrUnavailable, err)
	}
}

// newEnough reads versions such as 2.14.0, 2.15.0-RC.1, v2.14.
func newEnough(version string) bool {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	return err1 == nil && err2 == nil && (major > minMajor || major == minMajor && minor >= minMinor)
}

// Redact takes user and password out of a list of URLs.
func Redact(urls string) string {
	var out []string
	for _, u := range strings.Split(urls, ",") {
		if at := strings.LastIndex(u, "@"); at >= 0 {
			scheme, _, found := strings.Cut(u, "://")
			if u = u[at+1:]; found {
				u = scheme + "://" + u
			}
		}
		out = append(out, strings.TrimSpace(u))
	}
	return strings.Join(out, ",")
}
