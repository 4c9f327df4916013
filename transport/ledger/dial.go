package ledger

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/postrider/postrider/transport"
)

// connections of one node: a batch at a time per shard, and a probe.
const connections = 4

const urlForms = "give redis://[user:password@]host[:port][/db], rediss:// for TLS, " +
	"redis+cluster:// or rediss+cluster:// for a cluster"

func badURL(what string) error {
	return &transport.FieldError{Field: "redis.url", Message: what + "; " + urlForms}
}

// dial reads the URL and makes the client. Nothing of the URL, which may hold
// a password, goes into an error, those of the parsers beneath included.
func dial(text string, o RedisOptions) (redis.UniversalClient, error) {
	if len(text) > transport.MaxURLLength {
		return nil, badURL("is longer than 2083 characters")
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return nil, badURL("is no URL with a host")
	}
	scheme, cluster := strings.CutSuffix(u.Scheme, "+cluster")
	if scheme != "redis" && scheme != "rediss" {
		return nil, badURL("has an unknown scheme")
	}
	if err := checkQuery(u, cluster); err != nil {
		return nil, err
	}
	u.Scheme = scheme
	if cluster {
		return dialCluster(u, o)
	}
	return dialOne(u, o)
}

// checkQuery lets through the cluster's further nodes and nothing else: every
// other setting is ours, and verifying certificates cannot be turned off.
func checkQuery(u *url.URL, cluster bool) error {
	for name := range u.Query() {
		if name != "addr" || !cluster {
			return badURL("has a query that is not taken: only addr=host:port of a cluster is")
		}
	}
	return nil
}

func dialOne(u *url.URL, o RedisOptions) (redis.UniversalClient, error) {
	opt, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, badURL("has a port or database that cannot be read")
	}
	// Protocol 2 and no identity: nothing is asked that an old server lacks.
	opt.Protocol, opt.DisableIdentity = 2, true
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if opt.TLSConfig, opt.Dialer, err = secured(opt.TLSConfig, o); err != nil {
		return nil, err
	}
	opt.ContextTimeoutEnabled = true
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout, opt.PoolTimeout = o.Timeout, o.Timeout, o.Timeout, o.Timeout
	opt.DialerRetries, opt.MaxRetries = 1, 1
	opt.PoolSize, opt.PipelinePoolSize = connections, -1
	return redis.NewClient(opt), nil
}

func dialCluster(u *url.URL, o RedisOptions) (redis.UniversalClient, error) {
	if len(u.Path) > 1 {
		return nil, badURL("names a database, which a cluster has not")
	}
	opt, err := redis.ParseClusterURL(u.String())
	if err != nil {
		return nil, badURL("has an addr that cannot be read")
	}
	opt.Protocol, opt.DisableIdentity = 2, true
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if opt.TLSConfig, opt.Dialer, err = secured(opt.TLSConfig, o); err != nil {
		return nil, err
	}
	opt.ContextTimeoutEnabled = true
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout, opt.PoolTimeout = o.Timeout, o.Timeout, o.Timeout, o.Timeout
	opt.DialerRetries = 1
	opt.PoolSize, opt.PipelinePoolSize = connections, -1
	return redis.NewClusterClient(opt), nil
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// secured is how a connection is made where the URL asks for TLS: by a
// configuration that stays, or a dialer that reads the files.
func secured(fromURL *tls.Config, o RedisOptions) (*tls.Config, dialer, error) {
	if fromURL == nil || !o.Files.Set() {
		return tlsConfig(fromURL, o.TLS), nil, nil
	}
	if _, err := o.Files.Config(); err != nil {
		return nil, nil, &transport.FieldError{Field: "redis.ca", Message: "redis.ca or redis.client_cert: " + err.Error()}
	}
	return fromURL, func(ctx context.Context, network, address string) (net.Conn, error) {
		config, err := o.Files.Config()
		if err != nil {
			return nil, err
		}
		config.ServerName = fromURL.ServerName
		d := tls.Dialer{NetDialer: &net.Dialer{Timeout: o.Timeout}, Config: config}
		return d.DialContext(ctx, network, address)
	}, nil
}

// tlsConfig is own with the host name of the URL, where the URL asks for TLS.
func tlsConfig(fromURL, own *tls.Config) *tls.Config {
	if fromURL == nil || own == nil {
		return fromURL
	}
	c := own.Clone()
	if c.ServerName == "" {
		c.ServerName = fromURL.ServerName
	}
	c.InsecureSkipVerify = false
	return c
}

// quiet keeps go-redis from writing to stderr: what is wrong with Redis is in
// the errors, and the stage logs each change of state once.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// quieten sets the logger of go-redis, which is one for all its clients.
var quieten = sync.OnceFunc(func() { redis.SetLogger(quiet{}) })
