package quota

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/postrider/postrider/transport"
)

// Options of a Book.
type Options struct {
	// Bounds are every customer's, by quota; 0, or none: no bound.
	Bounds map[string]float64
	// Bursts are how much of a rate may be used at once; by default what two
	// seconds bring.
	Bursts map[string]float64
	// Own gives the bounds of a customer that differ, by quota; nil: none do.
	Own func(customer string) map[string]float64
	// Told is told of news, and does not block; nil: nobody is.
	Told func(News)
}

// Book has an account for each customer and quota in use. Safe for concurrent
// use.
type Book struct {
	o  Options
	mu sync.Mutex
	of map[key]*account
}

type key struct{ customer, quota string }

// account is one customer's use of one quota.
type account struct {
	standing
	limiter *rate.Limiter // of a rate; nil: nothing was counted yet
	used    window
}

// mostAccounts is how many are kept before idle ones are looked for.
const mostAccounts = 20_000

// New makes an empty book.
func New(o Options) *Book { return &Book{o: o, of: map[key]*account{}} }

// Bound is what a customer may use of a quota; 0: as much as it wants.
func (b *Book) Bound(customer, quota string) float64 {
	if b.o.Own != nil {
		if bound, own := b.o.Own(customer)[quota]; own {
			return bound
		}
	}
	return b.o.Bounds[quota]
}

// Take counts n of a rate. Over the bound nothing is counted, and wait is above
// 0: how long until there is room. What is more than the burst counts as the
// burst, so that it is taken at all.
func (b *Book) Take(now time.Time, customer, quota string, n float64) (bound float64, wait time.Duration) {
	bound = b.Bound(customer, quota)
	b.mu.Lock()
	a := b.account(now, key{customer, quota})
	if bound > 0 {
		wait = a.reserve(now, bound, b.burst(quota, bound), n)
	}
	if wait == 0 {
		a.used.add(now, n)
	}
	news := a.look(now, a.used.rate(now), bound, wait > 0)
	b.mu.Unlock()
	b.tell(news, customer, quota)
	return bound, wait
}

func (b *Book) burst(quota string, bound float64) float64 {
	if burst := b.o.Bursts[quota]; burst > 0 {
		return burst
	}
	return 2 * bound
}

// reserve takes n now, or tells how long until it could be taken.
func (a *account) reserve(now time.Time, bound, burst, n float64) time.Duration {
	most := max(1, int(burst))
	if a.limiter == nil {
		a.limiter = rate.NewLimiter(rate.Limit(bound), most)
	}
	if a.limiter.Limit() != rate.Limit(bound) {
		a.limiter.SetLimitAt(now, rate.Limit(bound))
	}
	if a.limiter.Burst() != most {
		a.limiter.SetBurstAt(now, most)
	}
	r := a.limiter.ReserveN(now, min(most, int(n)))
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// Count counts n of a rate that is bounded elsewhere.
func (b *Book) Count(now time.Time, customer, quota string, n float64) {
	bound := b.Bound(customer, quota)
	b.mu.Lock()
	a := b.account(now, key{customer, quota})
	a.used.add(now, n)
	news := a.look(now, a.used.rate(now), bound, false)
	b.mu.Unlock()
	b.tell(news, customer, quota)
}

// Room tells whether one more fits where a customer has so many of what a quota
// counts.
func (b *Book) Room(now time.Time, customer, quota string, there int) (bound float64, fits bool) {
	bound = b.Bound(customer, quota)
	fits = bound <= 0 || float64(there) < bound
	used := float64(there)
	if fits {
		used++
	}
	b.note(now, customer, quota, used, bound, !fits)
	return bound, fits
}

// Use tells how a customer stands with a quota of which it uses so much; of a
// rate that Take counts, used is not looked at.
func (b *Book) Use(now time.Time, customer, quota string, used float64) transport.QuotaUse {
	bound := b.Bound(customer, quota)
	b.mu.Lock()
	if a, there := b.of[key{customer, quota}]; there && a.counted() {
		used = a.used.rate(now)
	}
	b.mu.Unlock()
	since := b.note(now, customer, quota, used, bound, false)
	use := transport.QuotaUse{Quota: quota, Used: used, Bound: bound}
	if !since.IsZero() {
		use.Since = &since
	}
	return use
}

// note takes in how much is used, and gives since when that is near the bound.
func (b *Book) note(now time.Time, customer, quota string, used, bound float64, refused bool) time.Time {
	b.mu.Lock()
	a := b.account(now, key{customer, quota})
	news := a.look(now, used, bound, refused)
	since := a.since
	b.mu.Unlock()
	b.tell(news, customer, quota)
	return since
}

// account gives the account of k, and ends idle ones where there are many.
func (b *Book) account(now time.Time, k key) *account {
	a, there := b.of[k]
	if there {
		return a
	}
	if len(b.of) >= mostAccounts {
		for other, a := range b.of {
			if a.idle(now) {
				delete(b.of, other)
			}
		}
	}
	a = &account{}
	b.of[k] = a
	return a
}

func (a *account) counted() bool { return !a.used.at.IsZero() }

// idle tells that nothing is lost with the account.
func (a *account) idle(now time.Time) bool {
	return a.level == within && a.used.rate(now) == 0 && now.Sub(a.told) > quiet &&
		(a.limiter == nil || a.limiter.TokensAt(now) >= float64(a.limiter.Burst()))
}

func (b *Book) tell(n *News, customer, quota string) {
	if n == nil || b.o.Told == nil {
		return
	}
	n.Customer, n.Quota = customer, quota
	b.o.Told(*n)
}
