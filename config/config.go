package config

import (
	"net/netip"
	"time"
)

// Config is every setting of a process. The tags hold its name, its default
// (dev: the default with --dev, where that differs) and its meaning; the
// settings table of docs/operations.md is made from them.
type Config struct {
	Dev       bool   `koanf:"dev" default:"false" help:"A development node: http and loopback endpoints are allowed, keys are made and kept in the data folder."`
	Data      string `koanf:"data" default:"./postrider-data" help:"The data folder: the streams of the embedded NATS server and, in dev, the node's keys."`
	MasterKey Secret `koanf:"master_key" help:"Encrypts endpoint secrets at rest: 32 bytes as 64 hex digits or as base64. Required; a development node makes its own."`
	// MasterKeyPrevious is there while secrets are sealed anew.
	MasterKeyPrevious Secret      `koanf:"master_key_previous" help:"The master key before: what it encrypted can still be read, and is encrypted anew with master_key. Take it out once postrider secrets rotate, or the node's log, says that nothing is left."`
	HTTP              HTTP        `koanf:"http" help:"The HTTP API."`
	Web               Web         `koanf:"web" help:"The web page."`
	NATS              NATS        `koanf:"nats" help:"The NATS server: embedded, or an external one by nats.url."`
	Redis             Redis       `koanf:"redis" help:"Redis, which is optional."`
	Auth              Auth        `koanf:"auth" help:"Who may use the HTTP API."`
	Events            Events      `koanf:"events" help:"The log of events."`
	Attempts          Attempts    `koanf:"attempts" help:"The journal of attempts."`
	DeadLetters       DeadLetters `koanf:"deadletters" help:"What was given up."`
	Replays           Replays     `koanf:"replays" help:"Replays of many deliveries."`
	Detections        Detections  `koanf:"detections" help:"The log of detections."`
	Links             Links       `koanf:"links" help:"Addresses in reports for detections that have none of their own; {id} stands for the detection's id."`
	Runs              Runs        `koanf:"runs" help:"Runs of alerts."`
	Dedup             Dedup       `koanf:"dedup" help:"How long an event id that a producer gave is remembered."`
	Egress            Egress      `koanf:"egress" help:"How deliveries leave this machine."`
	SMTP              SMTP        `koanf:"smtp" help:"The SMTP relay that mails leave by."`
	Email             Email       `koanf:"email" help:"Who may be sent mails."`
	Log               Log         `koanf:"log" help:"The log lines on stderr, and the delivery log."`
	Traces            Traces      `koanf:"traces" help:"Traces of deliveries, by OpenTelemetry (OTLP)."`
	Quota             Quota       `koanf:"quota" help:"Each customer's share."`
	Shutdown          Shutdown    `koanf:"shutdown" help:"Leaving."`
	Window            Window      `koanf:"window" help:"What a shard holds in memory."`
	Actors            Actors      `koanf:"actors" help:"Endpoint actors."`
	Breaker           Breaker     `koanf:"breaker" help:"When deliveries to an endpoint that fails stop for a while."`
	Drain             Drain       `koanf:"drain" help:"How deliveries begin again after an endpoint had failed."`
	Waiting           Waiting     `koanf:"waiting" help:"What waits for an endpoint."`

	origins map[string]Origin
	// files are the settings that were read from a file, and its path.
	files map[string]string
}

// HTTP is the API and what else speaks HTTP to operators.
type HTTP struct {
	Listen        string         `koanf:"listen" default:"127.0.0.1:8080" help:"Address of the HTTP API, host:port. Beyond loopback it needs http.tls_cert, or http.insecure."`
	TLSCert       string         `koanf:"tls_cert" help:"Certificate file (PEM, with its chain) of http.listen; with it, the API speaks HTTPS. A change of the file is taken in at once."`
	TLSKey        string         `koanf:"tls_key" help:"Key file (PEM) of http.tls_cert."`
	TLSClientCA   string         `koanf:"tls_client_ca" help:"CA file (PEM): clients of the API must show a certificate that it signed, beside their token; /healthz and /readyz ask for none."`
	PublicURL     string         `koanf:"public_url" help:"Where the HTTP API can be reached from outside, for links in mails: https://hooks.example.com, with the path that a proxy puts before it where there is one. Empty: nowhere."`
	Insecure      bool           `koanf:"insecure" default:"false" help:"Lets http.listen be open to other machines without http.tls_cert: behind a proxy that does, on a network that may be trusted. A development node needs no such word, and warns."`
	MetricsListen string         `koanf:"metrics_listen" help:"Address of /metrics alone, host:port; empty: on http.listen."`
	Rate          int            `koanf:"rate" default:"0" help:"Requests a second that one token may make, up to 100000; beyond it the answer is 429. 0: without limit."`
	Burst         int            `koanf:"burst" default:"0" help:"Requests that one token may make at once; 0: twice http.rate."`
	CORSOrigins   []string       `koanf:"cors_origins" help:"Origins whose pages may use the API from a browser, for example https://app.example.com; a list. Empty: none."`
	Connections   int            `koanf:"connections" default:"4096" help:"Most connections at once, 16 to 1000000; a new one takes the place of the one that has been idle for longest, and is answered 503 where all are at work. At most a quarter of the file descriptors: the rest is for deliveries."`
	PerAddress    int            `koanf:"connections_per_address" default:"0" help:"Most of them from one address (an IPv6 /64); 0: a quarter of http.connections."`
	Proxies       []netip.Prefix `koanf:"proxies" help:"Networks of reverse proxies, for example 10.1.0.0/16; a list. All who come through a proxy come from its address, so http.connections_per_address does not count it."`
	PprofListen   string         `koanf:"pprof_listen" help:"Address of Go's profiler, host:port; empty: off. It shows the memory of the process: loopback only."`
}

// Web is the web page, which http.listen serves below /ui/.
type Web struct {
	Enabled    bool     `koanf:"enabled" default:"true" help:"Whether there is a page, and browsers can sign in."`
	Base       string   `koanf:"base" help:"The path that a proxy puts before the node's own, such as /postrider; empty: none."`
	OIDC       OIDC     `koanf:"oidc" help:"Sign-in by an OpenID Connect provider."`
	ImageHosts []string `koanf:"image_hosts" help:"Hosts, besides the node's own, whose pictures the page may show, such as https://images.example.com; a list."`
}

// OIDC is the provider that people sign in to the page by.
type OIDC struct {
	Issuer        string   `koanf:"issuer" help:"The provider's issuer, such as https://login.example.com; empty: none. It needs http.public_url: browsers come back to <public_url>/v1/signin/oidc/callback, which the provider must know."`
	ClientID      string   `koanf:"client_id" help:"What the provider knows this node by."`
	ClientSecret  Secret   `koanf:"client_secret" help:"The client's secret; empty for a public client (PKCE is used always)."`
	Scopes        []string `koanf:"scopes" default:"profile,email" help:"Scopes to ask for beside openid; a list."`
	CustomerClaim string   `koanf:"customer_claim" default:"customer" help:"The claim of the id token that names the customer."`
	Customer      string   `koanf:"customer" help:"The customer of people whose id token names none."`
	RolesClaim    string   `koanf:"roles_claim" default:"roles" help:"The claim that has the roles or groups: a text or a list."`
	Roles         []string `koanf:"roles" help:"Which of the API's roles each of the provider's has, such as hook-admins=admin; a list. Empty: they have the same names. Who has none may not sign in; operator is of all customers."`
}

// NATS is the embedded server's settings, and how an external one is reached.
type NATS struct {
	URL         URL    `koanf:"url" help:"URL of an external NATS server (2.14 or later, JetStream on), user and password in it where it asks for them; empty: the embedded one."`
	Credentials string `koanf:"credentials" help:"Credentials file (.creds) for nats.url."`
	NKey        string `koanf:"nkey" help:"Seed file of the nkey to sign in with at nats.url."`
	CA          string `koanf:"ca" help:"CA file (PEM) that the server at nats.url is verified by, in place of the system's. With it the connection is TLS always."`
	ClientCert  string `koanf:"client_cert" help:"Certificate file (PEM) to show to the server at nats.url."`
	ClientKey   string `koanf:"client_key" help:"Key file (PEM) of nats.client_cert."`
	Listen      string `koanf:"listen" default:"127.0.0.1:4222" help:"Address where the embedded server takes producers; empty: off. Beyond loopback it needs nats.user and nats.password, nats.token, or nats.tls_ca. In dev another free port is taken if this one is in use."`
	User        string `koanf:"user" help:"User that producers sign in with at nats.listen."`
	Password    Secret `koanf:"password" help:"Password of nats.user."`
	Token       Secret `koanf:"token" help:"Token in place of nats.user and nats.password."`
	TLSCert     string `koanf:"tls_cert" help:"Certificate file (PEM) of nats.listen; with it, producers must use TLS."`
	TLSKey      string `koanf:"tls_key" help:"Key file (PEM) of nats.tls_cert."`
	TLSCA       string `koanf:"tls_ca" help:"CA file (PEM): producers at nats.listen must show a certificate that it signed."`
	Sync        Sync   `koanf:"sync" default:"always" dev:"2m" help:"When the embedded server syncs to disk: always (before each ack), or every so often (a duration): faster, and a power cut or kernel crash may lose that much of what was acknowledged."`
	Staging     string `koanf:"staging" default:"auto" help:"Folder in memory where the embedded server puts batches together before it stores them: with one a batch costs a tenth. auto: /dev/shm where that is in memory and has 48 MiB free; off: on the disk. A power cut while a batch is stored may leave its first part, of which nothing was acknowledged."`
	Connections int    `koanf:"connections" default:"1024" help:"Most producers connected to nats.listen at once, 16 to 1000000. At most a quarter of the file descriptors: the rest is for deliveries."`
	MaxPayload  Bytes  `koanf:"max_payload" default:"1MiB" help:"Largest message that the embedded server takes, 512KiB to 64MiB."`
	MaxStore    Bytes  `koanf:"max_store" default:"0" help:"Disk that the streams may use together; 0: what is free less 10 %."`
}

// Redis is where event ids are remembered for longer.
type Redis struct {
	URL        URL    `koanf:"url" help:"URL of Redis for event ids and the cursors of runs: redis://[user:password@]host:port[/db], rediss:// for TLS, redis+cluster:// or rediss+cluster:// for a cluster (more of its nodes as ?addr=host:port&addr=…); empty: both are kept by JetStream, event ids for dedup.local."`
	CA         string `koanf:"ca" help:"CA file (PEM) that Redis is verified by, in place of the system's; for rediss:// and rediss+cluster://."`
	ClientCert string `koanf:"client_cert" help:"Certificate file (PEM) to show to Redis."`
	ClientKey  string `koanf:"client_key" help:"Key file (PEM) of redis.client_cert."`
}

// Auth is the signing of the API's tokens.
type Auth struct {
	Secret   Secret `koanf:"secret" help:"Key of the API's tokens (HS256), 32 bytes or more. Required without auth.jwks; a development node makes its own."`
	JWKS     string `koanf:"jwks" help:"Public keys of tokens that others sign (RS256, ES256, EdDSA): a JSON Web Key Set, by https URL or file. It is read again every 5 minutes (a file: 10 s), and for tokens with an unknown key."`
	Issuer   string `koanf:"issuer" help:"What tokens signed with auth.jwks must have as iss; empty: anything."`
	Audience string `koanf:"audience" help:"What tokens signed with auth.jwks must name in aud; empty: anything."`
}

// Events is the log.
type Events struct {
	Keep time.Duration `koanf:"keep" default:"168h" help:"How long events are kept after they are settled; what is not settled is kept whatever its age."`
}

// Attempts is the journal.
type Attempts struct {
	Keep time.Duration `koanf:"keep" default:"168h" help:"How long the journal of attempts is kept. Dead letters stay."`
}

// DeadLetters is what was given up.
type DeadLetters struct {
	Keep time.Duration `koanf:"keep" default:"0s" help:"How long dead letters are kept, 1h or more; 0s: until they are purged by hand."`
}

// Replays are replays of many deliveries.
type Replays struct {
	Rate int `koanf:"rate" default:"100" help:"Deliveries a second of a replay that asks for no rate of its own, 1 to 10000."`
}

// Detections is the log of detections.
type Detections struct {
	Keep time.Duration `koanf:"keep" default:"720h" help:"How long detections are kept: as far back as a run that was missed, or a preview, can look."`
}

// Links are templates of the addresses in reports.
type Links struct {
	ResultURL    string `koanf:"result_url" help:"The search result, for example https://example.com/results/{id}; empty: none is made. So for the three views."`
	FrontViewURL string `koanf:"front_view_url" help:"The view from the front."`
	SideViewURL  string `koanf:"side_view_url" help:"The view from the side."`
	RearViewURL  string `koanf:"rear_view_url" help:"The view from the rear."`
}

// Runs bounds what runs of alerts take of the machine.
type Runs struct {
	Workers int   `koanf:"workers" default:"0" help:"Goroutines that match detections, 0 to 256; 0: one for each CPU."`
	Memory  Bytes `koanf:"memory" default:"256MiB" help:"Most bytes of matches that runs hold in memory together, 64MiB or more; what is over that becomes a run of its own."`
}

// Dedup is how long event ids are remembered.
type Dedup struct {
	Local time.Duration `koanf:"local" default:"2m" help:"Without Redis, or while it is away."`
	Redis time.Duration `koanf:"redis" default:"72h" help:"With Redis."`
}

// Egress is the way out to receivers.
type Egress struct {
	AllowCIDRs []netip.Prefix `koanf:"allow_cidrs" help:"Networks that may be delivered to though they are not public, for example 10.1.0.0/16; a list."`
	SourceIPs  []netip.Addr   `koanf:"source_ips" help:"Addresses of this machine that deliveries leave from; a list. Empty: the system chooses."`
	Proxy      URL            `koanf:"proxy" help:"HTTP proxy (http:// or https://) that deliveries go through; empty: none. The environment's HTTP_PROXY is not read."`
}

// Log is the log lines, and the delivery log.
type Log struct {
	Level  string `koanf:"level" default:"info" oneof:"debug,info,warn,error" help:"Least level shown; debug has a line per attempt."`
	Format string `koanf:"format" default:"json" dev:"text" oneof:"json,text" help:"Form of the lines."`
	// The delivery log.
	MaxAttempts int      `koanf:"max_attempts" default:"1000000" help:"How many attempts the delivery log has at hand, 10000 to 100000000, at about 128 bytes of memory each; the oldest that were delivered or skipped leave first."`
	Redact      []string `koanf:"redact" help:"Paths that are masked in the bodies that the delivery log shows, for example data.card.number or **.secret; a list. * is any one key, ** any number of keys."`
}

// Traces are spans of what becomes of events, sent to a collector.
type Traces struct {
	Endpoint URL     `koanf:"endpoint" help:"Where spans are sent by OTLP over HTTP: the collector's address, for example http://127.0.0.1:4318; /v1/traces is added where it has no path. Empty: no traces."`
	Sample   float64 `koanf:"sample" default:"0.01" help:"Share of the events to trace that came without a traceparent, 0 to 1. Those that came with one are traced as it says."`
	Headers  Secret  `koanf:"headers" help:"Headers for the collector, as name=value with commas between them, such as an API key."`
	CA       string  `koanf:"ca" help:"CA file (PEM) that the collector is verified by, in place of the system's."`
	Queue    int     `koanf:"queue" default:"8192" help:"Most spans that wait to be sent, 256 to 1000000; beyond it new ones are dropped, and counted."`
}

// Shutdown is the graceful stop.
type Shutdown struct {
	Timeout time.Duration `koanf:"timeout" default:"25s" help:"How long attempts in flight may take to finish after SIGTERM; the rest is handed back to the log."`
}

// Quota bounds what each customer may take.
type Quota struct {
	Endpoints         int     `koanf:"endpoints" default:"10000" dev:"0" help:"Endpoints of one customer, mailboxes aside; beyond it the answer is 429. 0: without limit. Of this and the others an operator may give a customer its own: PATCH /v1/customers/{id} with quotas."`
	Alerts            int     `koanf:"alerts" default:"100000" dev:"0" help:"Alerts of one customer; 0: without limit."`
	Replays           int     `koanf:"replays" default:"4" dev:"0" help:"Replays by filter of one customer that run at once; 0: without limit of its own."`
	EventsPerSecond   int     `koanf:"events_per_second" default:"0" help:"Events a second that one customer may publish by HTTP, over time: an array is taken whole. 0: without limit."`
	BytesPerSecond    Bytes   `koanf:"bytes_per_second" default:"0" help:"Bytes of events a second that one customer may publish by HTTP, over time. 0: without limit."`
	LogShare          float64 `koanf:"log_share" default:"0.25" dev:"0" help:"Share of the log's room, large payloads included, that one customer's events may have, 0 to 1; beyond it publishing is answered with 429, by NATS with an error. What is settled of its own goes first where most of the oldest part is its own. 0: without limit."`
	RequestsPerSecond int     `koanf:"requests_per_second" default:"500" dev:"0" help:"Requests a second of one customer, whatever the tokens; beyond it the answer is 429 with Retry-After. 0: without limit."`
	RequestsBurst     int     `koanf:"requests_burst" default:"2000" dev:"0" help:"Requests of one customer that may come at once; 0: twice requests_per_second."`
	TestsPerMinute    int     `koanf:"tests_per_minute" default:"30" dev:"0" help:"Test deliveries and pre-flights a minute of one customer, up to 100000; beyond it the answer is 429. 0: without limit."`
	TestsPerHost      int     `koanf:"tests_per_host" default:"6" dev:"0" help:"Of these, so many to one host; 0: without limit of its own."`
	TestsPerMailbox   int     `koanf:"tests_per_mailbox" default:"2" dev:"0" help:"Test mails a minute to one mailbox, of all customers together; 0: without limit of its own."`
	FilterTime        float64 `koanf:"filter_time" default:"0.05" dev:"0" help:"Share of a processor core that one customer's filters and templates may take, 0 to 1; 0 is no bound. All customers' together take at most half of a core."`
}

// Window bounds what a shard holds.
type Window struct {
	Events int   `koanf:"events" default:"16384" help:"Most events that a shard holds in memory, 64 to 1048576; beyond it, pulling stops."`
	Bytes  Bytes `koanf:"bytes" default:"64MiB" help:"Most bytes of events that a shard holds in memory, 16MiB or more."`
}

// Actors is the life of endpoint actors.
type Actors struct {
	Idle time.Duration `koanf:"idle" default:"30s" help:"An endpoint's actor ends after it had nothing to do for this long."`
}

// Breaker stops deliveries to an endpoint that fails.
type Breaker struct {
	Failures     int           `koanf:"failures" default:"5" help:"So many failures in a row open an endpoint's breaker, 1 to 64; so does half of the last breaker.window attempts. 0: breakers never open."`
	Window       int           `koanf:"window" default:"20" help:"How many of the last attempts are looked at, 2 to 64."`
	Wait         time.Duration `koanf:"wait" default:"10s" help:"How long a breaker stays open before a probe, at first; it doubles with each probe that fails."`
	MaxWait      time.Duration `koanf:"max_wait" default:"10m" help:"The longest that a breaker stays open before a probe."`
	DisableAfter time.Duration `koanf:"disable_after" default:"120h" help:"An endpoint that has been failing for this long is disabled, and its customer told."`
}

// Drain is the growing pace after a breaker closed.
type Drain struct {
	Pace      int           `koanf:"pace" default:"10" help:"Deliveries a second with which an endpoint begins again, 1 to 10000."`
	Doubling  time.Duration `koanf:"doubling" default:"5s" help:"The pace doubles each time this has passed."`
	Unbounded int           `koanf:"unbounded" default:"10000" help:"A pace that has grown beyond so many deliveries a second is no longer bounded."`
}

// Waiting bounds what waits for one endpoint.
type Waiting struct {
	Bytes   Bytes         `koanf:"bytes" default:"1GiB" help:"Most bytes of events that may wait for one endpoint, beside its max_waiting; beyond it they become dead letters (backlog_full)."`
	Horizon time.Duration `koanf:"horizon" default:"10m" help:"How far ahead what waits for room is parked at most, 1m or more."`
}
