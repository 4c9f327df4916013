package transport

import (
	"sync"
	"time"
)

// Shares keeps each customer's filters and templates within a share of a
// processor core, all customers' together within a half of one, and puts the
// endpoints away that spend too much again and again. What it is told is what
// an evaluation cost; time is an input. It is safe for concurrent use; one with
// a share of 0 bounds nothing.
type Shares struct {
	// Of gives a customer's share where that is not everybody's, Counted is told
	// of each cost. Both may be nil, are set before the first use, and do not
	// block.
	Of      func(customer string) float64
	Counted func(now time.Time, customer string, cost time.Duration)

	share   float64
	changed func(PutAway)

	mu        sync.Mutex
	all       purse
	customers map[string]*customerShare
}

// PutAway says that the expressions of an endpoint are not evaluated until then.
type PutAway struct {
	Endpoint, Customer string
	At, Until          time.Time
}

// Reason is what the endpoint's state_reason says.
func (p *PutAway) Reason() string {
	return "its filter or template costs too much time and is put away until " + p.Until.UTC().Format(time.RFC3339) +
		": what comes meanwhile is skipped as " + ReasonFilterCost + "; simplify it"
}

const (
	// allShare is what all customers have together, in cores.
	allShare = 0.5
	// shareBurst is how much of the share may be saved up.
	shareBurst = 2 * time.Second
	// awayAfter is how many evaluations in a row may be broken off.
	awayAfter = 3
	// The first time away lasts awayFirst, each further one twice as long, up
	// to awayMost. After awayForgotten without one all is forgotten.
	awayFirst     = 5 * time.Second
	awayMost      = 10 * time.Minute
	awayForgotten = 30 * time.Minute
)

// customerShare is what a customer has, and which of its endpoints spent much.
type customerShare struct {
	purse
	share    float64
	spenders map[string]*spender
}

// fill adds the share of the time since.
func (c *customerShare) fill(now time.Time, share float64) { c.purse.fill(now, share, c.burst()) }

// spender is an endpoint that spent more than little of late.
type spender struct {
	purse      // what it has spent, growing less
	broken int // evaluations broken off in a row
	times  int // put away
	until  time.Time
}

// purse is an amount of time that changes by itself.
type purse struct {
	amount time.Duration
	at     time.Time
}

// fill adds the share of the time since the last fill, up to most.
func (p *purse) fill(now time.Time, share float64, most time.Duration) {
	if p.at.IsZero() {
		p.amount = most
	} else if passed := now.Sub(p.at); passed > 0 {
		p.amount = min(most, p.amount+time.Duration(share*float64(passed)))
	}
	p.at = now
}

// ebb takes the share of the time since off what was spent.
func (p *purse) ebb(now time.Time, share float64) {
	if passed := now.Sub(p.at); !p.at.IsZero() && passed > 0 {
		p.amount = max(0, p.amount-time.Duration(share*float64(passed)))
	}
	p.at = now
}

// NewShares makes the shares; changed, which may be nil, is told of each
// endpoint that is put away and must not block.
func NewShares(share float64, changed func(PutAway)) *Shares {
	if changed == nil {
		changed = func(PutAway) {}
	}
	return &Shares{share: share, changed: changed, customers: map[string]*customerShare{}}
}

// none tells that nobody is bounded.
func (s *Shares) none() bool { return s == nil || s.share <= 0 && s.Of == nil }

// shareOf is a customer's share; 0 is no bound.
func (s *Shares) shareOf(customer string) float64 {
	if s.Of != nil {
		return s.Of(customer)
	}
	return s.share
}

// burst is what a customer may spend at once.
func (c *customerShare) burst() time.Duration { return time.Duration(c.share * float64(shareBurst)) }

// May tells whether an endpoint's expressions may be evaluated now: it is not
// put away, and its customer's share is not used up. Where all customers' is,
// those who have used less than half of their own go on.
func (s *Shares) May(now time.Time, customer, endpoint string) bool {
	if s.none() {
		return true
	}
	share := s.shareOf(customer)
	if share <= 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.customers[customer]
	if c == nil {
		return true // it has spent nothing of late
	}
	c.share = share
	if sp := c.spenders[endpoint]; sp != nil && now.Before(sp.until) {
		return false
	}
	s.fill(now, c)
	return c.amount > 0 && (s.all.amount > 0 || c.amount > c.burst()/2)
}

func (s *Shares) fill(now time.Time, c *customerShare) {
	s.all.fill(now, allShare, time.Duration(allShare*float64(shareBurst)))
	c.fill(now, c.share)
}

// Spent takes what an evaluation for the endpoint cost off its customer's
// share. broken: it was broken off, having cost what one may.
func (s *Shares) Spent(now time.Time, customer, endpoint string, cost time.Duration, broken bool) {
	if s == nil {
		return
	}
	if s.Counted != nil {
		s.Counted(now, customer, cost)
	}
	share := s.shareOf(customer)
	if share <= 0 {
		return
	}
	s.mu.Lock()
	c := s.customers[customer]
	if c == nil {
		c = &customerShare{spenders: map[string]*spender{}}
		s.customers[customer] = c
	}
	c.share = share
	s.fill(now, c)
	c.amount -= cost
	s.all.amount -= cost
	away, told := s.judge(now, c, customer, endpoint, cost, broken)
	s.mu.Unlock()
	if told {
		s.changed(away)
	}
}

// judge puts the endpoint away where it is a spender: what it spent of late is
// over a quarter of what its customer may at once, and half of that is gone.
func (s *Shares) judge(now time.Time, c *customerShare, customer, endpoint string, cost time.Duration, broken bool) (PutAway, bool) {
	sp := c.spenders[endpoint]
	if sp == nil {
		if !broken && cost < c.burst()/1000 {
			return PutAway{}, false // too little to be remembered for
		}
		sp = &spender{}
		c.spenders[endpoint] = sp
	}
	sp.ebb(now, c.share)
	sp.amount += cost
	if sp.broken++; !broken {
		sp.broken = 0
	}
	much := sp.amount > c.burst()/4 && c.amount < c.burst()/2
	if !much && sp.broken < awayAfter {
		return PutAway{}, false
	}
	if now.Sub(sp.until) > awayForgotten {
		sp.times = 0
	}
	sp.until = now.Add(min(awayMost, awayFirst<<min(sp.times, 16)))
	sp.times++
	sp.amount, sp.broken = 0, awayAfter-1 // the next that is broken off is one too many
	return PutAway{Endpoint: endpoint, Customer: customer, At: now, Until: sp.until}, true
}

// Away tells until when an endpoint is put away.
func (s *Shares) Away(now time.Time, customer, endpoint string) (PutAway, bool) {
	if s.none() {
		return PutAway{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.customers[customer]; c != nil {
		if sp := c.spenders[endpoint]; sp != nil && now.Before(sp.until) {
			return PutAway{Endpoint: endpoint, Customer: customer, Until: sp.until}, true
		}
	}
	return PutAway{}, false
}

// AllAway lists the endpoints that are put away.
func (s *Shares) AllAway(now time.Time) (all []PutAway) {
	if s.none() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, c := range s.customers {
		for id, sp := range c.spenders {
			if now.Before(sp.until) {
				all = append(all, PutAway{Endpoint: id, Customer: name, Until: sp.until})
			}
		}
	}
	return all
}

// Forgive forgets what an endpoint spent: it was edited, or is no more.
func (s *Shares) Forgive(customer, endpoint string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.customers[customer]; c != nil {
		delete(c.spenders, endpoint)
	}
}

// Sweep drops who has spent nothing for long, and counts the endpoints away.
func (s *Shares) Sweep(now time.Time) (away int) {
	if s.none() {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, c := range s.customers {
		for id, sp := range c.spenders {
			if sp.ebb(now, c.share); now.Before(sp.until) {
				away++
			} else if sp.amount == 0 && now.Sub(sp.until) > awayForgotten {
				delete(c.spenders, id)
			}
		}
		if c.fill(now, c.share); len(c.spenders) == 0 && c.amount == c.burst() {
			delete(s.customers, name)
		}
	}
	return away
}
