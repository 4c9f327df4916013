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

// Who changes much pushes out changes of its own.
func TestWhoChangesMuchForgetsItsOwn(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	l, err := s.ChangeLog(jettest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	l.most = 10
	for i := range 30 {
		customer := "loud"
		if i%15 == 0 {
			customer = "quiet"
		}
		c := &transport.SettingChange{ID: uuid.Must(uuid.NewV7()).String(), At: time.Now(), Customer: customer, Kind: transport.ChangedEndpoint, Name: fmt.Sprint(i)}
		if err := l.Note(jettest.Context(t), c); err != nil {
			t.Fatal(err)
		}
	}
	names := map[string]string{}
	all := l.Changes(func(*transport.SettingChange) bool { return true })
	for _, c := range all {
		names[c.Customer] += c.Name + " "
	}
	if len(all) != 10 || names["quiet"] != "15 0 " || names["loud"] != "29 28 27 26 25 24 23 22 " {
		t.Errorf("%d changes are told: %v", len(all), names)
	}
}
