package config

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate checks what the settings mean, together. Its error joins one *Error
// for each that is wrong.
func (c *Config) Validate() error {
	v := &validation{c: c}
	v.oneof()
	v.secrets()
	v.http()
	v.web()
	v.nats()
	v.redis()
	v.traces()
	v.urls()
	v.limits()
	v.smtp()
	v.email()
	v.links()
	return errors.Join(v.problems...)
}

// MasterKeyBytes is the master key's 32 bytes; nil where none is set.
func (c *Config) MasterKeyBytes() ([]byte, error) {
	return c.key("master_key", c.MasterKey)
}

// MasterKeyPreviousBytes is the same for the key before.
func (c *Config) MasterKeyPreviousBytes() ([]byte, error) {
	return c.key("master_key_previous", c.MasterKeyPrevious)
}

func (c *Config) key(name string, key Secret) ([]byte, error) {
	text := strings.TrimSpace(key.Reveal())
	if text == "" {
		return nil, nil
	}
	if b, err := hex.DecodeString(text); err == nil && len(b) == 32 {
		return b, nil
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if b, err := enc.DecodeString(text); err == nil && len(b) == 32 {
			return b, nil
		}
	}
	return nil, &Error{Key: name, Origin: c.origins[name], Problem: `is not 32 bytes as 64 hex digits or base64; make one with "openssl rand -hex 32"`}
}

type validation struct {
	c        *Config
	problems []error
}

func (v *validation) fail(key, format string, args ...any) {
	v.problems = append(v.problems, &Error{Key: key, Origin: v.c.origins[key], Problem: fmt.Sprintf(format, args...)})
}

func (v *validation) oneof() {
	for _, f := range fields(v.c) {
		if text := show(f.value); f.oneof != nil && !slices.Contains(f.oneof, text) {
			v.fail(f.key, "%.40q is not one of %s", text, strings.Join(f.oneof, ", "))
		}
	}
}

func (v *validation) secrets() {
	c := v.c
	now, err := c.MasterKeyBytes()
	before, errBefore := c.MasterKeyPreviousBytes()
	for _, err := range []error{err, errBefore} {
		if err != nil {
			v.problems = append(v.problems, err)
		}
	}
	if before != nil && bytes.Equal(now, before) {
		v.fail("master_key_previous", "is the master key itself; set master_key to the new one, or leave this out")
	}
	if n := len(c.Auth.Secret); n > 0 && n < 32 {
		v.fail("auth.secret", `has %d bytes and needs 32 or more; make one with "openssl rand -hex 32"`, n)
	}
	if c.Dev {
		return
	}
	if c.Auth.Secret == "" && c.Auth.JWKS == "" {
		v.required("auth.secret")
	}
	if c.MasterKey == "" {
		v.required("master_key")
	}
}

func (v *validation) required(key string) {
	v.fail(key, `is not set, and production needs it; set %s, for example to the output of "openssl rand -hex 32", or start with --dev`, envName(key))
}

func (v *validation) http() {
	h := v.c.HTTP
	if h.Listen == "" {
		v.fail("http.listen", "is empty; give host:port, for example 127.0.0.1:8080")
	}
	v.address("http.listen", h.Listen)
	if v.c.HTTPInClear() && !v.c.Dev && !h.Insecure {
		v.fail("http.listen", "%.80q is open to others than this machine, and without TLS tokens and secrets cross the network in clear; set http.tls_cert and http.tls_key, or use 127.0.0.1:8080 with a proxy before it that speaks TLS, or set http.insecure: true where the network up to that proxy may be trusted", h.Listen)
	}
	v.pair("http.tls_cert", h.TLSCert, "http.tls_key", h.TLSKey)
	if h.TLSClientCA != "" && h.TLSCert == "" {
		v.fail("http.tls_client_ca", "needs http.tls_cert and http.tls_key; set them too")
	}
	v.address("http.metrics_listen", h.MetricsListen)
	v.address("http.pprof_listen", h.PprofListen)
	for _, origin := range h.CORSOrigins {
		if u, err := url.Parse(origin); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			v.fail("http.cors_origins", "has %.80q, which is not an origin such as https://app.example.com; * is not taken", origin)
		}
	}
	if h.PprofListen != "" && !loopback(h.PprofListen) {
		v.fail("http.pprof_listen", "%q is not a loopback address, and the profiler shows the memory of the process; use 127.0.0.1:6060", h.PprofListen)
	}
}

var webBase = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`)

func (v *validation) web() {
	w := v.c.Web
	if !webBase.MatchString(w.Base) {
		v.fail("web.base", "%.80q is not a path such as /postrider, without a slash at its end", w.Base)
	}
	v.oidc()
	for _, host := range w.ImageHosts {
		if u, err := url.Parse(host); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+u.Host != host || strings.ContainsAny(host, " ;,'\"") {
			v.fail("web.image_hosts", "has %.80q, which is not a host such as https://images.example.com", host)
		}
	}
}

func (v *validation) oidc() {
	o := v.c.Web.OIDC
	if o.Issuer == "" {
		if o.ClientID != "" || o.ClientSecret != "" {
			v.fail("web.oidc.issuer", "is missing, and web.oidc.client_id is set; set both or none")
		}
		return
	}
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && v.c.Dev) {
		v.fail("web.oidc.issuer", "%.80q is not an address such as https://login.example.com (http is for development nodes)", URL(o.Issuer).String())
	}
	if o.ClientID == "" {
		v.fail("web.oidc.client_id", "is missing; give what the provider knows this node by")
	}
	if v.c.HTTP.PublicURL == "" {
		v.fail("web.oidc.issuer", "needs http.public_url, so that browsers find back from the provider")
	}
	for _, pair := range o.Roles {
		if theirs, ours, is := strings.Cut(pair, "="); !is || theirs == "" || ours == "" {
			v.fail("web.oidc.roles", "has %.80q, which is not theirs=ours, such as hook-admins=admin", pair)
		}
	}
}

func (v *validation) nats() {
	n := v.c.NATS
	v.address("nats.listen", n.Listen)
	if s := n.Staging; s != "auto" && s != "off" && !filepath.IsAbs(s) {
		v.fail("nats.staging", "%q is no absolute path; give a folder in memory, auto or off", s)
	}
	if (n.User == "") != (n.Password == "") {
		v.fail("nats.user", "nats.user and nats.password go together; set both or none")
	}
	if n.Token != "" && n.User != "" {
		v.fail("nats.token", "is in place of nats.user and nats.password; keep one of the two ways")
	}
	v.pair("nats.tls_cert", n.TLSCert, "nats.tls_key", n.TLSKey)
	v.pair("nats.client_cert", n.ClientCert, "nats.client_key", n.ClientKey)
	if n.TLSCA != "" && n.TLSCert == "" {
		v.fail("nats.tls_ca", "needs nats.tls_cert and nats.tls_key; set them too")
	}
	for _, f := range []struct{ key, value string }{
		{"nats.credentials", n.Credentials}, {"nats.nkey", n.NKey}, {"nats.ca", n.CA}, {"nats.client_cert", n.ClientCert},
	} {
		if f.value != "" && n.URL == "" {
			v.fail(f.key, "is for an external server; set nats.url too, or leave it out")
		}
	}
	if n.Credentials != "" && n.NKey != "" {
		v.fail("nats.nkey", "is another way to sign in than nats.credentials; keep one of the two")
	}
	if n.URL == "" && n.Listen != "" && !loopback(n.Listen) && n.User == "" && n.Token == "" && n.TLSCA == "" {
		v.fail("nats.listen", "%q is open to others than this machine; set nats.user and nats.password, nats.token or nats.tls_ca, or use 127.0.0.1:4222", n.Listen)
	}
}

// pair checks that two settings that need each other are there together.
func (v *validation) pair(first, a, second, b string) {
	if (a == "") != (b == "") {
		v.fail(first, "%s and %s go together; set both or none", first, second)
	}
}

// redis checks what belongs to redis.url.
func (v *validation) redis() {
	r := v.c.Redis
	v.pair("redis.client_cert", r.ClientCert, "redis.client_key", r.ClientKey)
	for _, f := range []struct{ key, value string }{{"redis.ca", r.CA}, {"redis.client_cert", r.ClientCert}} {
		if f.value != "" && !strings.HasPrefix(r.URL.Reveal(), "rediss") {
			v.fail(f.key, "is for TLS; let redis.url begin with rediss:// (a cluster's with rediss+cluster://), or leave it out")
		}
	}
}

// traces checks what belongs to traces.endpoint.
func (v *validation) traces() {
	t := v.c.Traces
	v.url("traces.endpoint", t.Endpoint, "http", "https")
	if t.Sample < 0 || t.Sample > 1 {
		v.fail("traces.sample", "%v is not from 0 (none) to 1 (all)", t.Sample)
	}
	v.between("traces.queue", int64(t.Queue), 256, 1_000_000, func(n int64) string { return strconv.FormatInt(n, 10) })
	if _, err := t.HeaderList(); err != nil {
		v.fail("traces.headers", "%s", err)
	}
}

// address checks host:port; empty is another check's business.
func (v *validation) address(key, addr string) {
	if addr == "" {
		return
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		v.fail(key, "%.80q is not host:port, for example 127.0.0.1:8080", addr)
	}
}

func (v *validation) urls() {
	v.url("nats.url", v.c.NATS.URL, "nats", "tls", "ws", "wss")
	v.url("redis.url", v.c.Redis.URL, "redis", "rediss", "redis+cluster", "rediss+cluster")
	v.url("egress.proxy", v.c.Egress.Proxy, "http", "https")
}

// url checks an address, or several with commas between them (NATS); the
// value is not repeated, as it may hold a password.
func (v *validation) url(key string, value URL, schemes ...string) {
	if value == "" {
		return
	}
	texts := []string{value.Reveal()}
	if key == "nats.url" {
		texts = strings.Split(value.Reveal(), ",")
	}
	for _, text := range texts {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" && u.Scheme != "unix" {
			v.fail(key, "is not an address that begins with %s:// and names a host", strings.Join(schemes, ":// or "))
			return
		}
	}
}

// links checks templates: {id} may stand in them, escaped as in a path.
func (v *validation) links() {
	l := v.c.Links
	for key, template := range map[string]string{
		"links.result_url": l.ResultURL, "links.front_view_url": l.FrontViewURL,
		"links.side_view_url": l.SideViewURL, "links.rear_view_url": l.RearViewURL,
	} {
		if template == "" {
			continue
		}
		u, err := url.Parse(strings.ReplaceAll(template, "{id}", "0"))
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(template) > 1000 {
			v.fail(key, "%.80q is not an address such as https://example.com/results/{id}, of at most 1000 bytes", URL(template).String())
		}
	}
}

func (v *validation) limits() {
	c := v.c
	v.between("nats.max_payload", int64(c.NATS.MaxPayload), 512<<10, 64<<20, func(n int64) string { return Bytes(n).String() })
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	v.between("http.rate", int64(c.HTTP.Rate), 0, 100_000, whole)
	v.between("http.burst", int64(c.HTTP.Burst), 0, 1_000_000, whole)
	v.between("http.connections", int64(c.HTTP.Connections), 16, 1_000_000, whole)
	v.between("http.connections_per_address", int64(c.HTTP.PerAddress), 0, 1_000_000, whole)
	v.between("nats.connections", int64(c.NATS.Connections), 16, 1_000_000, whole)
	for name, n := range map[string]int{"endpoints": c.Quota.Endpoints, "alerts": c.Quota.Alerts, "replays": c.Quota.Replays,
		"events_per_second": c.Quota.EventsPerSecond, "requests_per_second": c.Quota.RequestsPerSecond, "requests_burst": c.Quota.RequestsBurst} {
		v.between("quota."+name, int64(n), 0, 1_000_000_000, whole)
	}
	v.between("quota.bytes_per_second", int64(c.Quota.BytesPerSecond), 0, 1<<40, func(n int64) string { return Bytes(n).String() })
	v.between("quota.tests_per_minute", int64(c.Quota.TestsPerMinute), 0, 100_000, whole)
	v.between("quota.tests_per_host", int64(c.Quota.TestsPerHost), 0, 100_000, whole)
	v.between("quota.tests_per_mailbox", int64(c.Quota.TestsPerMailbox), 0, 100_000, whole)
	v.between("replays.rate", int64(c.Replays.Rate), 1, 10_000, whole)
	v.between("breaker.failures", int64(c.Breaker.Failures), 0, 64, whole)
	v.between("breaker.window", int64(c.Breaker.Window), 2, 64, whole)
	v.between("drain.pace", int64(c.Drain.Pace), 1, 10_000, whole)
	v.between("drain.unbounded", int64(c.Drain.Unbounded), int64(c.Drain.Pace), 1_000_000, whole)
	v.between("waiting.bytes", int64(c.Waiting.Bytes), 1<<20, 1<<40, func(n int64) string { return Bytes(n).String() })
	v.between("window.events", int64(c.Window.Events), 64, 1<<20, whole)
	v.between("log.max_attempts", int64(c.Log.MaxAttempts), 10_000, 100_000_000, whole)
	if share := c.Quota.LogShare; !(share >= 0 && share <= 1) {
		v.fail("quota.log_share", "%v is not from 0 (no bound) to 1 (all of the log)", share)
	}
	if share := c.Quota.FilterTime; share < 0 || share > 1 {
		v.fail("quota.filter_time", "%v is not from 0 (no bound) to 1 (a whole core)", share)
	}
	v.between("runs.workers", int64(c.Runs.Workers), 0, 256, whole)
	v.between("runs.memory", int64(c.Runs.Memory), 64<<20, 1<<40, func(n int64) string { return Bytes(n).String() })
	v.between("window.bytes", int64(c.Window.Bytes), 16<<20, 1<<40, func(n int64) string { return Bytes(n).String() })
	if keep := c.DeadLetters.Keep; keep != 0 && (keep < time.Hour || keep > 100*365*24*time.Hour) {
		v.fail("deadletters.keep", "is %s and must be 1h or more; 0s keeps them until they are purged", durationText(keep))
	}
	if c.NATS.MaxStore != 0 && c.NATS.MaxStore < 64<<20 {
		v.fail("nats.max_store", "is %s and needs 64MiB or more; 0 takes what is free less 10 %%", c.NATS.MaxStore)
	}
	for _, d := range []struct {
		key      string
		value    time.Duration
		low, top time.Duration
	}{
		{"events.keep", c.Events.Keep, time.Minute, 10 * 365 * 24 * time.Hour},
		{"attempts.keep", c.Attempts.Keep, time.Hour, 10 * 365 * 24 * time.Hour},
		{"detections.keep", c.Detections.Keep, time.Hour, 10 * 365 * 24 * time.Hour},
		{"dedup.local", c.Dedup.Local, time.Second, time.Hour},
		{"dedup.redis", c.Dedup.Redis, time.Second, 30 * 24 * time.Hour},
		{"shutdown.timeout", c.Shutdown.Timeout, time.Second, 10 * time.Minute},
		{"actors.idle", c.Actors.Idle, time.Second, 24 * time.Hour},
		{"breaker.wait", c.Breaker.Wait, time.Second, time.Hour},
		{"breaker.max_wait", c.Breaker.MaxWait, c.Breaker.Wait, 24 * time.Hour},
		{"breaker.disable_after", c.Breaker.DisableAfter, time.Minute, 365 * 24 * time.Hour},
		{"drain.doubling", c.Drain.Doubling, 100 * time.Millisecond, time.Hour},
		{"waiting.horizon", c.Waiting.Horizon, time.Minute, 24 * time.Hour},
	} {
		v.between(d.key, int64(d.value), int64(d.low), int64(d.top), func(n int64) string { return durationText(time.Duration(n)) })
	}
}

func (v *validation) between(key string, n, low, top int64, text func(int64) string) {
	if n < low || n > top {
		v.fail(key, "is %s and must be from %s to %s", text(n), text(low), text(top))
	}
}

// HTTPInClear tells whether other machines can reach the API, and without TLS.
func (c *Config) HTTPInClear() bool {
	_, _, err := net.SplitHostPort(c.HTTP.Listen)
	return err == nil && c.HTTP.TLSCert == "" && !loopback(c.HTTP.Listen)
}

// loopback tells whether addr can be reached from this machine alone.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
