package journal

import (
	"testing"

	"github.com/nats-io/nats.go"
)

func TestHolesBetweenMessages(t *testing.T) {
	for _, c := range []struct {
		name       string
		last, next place
		missing    uint64
	}{
		{"of a version without numbers", place{seq: 4}, place{seq: 5}, 0},
		{"of a version without numbers, two gone", place{seq: 4}, place{seq: 7}, 2},
		{"the first of an owner", place{seq: 4}, place{seq: 9, epoch: 1, number: 1}, 0},
		{"beats between them", place{seq: 9, epoch: 1, number: 1}, place{seq: 70, epoch: 1, number: 2}, 0},
		{"one gone", place{seq: 9, epoch: 1, number: 1}, place{seq: 11, epoch: 1, number: 3}, 1},
		{"the first of the next owner", place{seq: 9, epoch: 1, number: 8}, place{seq: 14, epoch: 3, number: 1}, 0},
		{"the first of the next owner gone", place{seq: 9, epoch: 1, number: 8}, place{seq: 14, epoch: 3, number: 3}, 2},
		{"of a version without numbers again", place{seq: 9, epoch: 1, number: 8}, place{seq: 14}, 0},
	} {
		if got := c.last.missing(c.next); got != c.missing {
			t.Errorf("%s: %d missing, not %d", c.name, got, c.missing)
		}
	}
	h := nats.Header{}
	h.Set(headerNumber, numberText(7, 12))
	if epoch, n := readNumber(h); epoch != 7 || n != 12 {
		t.Errorf("read %d %d", epoch, n)
	}
	if epoch, n := readNumber(nats.Header{}); epoch != 0 || n != 0 {
		t.Errorf("of no header %d %d", epoch, n)
	}
}
