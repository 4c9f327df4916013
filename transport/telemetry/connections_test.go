package telemetry

import (
	"strings"
	"testing"
)

func TestRefusedConnectionsAreCountedAndToldSeldom(t *testing.T) {
	tele, out := logging(t, "info")
	tele.WatchConnections(ListenerHTTP, func() int { return 7 })
	for range 1000 {
		tele.ConnectionRefused(ListenerHTTP, "address")
	}
	tele.ConnectionRefused(ListenerNATS, "all")
	tele.ConnectionRefused("another", "bound")
	expect(t, tele, `postrider_connections{listener="http"} 7`,
		`postrider_connections_refused_total{bound="address",listener="http"} 1000`,
		`postrider_connections_refused_total{bound="all",listener="nats"} 1`)
	if n := strings.Count(out.String(), "connections are refused"); n != 3 {
		t.Errorf("%d lines for three listeners: %s", n, out)
	}
}
