package node

import (
	"context"
	"sync"
	"time"

	"github.com/postrider/postrider/actors/run"
	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport/jet/registry"
	"github.com/postrider/postrider/transport/jet/runs"
	"github.com/postrider/postrider/transport/ledger"
)

// alertRuns is the part of a node that runs alerts.
type alertRuns struct {
	*run.Runner
	node  *Node
	stop  context.CancelFunc
	ended sync.WaitGroup
}

// openRedis makes the client of dedup and cursors, where one is set; it does
// not connect yet.
func (n *Node) openRedis() (err error) {
	if url := n.cfg.Redis.URL.Reveal(); url != "" {
		n.redis, err = ledger.NewRedis(url, n.cfg.Dedup.Redis, ledger.RedisOptions{Files: RedisFiles(n.cfg)})
	}
	return err
}

// prepareRuns makes the runner and has it hear of alerts and customers: before
// these are read, and after openRedis.
func (n *Node) prepareRuns(ctx context.Context) (*alertRuns, error) {
	cursors, err := n.runCursors(ctx)
	if err != nil {
		return nil, err
	}
	in := ""
	if n.redis != nil {
		in = "Redis"
	}
	n.runNews.Records = n.store.Runs
	r := &alertRuns{node: n, Runner: run.New(run.Options{
		Detections: n.store.Detections(), Records: &n.runNews, Reports: n.store.Events, Cursors: cursors, CursorsIn: in, Alerts: n.store.Alerts, Schedules: n.store.Runs,
		Number: n.numberOf, Links: linksOf(&n.cfg.Links), Workers: n.cfg.Runs.Workers, Memory: int(n.cfg.Runs.Memory),
		Observer: n.metrics, Now: n.now, Logger: n.log,
	})}
	n.store.Alerts.SubscribeCustomers(r.Customer)
	n.store.Alerts.Subscribe(func(c registry.AlertChange) { r.Change(c.Customer, c.ID, (*run.Alert)(c.Alert)) })
	return r, nil
}

// runCursors are in Redis, or else in JetStream.
func (n *Node) runCursors(ctx context.Context) (run.Cursors, error) {
	if n.redis == nil {
		return n.store.Runs.Cursors(), nil
	}
	identity, err := n.store.Runs.DetectionsIdentity(ctx)
	if err != nil {
		return nil, err
	}
	return ledger.NewRedisCursors(n.redis, identity, func(err error) {
		if err != nil {
			n.metrics.LedgerError()
		}
	})
}

// start begins, once all alerts are known.
func (r *alertRuns) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.ended.Go(func() { r.Run(ctx) })
	r.ended.Go(func() { r.takeTriggers(ctx) })
}

// end breaks off what is in hand; it is repeated at the next start. Where
// nothing was started it does nothing.
func (r *alertRuns) end() {
	if r != nil && r.stop != nil {
		r.stop()
		r.ended.Wait()
	}
}

const triggersPause = time.Second

// takeTriggers gives the runner what is due, and goes on after errors.
func (r *alertRuns) takeTriggers(ctx context.Context) {
	for told := false; ; told = true {
		err := r.node.store.Runs.Triggers(ctx, func(t *runs.Trigger) { r.Trigger(t.Key, t) })
		if ctx.Err() != nil {
			return
		}
		if !told {
			r.node.log.Warn("what triggers runs cannot be read; trying until it can", "error", err)
		}
		select {
		case <-time.After(triggersPause):
		case <-ctx.Done():
			return
		}
	}
}

// numberOf is a customer's customer_id.
func (n *Node) numberOf(customer string) int64 {
	if c, known := n.registry.Customer(customer); known {
		return c.CustomerID
	}
	return 0
}

func linksOf(l *config.Links) matching.Links {
	return matching.Links{ResultURL: l.ResultURL, FrontViewURL: l.FrontViewURL, SideViewURL: l.SideViewURL, RearViewURL: l.RearViewURL}
}
