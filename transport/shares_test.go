package transport

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// spend has an endpoint evaluate as often as it may for so long, an evaluation
// each interval, and gives what it spent and how often it might not.
func spend(s *Shares, from time.Time, long, interval, cost time.Duration, customer, endpoint string, broken bool) (spent time.Duration, refused int) {
	for at := from; at.Before(from.Add(long)); at = at.Add(interval) {
		if !s.May(at, customer, endpoint) {
			refused++
			continue
		}
		s.Spent(at, customer, endpoint, cost, broken)
		spent += cost
	}
	return spent, refused
}

var sharesBegin = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func TestACustomerKeepsToItsShare(t *testing.T) {
	s := NewShares(0.05, nil)
	spent, refused := spend(s, sharesBegin, time.Minute, time.Millisecond, 5*time.Millisecond, "evil", "a", false)
	if most := 3*time.Second + time.Duration(0.05*float64(shareBurst)) + 5*time.Millisecond; spent > most || refused == 0 {
		t.Errorf("spent %v in a minute, at most %v; refused %d", spent, most, refused)
	}
	if !s.May(sharesBegin.Add(time.Minute), "other", "b") {
		t.Error("another customer pays for it")
	}
	cheap, refused := spend(s, sharesBegin.Add(time.Minute), time.Minute, time.Millisecond, time.Microsecond, "other", "b", false)
	if refused != 0 || cheap != 60*time.Millisecond {
		t.Errorf("another customer's cheap filter was refused %d times", refused)
	}
}

// TestTheSpenderIsPutAwayAndNotItsNeighbour: of one customer's endpoints.
func TestTheSpenderIsPutAwayAndNotItsNeighbour(t *testing.T) {
	var told []PutAway
	s := NewShares(0.05, func(p PutAway) { told = append(told, p) })
	refused := 0
	for i := range 120_000 {
		at := sharesBegin.Add(time.Duration(i) * time.Millisecond)
		if s.May(at, "acme", "dear") {
			s.Spent(at, "acme", "dear", 5*time.Millisecond, false)
		}
		if !s.May(at, "acme", "cheap") {
			refused++
			continue
		}
		s.Spent(at, "acme", "cheap", 2*time.Microsecond, false)
	}
	if refused > 0 {
		t.Errorf("its neighbour was refused %d times", refused)
	}
	for i, p := range told {
		if p.Endpoint != "dear" || p.Customer != "acme" || i > 0 && p.Until.Sub(p.At) < told[i-1].Until.Sub(told[i-1].At) {
			t.Errorf("put away: %+v", p)
		}
	}
	if len(told) < 3 || told[2].Until.Sub(told[2].At) != 20*time.Second {
		t.Errorf("put away %v", told)
	}
	end := told[len(told)-1].At
	if away, is := s.Away(end, "acme", "dear"); !is || away.Until != told[len(told)-1].Until || len(s.AllAway(end)) != 1 || s.Sweep(end) != 1 {
		t.Errorf("it is not told: %v, %v", away, is)
	}
	s.Forgive("acme", "dear")
	if _, is := s.Away(end, "acme", "dear"); is {
		t.Error("edited, it is still put away")
	}
}

func TestWhatIsBrokenOffAgainAndAgainIsPutAway(t *testing.T) {
	told := 0
	s := NewShares(0.05, func(PutAway) { told++ })
	for i := range 3 {
		s.Spent(sharesBegin, "acme", "a", time.Microsecond, true)
		if want := i / 2; told != want {
			t.Errorf("after %d times: put away %d times, want %d", i+1, told, want)
		}
	}
	later := sharesBegin.Add(awayFirst)
	if s.May(later.Add(-1), "acme", "a") || !s.May(later, "acme", "a") {
		t.Error("it is away for another time")
	}
	if s.Spent(later, "acme", "a", time.Microsecond, true); told != 2 {
		t.Error("after that once more is not enough")
	}
	s.Spent(later.Add(time.Hour), "acme", "a", time.Microsecond, false)
	if s.Spent(later.Add(time.Hour), "acme", "a", time.Microsecond, true); told != 2 {
		t.Error("what was well meanwhile is not forgotten")
	}
}

// TestAllTogetherKeepToHalfACore, and who spends little goes on.
func TestAllTogetherKeepToHalfACore(t *testing.T) {
	s := NewShares(0.05, nil)
	random := rand.New(rand.NewPCG(1, 2))
	total, refused := time.Duration(0), 0
	for i := range 60_000 {
		at := sharesBegin.Add(time.Duration(i) * time.Millisecond)
		for range 4 {
			name := fmt.Sprint("evil", random.IntN(40))
			if s.May(at, name, name) {
				cost := time.Duration(random.IntN(int(5 * time.Millisecond)))
				s.Spent(at, name, name, cost, false)
				total += cost
			}
		}
		if !s.May(at, "modest", "m") {
			refused++
			continue
		}
		s.Spent(at, "modest", "m", 5*time.Microsecond, false)
	}
	// The first half of each one's burst is never refused.
	if most := 30*time.Second + time.Second + 40*(time.Duration(0.05*float64(shareBurst))/2+5*time.Millisecond); total > most {
		t.Errorf("all together spent %v of a minute, at most %v", total, most)
	}
	if refused > 0 {
		t.Errorf("who spends little was refused %d times", refused)
	}
}

func TestWithoutAShareNothingIsBounded(t *testing.T) {
	for _, s := range []*Shares{nil, NewShares(0, nil)} {
		for range 100 {
			s.Spent(sharesBegin, "a", "b", time.Hour, true)
		}
		if _, away := s.Away(sharesBegin, "a", "b"); away || !s.May(sharesBegin, "a", "b") || s.Sweep(sharesBegin) != 0 || s.AllAway(sharesBegin) != nil {
			t.Error("it is bounded")
		}
	}
}

func TestWhoSpendsNothingIsForgotten(t *testing.T) {
	s := NewShares(0.05, nil)
	for i := range 1000 {
		s.Spent(sharesBegin, fmt.Sprint(i), "e", time.Duration(i)*time.Millisecond, i%2 == 0)
	}
	if s.Sweep(sharesBegin.Add(2 * time.Hour)); len(s.customers) != 0 {
		t.Errorf("%d are remembered", len(s.customers))
	}
}
