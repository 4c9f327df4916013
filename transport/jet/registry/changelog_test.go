package registry

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestChangesAreToldNewestFirstAndOutliveARestart(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := jettest.Context(t)
	l, err := s.ChangeLog(ctx)
	if err != nil {
		t.Fatal(err)
	}
	l.most = 3
	names := func(l *ChangeLog) (names string) {
		for _, c := range l.Changes(func(c *transport.SettingChange) bool { return c.Customer == "acme" }) {
			names += c.Name
		}
		return names
	}
	for i := range 5 {
		c := &transport.SettingChange{ID: uuid.Must(uuid.NewV7()).String(), At: time.Now(), Customer: "acme", Kind: transport.ChangedEndpoint, Name: fmt.Sprint(i)}
		if err := l.Note(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	again, err := s.ChangeLog(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for when, l := range map[string]*ChangeLog{"at once": l, "read again": again} {
		if got := names(l); got != "432" {
			t.Errorf("%s: %q", when, got)
		}
	}
}
