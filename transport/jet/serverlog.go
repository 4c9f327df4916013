package jet

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// slipEvery is how often the same slip of producers is told.
	slipEvery = time.Minute
	// maxSlips bounds the kinds of slips that are remembered.
	maxSlips = 256
)

// serverLog passes the embedded server's lines on. Its notices are of use when
// looking for a fault only. What a client did wrong (a subject it may not
// publish to, a wrong password, a document that is too large) is no fault of
// the node: a warning, and the same slip once a minute with how many there were.
type serverLog struct {
	log   *slog.Logger
	slips *rationed
	// refused is told of a connection that had no room even to sign in; nil: nobody.
	refused func()
}

func newServerLog(log *slog.Logger) serverLog {
	return serverLog{log: log, slips: &rationed{every: slipEvery, now: time.Now}}
}

// byClient is how the server begins a line about one client: its address, its
// number and what it says of itself.
var byClient = regexp.MustCompile(`^\S+ - (\S+ )?cid:\d+ (- "[^"]*" )?- `)

func (l serverLog) Noticef(f string, v ...any) { l.log.Debug(fmt.Sprintf(f, v...)) }
func (l serverLog) Warnf(f string, v ...any)   { l.log.Warn(fmt.Sprintf(f, v...)) }
func (l serverLog) Fatalf(f string, v ...any)  { l.log.Error(fmt.Sprintf(f, v...)) }
func (l serverLog) Debugf(f string, v ...any)  { l.log.Debug(fmt.Sprintf(f, v...)) }
func (l serverLog) Tracef(f string, v ...any)  { l.log.Debug(fmt.Sprintf(f, v...)) }

func (l serverLog) Errorf(f string, v ...any) {
	text := fmt.Sprintf(f, v...)
	switch {
	case strings.Contains(text, server.ErrTooManyConnections.Error()) && l.refused != nil: // once a second
		l.refused()
		return
	case strings.Contains(text, server.ErrTooManyAccountConnections.Error()): // the gate told it
		return
	}
	client := byClient.FindString(text)
	if client == "" {
		l.log.Error(text)
		return
	}
	slip := text[len(client):]
	kind, _, _ := strings.Cut(slip, `"`) // without the subject or name that follows
	untold, tell := l.slips.take(kind)
	if !tell {
		l.log.Debug("a producer was refused", "what", slip, "client", client)
		return
	}
	l.log.Warn("a producer was refused", "what", slip, "client", client, "more_since_the_last_line", untold)
}

// rationed lets each text through once in a while, and counts the others. The
// zero value lets all through; it is safe for use by several goroutines.
type rationed struct {
	every time.Duration
	now   func() time.Time

	mu   sync.Mutex
	seen map[string]*ration
}

type ration struct {
	told   time.Time
	untold int
}

// take tells whether text may be told now, and how often it was not since it
// was told last. Of more kinds than are remembered, all begin anew.
func (r *rationed) take(text string) (untold int, tell bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seen) >= maxSlips || r.seen == nil {
		r.seen = map[string]*ration{}
	}
	one, now := r.seen[text], r.now()
	if one != nil && now.Sub(one.told) < r.every {
		one.untold++
		return 0, false
	}
	if one != nil {
		untold = one.untold
	}
	r.seen[text] = &ration{told: now}
	return untold, true
}
