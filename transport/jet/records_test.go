package jet

import (
	"errors"
	"slices"
	"testing"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestRecordsComeBack(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	r, err := s.Records(ctx, BucketReplays, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Kept(ctx, "r-1.job"); !errors.Is(err, transport.ErrNotFound) {
		t.Error(err)
	}
	for _, key := range []string{"r-1.job", "r-1.plan.0", "r-2.job"} {
		if err := r.Keep(ctx, key, []byte("before")); err != nil {
			t.Fatal(err)
		}
		if err := r.Keep(ctx, key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Drop(ctx, "r-2.job"); err != nil {
		t.Fatal(err)
	}
	if err := r.Drop(ctx, "r-9.job"); err != nil {
		t.Error(err)
	}
	keys, err := r.Keys(ctx)
	slices.Sort(keys)
	if data, kerr := r.Kept(ctx, "r-1.plan.0"); string(data) != "r-1.plan.0" || kerr != nil || err != nil || !slices.Equal(keys, []string{"r-1.job", "r-1.plan.0"}) {
		t.Errorf("%q (%v), keys %q (%v)", data, kerr, keys, err)
	}
}
