package transport

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestDeliveryIDs(t *testing.T) {
	const endpoint = "5f0c2b7e-8f7d-4a63-9a55-000000000017"
	for _, c := range []struct {
		pair Pair
		id   string
	}{
		{Pair{Seq: 17, Endpoint: endpoint}, "17-" + endpoint},
		{Pair{Seq: 17, Endpoint: endpoint, Replay: 1760000000000000000}, "17-" + endpoint + ".1760000000000000000"},
		{Pair{Seq: 1<<64 - 1, Endpoint: "a", Replay: 1<<64 - 1}, "18446744073709551615-a.18446744073709551615"},
		{Pair{Seq: 5}, "5-_"},
	} {
		if got := DeliveryID(c.pair); got != c.id {
			t.Errorf("%+v is %s, want %s", c.pair, got, c.id)
		}
		if got, err := ParseDeliveryID(c.id); got != c.pair || err != nil {
			t.Errorf("%s is %+v, %v", c.id, got, err)
		}
	}
}

func TestWhatIsNoDeliveryID(t *testing.T) {
	for _, id := range []string{"", "17", "17-", "-a", "a-b", "+1-a", "01-a", "17-a.", "17-a.0", "17-a.01", "17-a.b", "17-a/b",
		"17-a.1.2", "18446744073709551616-a", "17-é", " 17-a", "17-_.0"} {
		var fe *FieldError
		if p, err := ParseDeliveryID(id); !errors.As(err, &fe) || fe.Field != "id" || p != (Pair{}) {
			t.Errorf("%q: %+v, %v", id, p, err)
		}
	}
}

func FuzzParseDeliveryID(f *testing.F) {
	for _, id := range []string{"17-a", "17-a.5", "5-_", "5-_.3", "0-x"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if p, err := ParseDeliveryID(id); err == nil && DeliveryID(p) != id {
			t.Errorf("%q reads as %+v", id, p)
		}
	})
}

func TestSetStatus(t *testing.T) {
	for words, want := range map[string][]Outcome{
		"waiting": {{State: StateWaiting}}, "retrying": {{State: StateRetrying}}, "delivered": {{State: StateDelivered}},
		"dead_lettered": {{State: StateDeadLettered}}, "skipped": {{State: StateSkipped}},
		"failed": {{Class: Failed}}, "throttled": {{Class: Throttled}}, "gone": {{Class: Gone}}, "refused": {{Class: Refused}},
		"200": {{Status: 200}}, "599": {{Status: 599}},
		"waiting, 503,failed": {{State: StateWaiting}, {Status: 503}, {Class: Failed}},
	} {
		var f DeliveryFilter
		if err := f.SetStatus(words); err != nil || !slices.Equal(f.Outcomes, want) {
			t.Errorf("%s: %+v, %v", words, f, err)
		}
	}
	for _, word := range []string{"", "ok", "aborted", "Delivered", "99", "1000", "+200", "-1", "2xx", "waiting,", "failed,ok",
		strings.Repeat("200,", MaxOutcomes) + "200"} {
		var f DeliveryFilter
		var fe *FieldError
		if err := f.SetStatus(word); !errors.As(err, &fe) || fe.Field != "status" {
			t.Errorf("%q: %+v, %v", word, f, err)
		}
	}
}
