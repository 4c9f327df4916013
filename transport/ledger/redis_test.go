package ledger

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

const thisLog = "EVENTS 2026-11-21T07:00:00Z"

func newRedis(t testing.TB, url string, o RedisOptions) *Redis {
	t.Helper()
	r, err := NewRedis(url, 0, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// check asks Redis about events and compares what they are duplicates of.
func check(t testing.TB, r *Redis, log string, want []uint64, events ...*transport.Event) {
	t.Helper()
	if err := r.Check(t.Context(), log, events); err != nil {
		t.Fatal(err)
	}
	for i, ev := range events {
		if ev.DuplicateOf != want[i] {
			t.Errorf("sequence %d of %q is marked as a duplicate of %d, want %d", ev.Seq, log, ev.DuplicateOf, want[i])
		}
	}
}

func TestRedis(t *testing.T) {
	s := startServer(t)
	const recreated = "EVENTS 2026-11-22T09:30:00Z"
	for name, test := range map[string]func(t *testing.T, r *Redis){
		"the same id again, in one batch and in the next": func(t *testing.T, r *Redis) {
			check(t, r, thisLog, []uint64{0, 0, 5}, event(5, "a", 0), event(6, "b", 0), event(7, "a", 0))
			check(t, r, thisLog, []uint64{5, 6}, event(8, "a", 71*time.Hour), event(9, "b", 0))
		},
		"a redelivery": func(t *testing.T, r *Redis) {
			check(t, r, thisLog, []uint64{0}, event(5, "a", 0))
			check(t, r, thisLog, []uint64{0}, event(5, "a", 0))
		},
		"the earlier one comes back later": func(t *testing.T, r *Redis) {
			check(t, r, thisLog, []uint64{0}, event(9, "a", 1))
			check(t, r, thisLog, []uint64{0, 0}, event(5, "a", 0), event(9, "a", 1))
		},
		"another customer's id, and none given": func(t *testing.T, r *Redis) {
			other := event(7, "a", 0)
			other.Customer = "globex"
			check(t, r, thisLog, []uint64{0, 0, 0, 0}, event(5, "a", 0), other, event(8, "", 0), event(9, "", 0))
		},
		"a window later by the log's time": func(t *testing.T, r *Redis) {
			check(t, r, thisLog, []uint64{0}, event(5, "a", 0))
			check(t, r, thisLog, []uint64{0}, event(9, "a", 72*time.Hour))
			check(t, r, thisLog, []uint64{9}, event(10, "a", 73*time.Hour))
		},
		"a log made anew": func(t *testing.T, r *Redis) {
			check(t, r, thisLog, []uint64{0, 0}, event(5, "a", 0), event(900, "b", 0))
			check(t, r, recreated, []uint64{5, 900, 0}, event(5, "a", time.Hour), event(6, "b", time.Hour), event(7, "c", time.Hour))
			check(t, r, recreated, []uint64{0}, event(7, "c", time.Hour))
		},
		"a later event of another log": func(t *testing.T, r *Redis) {
			check(t, r, thisLog, []uint64{0}, event(5, "a", time.Hour))
			check(t, r, recreated, []uint64{0}, event(9, "a", 0))
		},
		"a value that is not ours": func(t *testing.T, r *Redis) {
			ev := event(9, "a", 0)
			if err := r.client.Set(t.Context(), r.key(ev), "who knows", 0).Err(); err != nil {
				t.Fatal(err)
			}
			check(t, r, thisLog, []uint64{0}, ev)
			check(t, r, thisLog, []uint64{9}, event(10, "a", 0))
		},
		"odd bytes": func(t *testing.T, r *Redis) {
			odd := strings.Repeat("\x00\xff\r\n{} ", 32)
			check(t, r, thisLog, []uint64{0, 0, 1}, event(1, odd, 0), event(2, odd+" ", 0), event(3, odd, 0))
		},
		"expiry": func(t *testing.T, r *Redis) {
			ev := event(1, "a", 0)
			check(t, r, thisLog, []uint64{0}, ev)
			left, err := r.client.PTTL(t.Context(), r.key(ev)).Result()
			if err != nil || left > 72*time.Hour || left < 71*time.Hour {
				t.Errorf("expires in %v, %v", left, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			test(t, newRedis(t, s.url(), RedisOptions{Prefix: strings.ReplaceAll(t.Name(), " ", "_") + ":"}))
		})
	}
}

func TestRedisRemembersThroughARestart(t *testing.T) {
	s := startServer(t)
	r := newRedis(t, s.url(), RedisOptions{})
	check(t, r, thisLog, []uint64{0}, event(5, "a", 0))
	s.kill()
	ev := event(9, "a", 1)
	if err := r.Check(t.Context(), thisLog, []*transport.Event{ev}); !errors.Is(err, transport.ErrUnavailable) {
		t.Errorf("with Redis away: %v", err)
	}
	if ev.DuplicateOf != 0 {
		t.Error("an event was marked without Redis")
	}
	s.start()
	check(t, r, thisLog, []uint64{5}, ev)
}

func TestRedisIsBoundedInTime(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r := newRedis(t, "redis://"+silent.Addr().String(), RedisOptions{Timeout: 100 * time.Millisecond})
	// Without a bound it would wait for as long as the test may run.
	err = r.Check(t.Context(), thisLog, []*transport.Event{event(1, "a", 0)})
	if !errors.Is(err, transport.ErrUnavailable) {
		t.Error(err)
	}
}

func TestRedisPasswordAndDatabase(t *testing.T) {
	s := startServer(t, "--requirepass", "open-sesame-1234")
	right := newRedis(t, "redis://:open-sesame-1234@127.0.0.1:"+s.port+"/3", RedisOptions{})
	check(t, right, thisLog, []uint64{0}, event(5, "a", 0))
	check(t, newRedis(t, "redis://:open-sesame-1234@127.0.0.1:"+s.port+"/4", RedisOptions{}), thisLog, []uint64{0}, event(9, "a", 0))

	wrong := newRedis(t, "redis://:another-secret-5@127.0.0.1:"+s.port, RedisOptions{})
	err := wrong.Probe(t.Context())
	if !errors.Is(err, transport.ErrUnavailable) || strings.Contains(err.Error(), "another-secret") {
		t.Errorf("wrong password: %v", err)
	}
}

func TestRedisCluster(t *testing.T) {
	s := startServer(t, "--cluster-enabled", "yes", "--cluster-require-full-coverage", "no")
	r := newRedis(t, strings.Replace(s.url(), "redis:", "redis+cluster:", 1), RedisOptions{Timeout: 5 * time.Second})
	one := newRedis(t, s.url(), RedisOptions{})
	if err := one.client.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	for { // the server needs a moment to see that its slots are covered
		info, err := one.client.Do(t.Context(), "CLUSTER", "INFO").Text()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(info, "cluster_state:ok") {
			break
		}
	}
	var events []*transport.Event
	for seq := range uint64(50) {
		events = append(events, event(seq+1, fmt.Sprint("id ", seq%25), 0))
	}
	if err := r.Check(t.Context(), thisLog, events); err != nil {
		t.Fatal(err)
	}
	for i, ev := range events {
		if want := uint64(max(0, i-24)); ev.DuplicateOf != want {
			t.Errorf("sequence %d is marked as a duplicate of %d, want %d", ev.Seq, ev.DuplicateOf, want)
		}
	}
	clusterCursors(t, r)
}

// clusterCursors are spread over slots, by pipeline and by script.
func clusterCursors(t *testing.T, r *Redis) {
	c, err := NewRedisCursors(r, thisLog, nil)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for i := range 50 {
		keys = append(keys, fmt.Sprintf("customer-%d.hot", i))
		if err := c.Move(t.Context(), keys[i], 0, uint64(i)+1); err != nil {
			t.Fatal(err)
		}
	}
	at, err := c.Read(t.Context(), keys)
	for i := range at {
		if at[i] != uint64(i)+1 {
			t.Errorf("%s is at %d", keys[i], at[i])
		}
	}
	if err != nil || len(at) != 50 {
		t.Errorf("%d read, %v", len(at), err)
	}
}

func TestRedisTLS(t *testing.T) {
	cert, key, pool := certificate(t)
	port := freePort(t)
	startServer(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key,
		"--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
	url := "rediss://127.0.0.1:" + port
	check(t, newRedis(t, url, RedisOptions{TLS: &tls.Config{RootCAs: pool}, Timeout: 5 * time.Second}), thisLog, []uint64{0}, event(5, "a", 0))

	for name, config := range map[string]*tls.Config{
		"the system's CAs":             nil,
		"verification asked to be off": {InsecureSkipVerify: true},
	} {
		if err := newRedis(t, url, RedisOptions{TLS: config}).Probe(t.Context()); !errors.Is(err, transport.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// certificate makes a self-signed one for 127.0.0.1.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret), pool
}

func TestBadURLs(t *testing.T) {
	for _, url := range []string{
		"", "localhost:6379", "http://u:hunter2secret@localhost", "redis://", "redis://:hunter2secret@",
		"redis://:hunter2secret@localhost:port", "redis://:hunter2secret@localhost/db", "redis://:hunter2secret%zz@localhost",
		"rediss://:hunter2secret@localhost?skip_verify=true", "redis://localhost?addr=other:6379",
		"redis+cluster://:hunter2secret@localhost/3", "redis://" + strings.Repeat("x", 2100),
	} {
		_, err := NewRedis(url, 0, RedisOptions{})
		var field *transport.FieldError
		if !errors.As(err, &field) || field.Field != "redis.url" || !strings.Contains(field.Message, "give redis://") {
			t.Errorf("%q: %v", url, err)
		} else if strings.Contains(err.Error(), "hunter2") || field.Value != "" {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// FuzzURL: whatever the URL, its password is in no error.
func FuzzURL(f *testing.F) {
	f.Add("redis://:%s@localhost:port")
	f.Add("redis+cluster://u:%s@localhost?addr=x")
	f.Add("rediss://%s@[::1/3?x=%s")
	f.Fuzz(func(t *testing.T, form string) {
		const password = "hunter2secret"
		r, err := NewRedis(strings.ReplaceAll(form, "%s", password), 0, RedisOptions{})
		if err == nil {
			_ = r.Close()
		} else if strings.Contains(err.Error(), password) {
			t.Errorf("%v", err)
		}
	})
}

// FuzzMark: what Redis answers is read or refused, and ours is read back.
func FuzzMark(f *testing.F) {
	f.Add([]byte("5 1795244400000 EVENTS"))
	f.Add([]byte("0 1 x"))
	f.Add([]byte("18446744073709551616 1 x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, ok := decodeMark(text)
		if !ok {
			return
		}
		if again, ok := decodeMark(m.encode()); !ok || again != m || m.seq == 0 {
			t.Errorf("%q: %+v, then %+v", text, m, again)
		}
	})
}

func TestBeforeIsAnOrder(t *testing.T) {
	marks := []mark{{5, 10, "a"}, {6, 10, "a"}, {5, 10, "b"}, {1, 20, "b"}, {9, 5, "a"}}
	for _, x := range marks {
		for _, y := range marks {
			if x.before(y.log, y.seq, y.at) && y.before(x.log, x.seq, x.at) {
				t.Errorf("%+v and %+v are before each other", x, y)
			}
		}
	}
}

func BenchmarkRedisCheck256(b *testing.B) {
	r := newRedis(b, startServer(b, "--appendonly", "no").url(), RedisOptions{})
	events := make([]*transport.Event, 256)
	var seq uint64
	for b.Loop() {
		for i := range events {
			seq++
			events[i] = event(seq, fmt.Sprintf("%032x", seq), 0)
		}
		if err := r.Check(context.Background(), thisLog, events); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "events/s")
}
