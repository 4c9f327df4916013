package registry

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestARevocationOutlivesARestartAndEndsWithItsToken(t *testing.T) {
	var at atomic.Pointer[time.Time]
	now := time.Now()
	at.Store(&now)
	o := embeddedOptions(t)
	o.Now = func() time.Time { return *at.Load() }
	s := openEmbedded(t, o)
	ctx := jettest.Context(t)
	r, err := s.Revoked(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for jti, until := range map[string]time.Time{"short > *. lived": now.Add(time.Hour), "for ever": {}} {
		if err := r.Revoke(ctx, jti, until); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Revoke(ctx, "for ever", now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	holds := func(r *Revoked, when string, want ...string) {
		t.Helper()
		got := ""
		for _, jti := range []string{"short > *. lived", "for ever", "another"} {
			if r.Revoked(jti) {
				got += jti + "|"
			}
		}
		all := ""
		for _, w := range want {
			all += w + "|"
		}
		if got != all {
			t.Errorf("%s: revoked are %q, want %q", when, got, all)
		}
	}
	holds(r, "at once", "short > *. lived", "for ever")
	if r, err = s.Revoked(ctx); err != nil {
		t.Fatal(err)
	}
	holds(r, "read again", "short > *. lived", "for ever")
	later := now.Add(time.Hour + time.Second)
	at.Store(&later)
	holds(r, "after it expired", "for ever")
	if r, err = s.Revoked(ctx); err != nil {
		t.Fatal(err)
	}
	if len(r.until) != 1 {
		t.Errorf("still kept: %v", r.until)
	}
	holds(r, "read again later", "for ever")
}
