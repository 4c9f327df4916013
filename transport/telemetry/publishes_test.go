package telemetry

import "testing"

func TestRefusedPublishesAreCountedByKnownReasons(t *testing.T) {
	tele := New("test")
	tele.PublishRefused("EVENTS", "share", 3)
	tele.PublishRefused("EVENTS", "something that is no reason", 2)
	expect(t, tele, `postrider_publishes_refused_total{reason="share"} 3`,
		`postrider_publishes_refused_total{reason="other"} 2`, `postrider_publishes_refused_total{reason="size"} 0`)
	var none *Telemetry
	none.PublishRefused("", "share", 1)
}
