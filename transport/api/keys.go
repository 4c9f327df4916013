package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"

	"github.com/postrider/postrider/transport"
)

const (
	maxKeySet   = 1 << 20
	maxKeys     = 100
	fetchWithin = 5 * time.Second
	// keysGap is the least time between two fetches that tokens with an
	// unknown key ask for: callers cannot make the node knock without end.
	keysGap = 10 * time.Second
	// keysPatience is how long such a token waits for the fetch.
	keysPatience = 3 * time.Second
	// keysRetry is how soon a fetch that failed is made again, at first.
	keysRetry = time.Second
)

// errNoKeys: there is no key set yet to check a token with.
var errNoKeys = errors.New("the keys of auth.jwks have not been read yet")

// KeysOptions say where the public keys of tokens are.
type KeysOptions struct {
	// Source is a JSON Web Key Set: an https URL, or a file.
	Source string
	// Dev allows http for other hosts than this machine.
	Dev bool
	// Every is the time between two reads; 0: 5 minutes for a URL, 10 s for a file.
	Every time.Duration
	// Transport carries the requests; nil: one of its own, without a proxy.
	Transport http.RoundTripper
	Logger    *slog.Logger
	// Now is the node's clock; nil: time.Now.
	Now func() time.Time
}

// Keys are the public keys that tokens may be signed with, read again and
// again, and at once (every 10 s at most) for a token whose key is not known.
// Where the source cannot be read, the last keys stay. keyfunc finds the key of a
// token among them; see KeyRead for what it finds them in.
type Keys struct {
	o      KeysOptions
	client *http.Client         // nil for a file
	set    *jwkset.MemoryJWKSet // the last keys that were read
	known  atomic.Bool          // some were
	find   keyfunc.Keyfunc      // the key of a token, among these
	fault  atomic.Pointer[string]
	asked  chan chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

// OpenKeys begins to read and does not wait for it. A wrong source is a
// *transport.FieldError.
func OpenKeys(o KeysOptions) (*Keys, error) {
	k := &Keys{o: o, set: jwkset.NewMemoryStorage(), asked: make(chan chan struct{}), done: make(chan struct{})}
	var err error
	if k.find, err = keyfunc.New(keyfunc.Options{Storage: keyStorage{k.set, k}}); err != nil {
		return nil, err
	}
	if k.o.Logger == nil {
		k.o.Logger = slog.Default()
	}
	if k.o.Now == nil {
		k.o.Now = time.Now
	}
	usual := 10 * time.Second
	if strings.Contains(o.Source, "://") {
		if err := checkKeysURL(o.Source, o.Dev); err != nil {
			return nil, err
		}
		k.client, usual = keysClient(o.Transport), 5*time.Minute
	}
	if k.o.Every == 0 {
		k.o.Every = usual
	}
	var ctx context.Context
	ctx, k.cancel = context.WithCancel(context.Background())
	go k.run(ctx)
	return k, nil
}

func checkKeysURL(source string, dev bool) error {
	wrong := func(message string) error { return &transport.FieldError{Field: "auth.jwks", Message: message} }
	u, err := url.Parse(source)
	switch {
	case err != nil || u.Host == "":
		return wrong("neither a URL nor a file; give https://… or the file's path")
	case u.User != nil:
		return wrong("has a user in its URL; keys are public, leave it out")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (dev || ofThisMachine(u.Hostname())):
		return nil
	}
	return wrong("not an https URL: whoever can change what it answers can make tokens")
}

func ofThisMachine(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// keysClient follows no redirects, reads no proxy from the environment, and
// verifies certificates.
func keysClient(t http.RoundTripper) *http.Client {
	if t == nil {
		t = &http.Transport{DialContext: (&net.Dialer{Timeout: fetchWithin}).DialContext, TLSHandshakeTimeout: fetchWithin,
			MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true}
	}
	return &http.Client{Transport: t, Timeout: fetchWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Close ends the reading. Calling it again is fine.
func (k *Keys) Close() {
	k.cancel()
	<-k.done
}

// Lack tells why tokens cannot be checked by these keys; nil where they can.
func (k *Keys) Lack() *Lack {
	if k.known.Load() {
		return nil
	}
	why := "being read for the first time"
	if fault := k.fault.Load(); fault != nil {
		why = *fault
	}
	return &Lack{Part: "auth.jwks", Detail: "tokens signed with its keys cannot be checked yet: " + why, Bearable: true}
}

// source is where the keys are, for the log: without its query, which may hold
// a secret.
func (k *Keys) source() string {
	source, _, _ := strings.Cut(k.o.Source, "?")
	return source
}

func (k *Keys) run(ctx context.Context) {
	defer close(k.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last time.Time
	for failures := 0; ; {
		var asker chan struct{}
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case asker = <-k.asked:
		}
		if asker == nil || k.o.Now().Sub(last) >= keysGap {
			last = k.o.Now()
			failures = k.took(k.read(ctx), failures)
			timer.Reset(k.pause(failures))
		}
		if asker != nil {
			close(asker)
		}
	}
}

// pause doubles with each failure, up to the usual time.
func (k *Keys) pause(failures int) time.Duration {
	if failures == 0 || failures > 8 {
		return k.o.Every
	}
	return min(k.o.Every, keysRetry<<(failures-1))
}

// took notes how a read ended; the log tells of the first failure in a row, and
// of the end of it.
func (k *Keys) took(err error, failures int) int {
	if err == nil {
		k.fault.Store(nil)
		if failures > 0 {
			k.o.Logger.Info("the keys of tokens can be read again", "jwks", k.source())
		}
		return 0
	}
	why := err.Error()
	k.fault.Store(&why)
	if failures == 0 {
		k.o.Logger.Warn("the keys of tokens cannot be read; the last ones stay, trying again", "jwks", k.source(), "error", err)
	}
	return failures + 1
}

// keyStorage is the keys as keyfunc reads them. One that is not there may be new:
// then the set is read again.
type keyStorage struct {
	*jwkset.MemoryJWKSet
	keys *Keys
}

// KeyRead gives the key of that id.
func (s keyStorage) KeyRead(ctx context.Context, kid string) (jwkset.JWK, error) {
	if key, err := s.MemoryJWKSet.KeyRead(ctx, kid); err == nil {
		return key, nil
	}
	if s.keys.readNow(ctx); !s.keys.known.Load() {
		return jwkset.JWK{}, errNoKeys
	}
	return s.MemoryJWKSet.KeyRead(ctx, kid)
}

// KeyReadAll gives all keys, for a token that names none.
func (s keyStorage) KeyReadAll(ctx context.Context) ([]jwkset.JWK, error) {
	if !s.keys.known.Load() {
		if s.keys.readNow(ctx); !s.keys.known.Load() {
			return nil, errNoKeys
		}
	}
	return s.MemoryJWKSet.KeyReadAll(ctx)
}

func (k *Keys) readNow(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, keysPatience)
	defer cancel()
	read := make(chan struct{})
	select {
	case k.asked <- read:
	case <-ctx.Done():
		return
	case <-k.done:
		return
	}
	select {
	case <-read:
	case <-ctx.Done():
	case <-k.done:
	}
}
