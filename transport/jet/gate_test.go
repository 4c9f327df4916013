package jet

import (
	"testing"

	"github.com/nats-io/nats.go"
)

func TestTheNodesUserComesByPipeAlone(t *testing.T) {
	var passwords [2]string
	for i := range passwords {
		g, err := newAdmission(Options{})
		if err != nil {
			t.Fatal(err)
		}
		passwords[i] = g.nodePassword
	}
	if passwords[0] == passwords[1] {
		t.Error("two runs have the same password")
	}
	s := openEmbedded(t, embeddedOptions(t))
	password := s.nc.Opts.Password
	if password == "" {
		t.Fatal("the node has no password")
	}
	if nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(nodeUser, password)); err == nil {
		nc.Close()
		t.Error("the node's user came in by TCP")
	}
}
