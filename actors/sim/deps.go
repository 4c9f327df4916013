package sim

import (
	"context"
	"log/slog"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// What the node gives the endpoints' actors beside what it stores for them.

// timer is a *time.Timer in virtual time.
type timer struct {
	n     *node
	do    func()
	round int
}

func (t *timer) Reset(d time.Duration) bool {
	t.round++
	round := t.round
	t.n.after(d, func() {
		if t.round == round {
			t.do()
		}
	})
	return true
}

func (t *timer) Stop() bool { t.round++; return true }

type sender struct{}

func (sender) Prepare(*transport.Endpoint) (endpoint.Target, error) { return target{}, nil }

// target is never sent to: the node answers in its place.
type target struct{}

func (target) Send(context.Context, *transport.Event, int) transport.Answer {
	return transport.Answer{}
}
func (target) Close() {}

// teller brings a disabling to the registry.
type teller struct{ n *node }

func (t teller) Tell(news transport.News) {
	n, w := t.n, t.n.w
	w.note(line{what: "tells", endpoint: news.Endpoint, more: news.What})
	rcv := w.byID[news.Endpoint]
	if n.judged() {
		w.judge.told(rcv, news.What)
	}
	if news.What == transport.NewsRecovered || news.What == transport.NewsFailing {
		return
	}
	n.after(w.dice.between(20*time.Millisecond, 500*time.Millisecond), func() {
		if rcv.endpoint != nil && rcv.endpoint.State != transport.StateDisabled {
			next := *rcv.endpoint
			next.State = transport.StateDisabled
			w.register(rcv, &next)
		}
	})
}

// observer tells the judge of the node that it follows.
type observer struct{ n *node }

func (o observer) Record(r *transport.Record) {
	if o.n.judged() {
		o.n.w.judge.Record(r)
	}
}

func (n *node) routed(ev *transport.Event, endpoints int) {
	if n.judged() {
		n.w.judge.routed(ev, endpoints)
	}
}

// errorLog takes an error in the log as a breach: nothing here may cause one.
type errorLog struct{ w *world }

func (l errorLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }
func (l errorLog) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l errorLog) WithGroup(string) slog.Handler                    { return l }

func (l errorLog) Handle(_ context.Context, r slog.Record) error {
	more := ""
	r.Attrs(func(a slog.Attr) bool { more += " " + a.String(); return true })
	l.w.breaks("no error", "%s%s", r.Message, more)
	return nil
}
