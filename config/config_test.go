package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// load reads yaml as postrider.yaml in an empty directory.
func load(t testing.TB, yaml string, env []string, flags map[string]any) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, DefaultFile), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	return Load(Sources{Environ: env, Flags: flags})
}

func TestTheLaterSourceWins(t *testing.T) {
	yaml := "http:\n  listen: 127.0.0.1:1\nnats.listen: 127.0.0.1:2\nlog: {level: warn, format: text}\n"
	c, err := load(t, yaml, []string{"POSTRIDER_NATS_LISTEN=127.0.0.1:3", "POSTRIDER_LOG_LEVEL=error", "HOME=/"}, map[string]any{"log.level": "debug", "dev": true})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.HTTP.Listen, c.NATS.Listen, c.Log.Level, c.Log.Format}
	if want := []string{"127.0.0.1:1", "127.0.0.1:3", "debug", "text"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !c.Dev {
		t.Error("dev was given as a flag and is not set")
	}
}

func TestDefaults(t *testing.T) {
	c, err := load(t, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !c.NATS.Sync.Always() || c.Events.Keep != 168*time.Hour || c.NATS.MaxPayload != 1<<20 || c.Window.Bytes != 64<<20 || c.Log.Format != "json" {
		t.Errorf("defaults of production: %+v", c)
	}
	c, err = load(t, "", nil, map[string]any{"dev": true})
	if err != nil {
		t.Fatal(err)
	}
	if c.NATS.Sync.Every() != 2*time.Minute || c.Log.Format != "text" {
		t.Errorf("defaults of dev: %+v", c)
	}
	if err := c.Validate(); err != nil {
		t.Errorf("a development node needs no settings: %v", err)
	}
	c, err = load(t, "nats: {sync: always}", []string{"POSTRIDER_DEV=true"}, nil)
	if err != nil || !c.NATS.Sync.Always() {
		t.Errorf("a sync that was chosen holds in dev: %v, %v", c, err)
	}
}

func TestWrongSettings(t *testing.T) {
	tests := []struct {
		name, yaml string
		env        []string
		flags      map[string]any
		want       string
	}{
		{"unknown in the file", "nats:\n  lisen: x\n", nil, nil, "nats.lisen (postrider.yaml line 2): there is no such setting; did you mean nats.listen?"},
		{"unknown, far from all", "frobnicate: 1\n", nil, nil, "frobnicate (postrider.yaml line 1): there is no such setting; postrider serve --print-config lists them all"},
		{"unknown, right in another section", "listen: x\n", nil, nil, "listen (postrider.yaml line 1): there is no such setting; did you mean http.listen?"},
		{"unknown variable", "", []string{"POSTRIDER_NATS_LISEN=x"}, nil, "POSTRIDER_NATS_LISEN (environment): there is no such setting; did you mean POSTRIDER_NATS_LISTEN?"},
		{"unknown flag", "", nil, map[string]any{"nats.urll": "x"}, "nats.urll (a flag): there is no such setting; did you mean nats.url?"},
		{"not a duration", "\n\nevents: {keep: 7 days}\n", nil, nil, `events.keep (postrider.yaml line 3): "7 days" is not a duration such as 10s, 5m or 168h`},
		{"not a size", "", []string{"POSTRIDER_WINDOW_BYTES=64 bananas"}, nil, `window.bytes (POSTRIDER_WINDOW_BYTES): "64 bananas" is not a size such as 1048576, 64KiB or 1MiB`},
		{"size too large", "nats.max_store: 9999999999TiB", nil, nil, "is not a size"},
		{"not a number", "window.events: many", nil, nil, `"many" is not a whole number`},
		{"not a bool", "", nil, map[string]any{"dev": "perhaps"}, `dev (a flag): "perhaps" is neither true nor false`},
		{"sync", "nats.sync: sometimes", nil, nil, `neither "always" nor a duration`},
		{"sync too often", "nats.sync: 10ms", nil, nil, "a duration of 1s or more"},
		{"not a network", "egress: {allow_cidrs: [10.0.0.0/8, 10.1.2.3]}", nil, nil, `has "10.1.2.3", which is not a network such as`},
		{"not an address", "egress: {source_ips: [here]}", nil, nil, `has "here", which is not an IP address`},
		{"twice", "data: a\ndata: b\n", nil, nil, "data (postrider.yaml line 2): is set twice, first on line 1"},
		{"a value for a section", "nats: yes\n", nil, nil, "nats (postrider.yaml line 1): is a section"},
		{"a section for a value", "data: {dir: x}\n", nil, nil, "data.dir (postrider.yaml line 1): there is no such setting"},
		{"setting and section", "nats: a\nnats.listen: b", nil, nil, "both a setting and a section"},
		{"no mapping", "- a\n- b\n", nil, nil, "postrider.yaml line 1: settings are written as"},
		{"not YAML", "nats: [", nil, nil, "settings are YAML"},
		{"an alias", "data: &a x\nhttp: {listen: *a}", nil, nil, "is a plain value"},
		{"an empty duration", "events.keep:\n", nil, nil, "events.keep (postrider.yaml line 1): \"\" is not a duration"},
		{"a printed mask", "nats: {user: u, password: '********'}", nil, nil, "nats.password (postrider.yaml line 1): the value is a mask"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.yaml, tt.env, tt.flags)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("one wrong setting, more than one line: %v", err)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	const good = "auth.secret: 0123456789abcdef0123456789abcdef\nmaster_key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
	tests := []struct{ name, yaml, want string }{
		{"production as it should be", good, ""},
		{"no signing key", "master_key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "auth.secret: is not set, and production needs it; set POSTRIDER_AUTH_SECRET"},
		{"no master key", "auth.secret: 0123456789abcdef0123456789abcdef", "master_key: is not set"},
		{"short signing key", "dev: true\nauth.secret: short", "auth.secret (postrider.yaml line 2): has 5 bytes and needs 32 or more"},
		{"short master key", "dev: true\nmaster_key: abcdef", "master_key (postrider.yaml line 2): is not 32 bytes"},
		{"base64 master key", "dev: true\nmaster_key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""},
		{"no api", good + "http.listen: ''", "http.listen (postrider.yaml line 3): is empty"},
		{"no port", good + "http.listen: localhost", `"localhost" is not host:port`},
		{"port too high", good + "http.metrics_listen: ':99999'", "is not host:port"},
		{"open API", good + "http.listen: 0.0.0.0:8080", `http.listen (postrider.yaml line 3): "0.0.0.0:8080" is open to others than this machine, and without TLS tokens and secrets cross the network in clear; set http.tls_cert and http.tls_key, or use 127.0.0.1:8080 with a proxy before it that speaks TLS, or set http.insecure: true`},
		{"open API on every address", good + "http.listen: ':8080'", "set http.insecure: true"},
		{"open API of IPv6", good + "http.listen: '[::]:8080'", "set http.insecure: true"},
		{"open API with TLS", good + "http: {listen: '0.0.0.0:8080', tls_cert: c.pem, tls_key: k.pem}", ""},
		{"a certificate without its key", good + "http: {tls_cert: c.pem}", "http.tls_cert (postrider.yaml line 3): http.tls_cert and http.tls_key go together"},
		{"clients' CA without TLS", good + "http: {tls_client_ca: ca.pem}", "needs http.tls_cert and http.tls_key"},
		{"CA without an external server", good + "nats: {ca: ca.pem}", "nats.ca (postrider.yaml line 3): is for an external server"},
		{"two ways to sign in", good + "nats: {url: 'tls://n:4222', credentials: a, nkey: b}", "keep one of the two"},
		{"client certificate without its key", good + "nats: {url: 'tls://n:4222', client_cert: a}", "nats.client_cert and nats.client_key go together"},
		{"CA of a Redis in clear", good + "redis: {url: 'redis://r:6379', ca: a}", "let redis.url begin with rediss://"},
		{"CA of a Redis by TLS", good + "redis: {url: 'rediss://r:6379', ca: a, client_cert: b, client_key: c}", ""},
		{"traces", good + "traces: {endpoint: 'http://127.0.0.1:4318', sample: 1, headers: 'api-key=secret, b=c'}", ""},
		{"a share over all", good + "traces: {endpoint: 'http://c', sample: 2}", "traces.sample (postrider.yaml line 3): 2 is not from 0"},
		{"headers that are none", good + "traces: {headers: hunter2}", "traces.headers (postrider.yaml line 3): is not name=value"},
		{"open API by choice", good + "http: {listen: '0.0.0.0:8080', insecure: true}", ""},
		{"open API in dev", "dev: true\nhttp.listen: 0.0.0.0:8080", ""},
		{"API of this machine", good + "http.listen: '[::1]:8080'", ""},
		{"open profiler", good + "http.pprof_listen: 0.0.0.0:6060", "is not a loopback address"},
		{"open listener", good + "nats.listen: 0.0.0.0:4222", "open to others than this machine; set nats.user"},
		{"open listener with a user", good + "nats: {listen: '0.0.0.0:4222', user: u, password: p}", ""},
		{"open listener with a token", good + "nats: {listen: ':4222', token: t}", ""},
		{"open listener with client certificates", good + "nats: {listen: '0.0.0.0:4222', tls_cert: c.pem, tls_key: k.pem, tls_ca: ca.pem}", ""},
		{"open listener with TLS alone", good + "nats: {listen: '0.0.0.0:4222', tls_cert: c.pem, tls_key: k.pem}", "open to others"},
		{"CA alone", good + "nats.tls_ca: ca.pem", "needs nats.tls_cert"},
		{"no listener", good + "nats.listen:", ""},
		{"user alone", good + "nats.user: u", "go together"},
		{"user and token", good + "nats: {user: u, password: p, token: t}", "keep one"},
		{"certificate alone", good + "nats.tls_cert: c.pem", "go together"},
		{"credentials alone", good + "nats.credentials: a.creds", "for an external server"},
		{"external servers", good + "nats.url: 'nats://a:4222,tls://b:4222'", ""},
		{"not a NATS address", good + "nats.url: http://a", "nats.url (postrider.yaml line 3): is not an address"},
		{"not a Redis address", good + "redis.url: localhost:6379", "redis.url"},
		{"keys in place of a secret", "auth.jwks: keys.json\nmaster_key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", ""},
		{"origins", good + "http.cors_origins: ['https://a.example', 'http://localhost:3000']", ""},
		{"any origin", good + "http.cors_origins: ['*']", "http.cors_origins"},
		{"an origin with a path", good + "http.cors_origins: ['https://a.example/']", "http.cors_origins"},
		{"a negative rate", good + "http.rate: -1", "http.rate"},
		{"a short keep of dead letters", good + "deadletters.keep: 1m", "deadletters.keep"},
		{"no rate of replays", good + "replays.rate: 0", "replays.rate"},
		{"a Redis Cluster", good + "redis.url: 'rediss+cluster://u:p@a:6379?addr=b:6379'", ""},
		{"a Redis socket", good + "redis.url: unix:///run/redis.sock", "redis.url"},
		{"links", good + "links: {result_url: 'https://a.example/r/{id}?v=1', rear_view_url: 'http://b/{id}'}", ""},
		{"no link", good + "links.side_view_url: 'javascript:{id}'", "links.side_view_url"},
		{"small memory of runs", good + "runs.memory: 1MiB", "runs.memory"},
		{"too many workers", good + "runs.workers: 1000", "runs.workers"},
		{"short keep of detections", good + "detections.keep: 1m", "detections.keep"},
		{"proxy", good + "egress.proxy: socks5://a:1", "egress.proxy"},
		{"level", good + "log.level: loud", `log.level (postrider.yaml line 3): "loud" is not one of debug, info, warn, error`},
		{"small payload", good + "nats.max_payload: 1KiB", "is 1KiB and must be from 512KiB to 64MiB"},
		{"small window", good + "window.events: 1", "is 1 and must be from 64 to 1048576"},
		{"small store", good + "nats.max_store: 1MiB", "needs 64MiB or more"},
		{"no time to stop", good + "shutdown.timeout: 0s", "is 0s and must be from 1s to 10m"},
		{"negative", good + "events.keep: -1h", "events.keep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load(t, tt.yaml, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = c.Validate()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("one wrong setting, more than one line: %v", err)
			}
		})
	}
}

func TestEachErrorIsTyped(t *testing.T) {
	_, err := load(t, "a: 1\nb: 2\n", nil, nil)
	var wrong *Error
	if !errors.As(err, &wrong) || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two unknown settings are two lines of *Error: %v", err)
	}
}

func TestANamedFileMustBeThere(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Load(Sources{File: "nowhere.yaml"})
	if err == nil || err.Error() != "settings file nowhere.yaml is not there; check --config" {
		t.Error(err)
	}
	if _, err := Load(Sources{}); err != nil {
		t.Errorf("without --config the file is optional: %v", err)
	}
}

func TestWhatIsNotASetting(t *testing.T) {
	env := []string{
		"POSTRIDER_TOKEN=abc", "POSTRIDER_SECRET=abc", "POSTRIDER_SERVICE_HOST=10.0.0.1", "POSTRIDER_SERVICE_PORT=80", "POSTRIDER_SERVICE_PORT_HTTP=80",
		"POSTRIDER_PORT=tcp://10.0.0.1:80", "POSTRIDER_PORT_80_TCP=tcp://10.0.0.1:80", "POSTRIDER_PORT_80_TCP_PROTO=tcp",
		"POSTRIDER_PORT_80_TCP_PORT=80", "POSTRIDER_PORT_80_TCP_ADDR=10.0.0.1", "POSTRIDER_REDIS_SERVICE_HOST=10.0.0.2",
	}
	if _, err := load(t, "", env, nil); err != nil {
		t.Error(err)
	}
	if _, err := load(t, "", []string{"POSTRIDER_HTTP_PORT=80"}, nil); err == nil {
		t.Error("POSTRIDER_HTTP_PORT is no setting and was taken")
	}
}

const sesame = "open-sesame-open-sesame-open-sesame"

// secretive sets every setting that is or may hold a secret.
func secretive(t testing.TB) *Config {
	c, err := load(t, "", []string{
		"POSTRIDER_AUTH_SECRET=" + sesame, "POSTRIDER_MASTER_KEY=" + sesame, "POSTRIDER_NATS_PASSWORD=" + sesame, "POSTRIDER_NATS_TOKEN=" + sesame,
		"POSTRIDER_NATS_URL=nats://u:" + sesame + "@a:4222,nats://" + sesame + "@b:4222", "POSTRIDER_REDIS_URL=redis://:" + sesame + "@r:6379/0",
		"POSTRIDER_EGRESS_PROXY=http://u:" + sesame + "@p:3128",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	c := secretive(t)
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb, c)
		fmt.Fprintf(&b, verb, *c)
		fmt.Fprintf(&b, verb, c.Auth.Secret)
		fmt.Fprintf(&b, verb, c.Redis.URL)
	}
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	b.Write(j)
	fmt.Fprint(&b, c.Validate())
	if strings.Contains(b.String(), "sesame") || strings.Contains(b.String(), fmt.Sprintf("%x", sesame)) {
		t.Errorf("a secret is printed:\n%s", b.String())
	}
}

func TestWrongSecretsAreNotRepeated(t *testing.T) {
	for _, yaml := range []string{
		"nats: {password: *hunter22}", "nats: {password: 'hunter22}", "nats:\n  password: hunter22: x", "nats: {password: !!binary hunter22}",
		"redis.url: 'hunter22://hunter22@x'", "egress.proxy: 'http://u:hunter22********@p'", "nats: {password: [hunter22, {}]}", "master_key: hunter22", "nats.password: {hunter22",
	} {
		c, err := load(t, yaml, nil, nil)
		if err == nil {
			err = c.Validate()
		}
		if err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v", yaml, err)
		}
	}
}

func TestURLMask(t *testing.T) {
	for in, want := range map[URL]string{
		"":                            "",
		"redis://r:6379/0":            "redis://r:6379/0",
		"redis://:pw@r:6379/0":        "redis://:********@r:6379/0",
		"redis://u:p@w/x@r:6379":      "redis://u:********@r:6379",
		"nats://token@a:4222":         "nats://********@a:4222",
		"nats://u:p,w@a,nats://x:y@b": "nats://u:********@b",
		"u:pw@host":                   "u:********@host",
	} {
		if got := in.String(); got != want {
			t.Errorf("%s is shown as %s, want %s", string(in), got, want)
		}
	}
}

func TestPrintReadsBack(t *testing.T) {
	yaml := "dev: true\ndata: 'a: b #c'\negress: {allow_cidrs: [10.0.0.0/8, 'fd00::/8'], source_ips: [203.0.113.7]}\nnats: {sync: 90s, max_payload: 2MiB, listen: ''}\nwindow.events: 0128\nevents.keep: 36h30m\nlog: {redact: ['**.secret', data.card], max_attempts: 20000}\n"
	c, err := load(t, yaml, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	again, err := load(t, b.String(), nil, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	c.origins, again.origins = nil, nil
	if !reflect.DeepEqual(c, again) {
		t.Errorf("printed and read back:\n%+v\n%+v", c, again)
	}
	for _, want := range []string{"# Address of the HTTP API, host:port. Beyond loopback it needs http.tls_cert, or http.insecure.\n  # Default: 127.0.0.1:8080. POSTRIDER_HTTP_LISTEN\n  listen: 127.0.0.1:8080\n", "Default: always, in dev 2m. POSTRIDER_NATS_SYNC\n  sync: 1m30s"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("not printed: %s\n%s", want, b.String())
		}
	}
}

// Whatever setting holds an address: its user's password and what its query
// says are not printed.
func TestPrintMasksAddresses(t *testing.T) {
	yaml := "auth.jwks: https://keys.example.com/set?token=hidden\nlinks: {result_url: 'https://u:hidden@example.com/r/{id}?key=hidden&id={id}'}\n" +
		"smtp.run_url: https://example.com/runs/{run_id}?hidden\negress.proxy: http://user:hidden@proxy:3128/?a=hidden\nhttp.cors_origins: ['https://hidden@example.com']\n" +
		"nats.url: nats://hidden@a:4222\nredis.url: redis://:hidden@b:6379\n"
	c, err := load(t, yaml, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if strings.Contains(line, "hidden") {
			t.Errorf("printed: %s", line)
		}
	}
	for _, want := range []string{"https://keys.example.com/set?token=" + Mask, "?key=" + Mask + "&id={id}"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("not printed: %s", want)
		}
	}
}

func TestEverySettingHasAMeaning(t *testing.T) {
	for _, f := range fields(Default()) {
		if f.help == "" || strings.Contains(f.key, ".") && f.section == "" {
			t.Errorf("%s has no help", f.key)
		}
	}
}

func FuzzFile(f *testing.F) {
	for _, seed := range []string{"", "nats:\n  listen: x\n", "a: &a [*a]", "nats.sync: 2m", "data: !!binary x", "{a: {b: {c: d}}}", "nats:", "..: 1", "? {a: b}\n: c", "nats: {password: hunter22}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p := &fileParser{name: DefaultFile, lines: map[string]int{}}
		if _, err := p.Unmarshal(b); err != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(Sources{File: path})
		if err != nil {
			return
		}
		_ = c.Validate()
		var out strings.Builder
		if err := c.Print(&out); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), Mask) {
			return
		}
		if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := Load(Sources{File: path})
		if err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		c.origins, again.origins = nil, nil
		if fmt.Sprintf("%v", c) != fmt.Sprintf("%v", again) {
			t.Fatalf("%v\n%v", c, again)
		}
	})
}
