package ledger

import (
	"context"
	"crypto/tls"
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
	opt.TLSConfig = tlsConfig(opt.TLSConfig, o.TLS)
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
	opt.TLSConfig = tlsConfig(opt.TLSConfig, o.TLS)
	opt.ContextTimeoutEnabled = true
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout, opt.PoolTimeout = o.Timeout, o.Timeout, o.Timeout, o.Timeout
	opt.DialerRetries = 1
	opt.PoolSize, opt.PipelinePoolSize = connections, -1
	return redis.NewClusterClient(opt), nil
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
