package quota

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/postrider/postrider/transport"
)

// Bounds are every customer's, by quota.
type Bounds struct {
	// Most may be used; 0, or none: any amount.
	Most map[string]float64
	// AtOnce is how much of a rate may be used at once; by default what two
	// seconds bring.
	AtOnce map[string]float64
}

// Options of a Book.
type Options struct {
	Bounds
	// Own gives the bounds of a customer that differ, by quota; nil: none do.
	Own func(customer string) map[string]float64
	// Told is told of news, and does not block; nil: nobody is.
	Told func(News)
}

// Book has an account for each customer and quota in use. Safe for concurrent
// use.
type Book struct {
	own    func(customer string) map[string]float64
	told   func(News)
	bounds atomic.Pointer[Bounds]

	mu    sync.Mutex
	of    map[key]*account
	sweep int // so many accounts have idle ones looked for
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
func New(o Options) *Book {
	b := &Book{own: o.Own, told: o.Told, of: map[key]*account{}, sweep: mostAccounts}
	b.Set(o.Bounds)
	return b
}

// Set puts these bounds in place of those before.
func (b *Book) Set(bounds Bounds) { b.bounds.Store(&bounds) }

// Bound is what a customer may use of a quota; 0: as much as it wants.
func (b *Book) Bound(customer, quota string) float64 {
	if b.own != nil {
		if bound, own := b.own(customer)[quota]; own {
			return bound
		}
	}
	return b.bounds.Load().Most[quota]
}

// Take counts what is wanted of rates, all of it or nothing: where one is over
// its bound, over names it and how long to wait until there is room. What is
// more than the burst counts as the burst, so that it is taken at all.
func (b *Book) Take(now time.Time, customer string, wanted ...transport.QuotaWant) (over transport.QuotaOver) {
	b.mu.Lock()
	reserved := make([]*rate.Reservation, 0, len(wanted))
	for _, w := range wanted {
		bound := b.Bound(customer, w.Quota)
		r, wait := b.account(now, key{customer, w.Quota}).reserve(now, bound, b.burst(w.Quota, bound), w.N)
		if wait > 0 {
			over = transport.QuotaOver{Quota: w.Quota, Bound: bound, Wait: wait}
			for _, r := range reserved {
				r.CancelAt(now)
			}
			break
		}
		if r != nil {
			reserved = append(reserved, r)
		}
	}
	var all []News
	for _, w := range wanted {
		if over.Wait > 0 && over.Quota != w.Quota {
			continue
		}
		a := b.account(now, key{customer, w.Quota})
		if over.Wait == 0 {
			a.used.add(now, w.N)
		}
		if n := a.look(now, a.used.rate(now), b.Bound(customer, w.Quota), over.Wait > 0); n != nil {
			n.Customer, n.Quota = customer, w.Quota
			all = append(all, *n)
		}
	}
	b.mu.Unlock()
	for _, n := range all {
		b.tell(&n, n.Customer, n.Quota)
	}
	return over
}

func (b *Book) burst(quota string, bound float64) float64 {
	if burst := b.bounds.Load().AtOnce[quota]; burst > 0 {
		return burst
	}
	return 2 * bound
}

// reserve takes n now, or tells how long until it could be taken.
func (a *account) reserve(now time.Time, bound, burst, n float64) (*rate.Reservation, time.Duration) {
	if bound <= 0 {
		return nil, 0
	}
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
	return r, wait
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

// Fits tells whether a customer may use so much of what a quota counts.
func (b *Book) Fits(now time.Time, customer, quota string, used float64) (bound float64, fits bool) {
	bound = b.Bound(customer, quota)
	fits = bound <= 0 || used <= bound
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

// account gives the account of k, and ends idle ones where there are twice as
// many as were active when that was last done.
func (b *Book) account(now time.Time, k key) *account {
	a, there := b.of[k]
	if there {
		return a
	}
	if len(b.of) >= b.sweep {
		for other, a := range b.of {
			if a.idle(now) {
				delete(b.of, other)
			}
		}
		b.sweep = max(mostAccounts, 2*len(b.of))
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
	if n == nil || b.told == nil {
		return
	}
	n.Customer, n.Quota = customer, quota
	b.told(*n)
}
