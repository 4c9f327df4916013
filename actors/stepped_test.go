package actors

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// chatter has three actors talk and gives what was handled, in order.
func chatter(seed uint64) (heard []string) {
	dice := rand.New(rand.NewPCG(seed, 0))
	s := NewStepped(dice.IntN)
	var refs []*Ref
	for i := range 3 {
		refs = append(refs, s.Spawn("talker", receive(func(m any) {
			heard = append(heard, fmt.Sprint(i, "<-", m))
			if n := m.(int); n > 0 {
				refs[(i+1)%3].Send(n - 1)
				refs[(i+2)%3].Send(n - 1)
			}
		}), nil))
	}
	refs[0].Send(4)
	for s.Step() {
	}
	return heard
}

func TestTheSamePicksGiveTheSameRun(t *testing.T) {
	first := chatter(1)
	if len(first) != 31 {
		t.Fatalf("%d messages handled, want 31", len(first))
	}
	if !slices.Equal(first, chatter(1)) {
		t.Error("the same seed gave another run")
	}
	if slices.Equal(first, chatter(2)) {
		t.Error("another seed gave the same run: pick chooses nothing")
	}
}

func TestASteppedActorKeepsTheOrderOfItsMessagesAndItsStop(t *testing.T) {
	s := NewStepped(func(n int) int { return n - 1 })
	var got []int
	ref := s.Spawn("order", receive(func(m any) { got = append(got, m.(int)) }), nil)
	for i := range 5 {
		ref.Send(i)
	}
	if err := ref.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	ref.Send(5)
	for s.Step() {
	}
	if !slices.Equal(got, []int{0, 1, 2, 3, 4}) {
		t.Errorf("handled %v, want all that was sent before the stop and nothing after it", got)
	}
	if n := s.Live(); n != 0 {
		t.Errorf("%d actors live after all were stopped", n)
	}
}

func TestAPanicBreaksASteppedActorAlone(t *testing.T) {
	s := NewStepped(func(int) int { return 0 })
	told, handled := 0, 0
	broken := s.Spawn("panics", receive(func(any) { panic("broken") }), func(*Panic) { told++ })
	well := s.Spawn("well", receive(func(any) { handled++ }), nil)
	for range 3 {
		broken.Send(1)
		well.Send(1)
	}
	for s.Step() {
	}
	if told != 1 || handled != 3 {
		t.Errorf("told %d panics, and %d messages handled beside; want 1 and 3", told, handled)
	}
}
