package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/actors"
	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/actors/lease"
	"github.com/postrider/postrider/actors/recovery"
	"github.com/postrider/postrider/actors/shard"
	"github.com/postrider/postrider/cmd/postrider/store"
	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/email"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/admin"
	"github.com/postrider/postrider/transport/jet/deadletters"
	"github.com/postrider/postrider/transport/jet/deferred"
	"github.com/postrider/postrider/transport/jet/journal"
	"github.com/postrider/postrider/transport/jet/memory"
	"github.com/postrider/postrider/transport/jet/registry"
	"github.com/postrider/postrider/transport/ledger"
	deliverylog "github.com/postrider/postrider/transport/log"
	"github.com/postrider/postrider/transport/quota"
	"github.com/postrider/postrider/transport/replay"
	"github.com/postrider/postrider/transport/telemetry"
	"github.com/postrider/postrider/transport/trace"
	"github.com/postrider/postrider/transport/webhook"
)

// Node is a running node without its HTTP side.
type Node struct {
	cfg       *config.Config
	version   string
	log       *slog.Logger
	metrics   *telemetry.Telemetry
	now       func() time.Time
	madeAt    time.Time // when its start began
	startedAt time.Time // when events flowed
	// fatal gets the reason why the node must leave.
	fatal chan error

	store      *store.Store
	registry   *registry.Registry
	journal    *journal.Journal
	parker     *deferred.Parker
	memories   *memory.Memories
	parking    *parking
	graveyard  *deadletters.Graveyard
	redis      *ledger.Redis
	sender     *webhook.Sender
	mail       *email.Sender // nil: no relay is set
	shard      *shard.Shard
	shares     *transport.Shares
	quotas     *quota.Book
	quotaNews  *outbox[quotaNews]
	room       *room
	stage      *ledger.Stage
	ids        *ledger.Local
	consumers  *store.Consumers
	deliveries *deliverylog.Index
	redactor   *deliverylog.Redactor
	replays    *replay.Replays
	revoked    *registry.Revoked
	answers    *registry.Answers
	changeLog  *registry.ChangeLog
	mailboxes  *mailboxes
	confirmer  *confirmer // nil: no mailbox has to be confirmed
	news       *stateNews
	mailStates *states
	runs       *alertRuns
	runNews    runNews
	id         string // of this run
	drainer    drainer
	drained    chan struct{} // closed when nothing is in hand, and another node may take the shard
	fill       fill
	tracer     *trace.Tracer      // nil: nothing is traced
	sending    context.Context    // of the attempts under way
	keeper     *lease.Keeper      // who owns the shard
	gate       *sendGate          // lets attempts through while this node does
	halting    halting            // has the shard halt while its lease gives no proof
	owning     sync.WaitGroup     // what ends with keeper
	abort      context.CancelFunc // ends the attempts under way
	stopUpkeep context.CancelFunc
	upkeep     sync.WaitGroup
	background sync.WaitGroup // what ends with abort
	stopping   sync.Once
	stopped    error
}

// steady is a clock that jumps of the machine's clock do not move: the wall
// time at the start, and what has passed since by the monotonic clock.
func steady() func() time.Time {
	start := time.Now()
	return func() time.Time { return start.Add(time.Since(start)) }
}

// startOnce opens everything and takes the shard. It returns when events flow.
func startOnce(ctx context.Context, o *Options) (*Node, error) {
	tuneRuntime(o.Config)
	n := &Node{cfg: o.Config, version: o.Version, log: o.Log, metrics: o.Metrics, now: steady(), id: strings.ToLower(rand.Text()[:10]), fatal: make(chan error, 1), drained: make(chan struct{})}
	n.madeAt = n.now()
	standingBy := o.StandingBy
	if standingBy == nil {
		standingBy = func(*Node) {}
	}
	if err := n.start(ctx, o.Keys, standingBy); err != nil {
		if n.deposed() {
			err = errDeposed
		}
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return nil, errors.Join(err, n.Stop(closing))
	}
	return n, nil
}

func (n *Node) start(ctx context.Context, keys *Keys, standingBy func(*Node)) error {
	if err := n.openTracer(); err != nil {
		return err
	}
	n.quotaNews = n.newQuotaNews()
	n.quotas = n.newQuotas()
	n.room = n.newRoom()
	n.shares = transport.NewShares(n.cfg.Quota.FilterTime, n.filtersPutAway)
	n.shares.Of, n.shares.Counted = n.filterTime, n.filterTimeSpent
	outgoing, err := n.senderOptions()
	if err != nil {
		return err
	}
	if n.sender, err = webhook.NewSender(outgoing); err != nil {
		return err
	}
	if n.mail, err = n.mailSender(); err != nil {
		return err
	}
	if n.store, err = store.Open(ctx, n.storeOptions(keys)); err != nil {
		return err
	}
	if ctx, err = n.own(ctx, standingBy); err != nil {
		return err
	}
	n.ids = ledger.NewLocal(n.cfg.Dedup.Local, n.now)
	cutter := recovery.NewCutter(rand.Text() + "_")
	recovered, err := n.store.Recover(ctx, recovery.NewTaking(), cutter, n.ids.Prime)
	if err != nil {
		return fmt.Errorf("take the shard: %w", err)
	}
	n.journal, n.parker, n.graveyard, n.memories = n.store.Attempts.Journal(), n.store.Deferred.Parker(cutter), n.store.Letters.Graveyard(), n.store.Memory.Memories()
	if err := n.startShard(ctx, recovered, keys); err != nil {
		return err
	}
	if err := n.room.open(n.sending, n.store, n.background.Go); err != nil {
		return err
	}
	if n.consumers, err = n.store.Consume(ctx, taking{n.stage, n.room}, n.graveyard); err != nil {
		return fmt.Errorf("pull events: %w", err)
	}
	if err := n.openDeliveries(); err != nil {
		return err
	}
	if err := n.openReplays(ctx, recovered.Floor); err != nil {
		return err
	}
	n.runs.start()
	// After deliveries: it reads the ids of the last two minutes first.
	if err := n.store.Listen(ctx); err != nil {
		return err
	}
	n.maintain()
	n.startedAt = n.now()
	return nil
}

func (n *Node) senderOptions() (webhook.Options, error) {
	o := webhook.Options{
		Dev: n.cfg.Dev, AllowCIDRs: n.cfg.Egress.AllowCIDRs, SourceIPs: n.cfg.Egress.SourceIPs,
		UserAgent: "Postrider/" + n.version, Now: n.now, Shares: n.shares, Logger: n.log,
	}
	if proxy := n.cfg.Egress.Proxy.Reveal(); proxy != "" {
		u, err := url.Parse(proxy)
		if err != nil {
			return o, &transport.FieldError{Field: "egress.proxy", Message: "is no URL; write http://host:port"}
		}
		o.Proxy = u
	}
	return o, nil
}

func (n *Node) storeOptions(keys *Keys) store.Options {
	c := &n.cfg.NATS
	return store.Options{
		Options: jet.Options{
			URL: c.URL.Reveal(), Credentials: c.Credentials, NKey: c.NKey, TLS: NATSFiles(n.cfg), DataDir: n.cfg.Data,
			Listen: c.Listen, AnyPort: n.cfg.Dev, User: c.User, Password: c.Password.Reveal(),
			Token: c.Token.Reveal(), TLSCert: c.TLSCert, TLSKey: c.TLSKey, TLSCA: c.TLSCA,
			Connections: boundsOf(n.cfg, descriptors()).nats, Refused: func() { n.metrics.ConnectionRefused(telemetry.ListenerNATS, "all") },
			SyncInterval: c.Sync.Every(), Staging: c.Staging, MaxPayload: int32(c.MaxPayload), MaxStore: int64(c.MaxStore),
			MasterKey: keys.master, PreviousMasterKey: keys.previous, Logger: n.log, Now: n.now,
		},
		DeadLettersKeep: n.cfg.DeadLetters.Keep, DetectionsKeep: n.cfg.Detections.Keep,
		EventsKeep: n.cfg.Events.Keep, AttemptsKeep: n.cfg.Attempts.Keep, Window: n.cfg.Window.Events,
		DedupTime: n.cfg.Dedup.Local, Journaled: n.metrics.JournalBatch, Unreadable: n.metrics.Unreadable,
		ListenLater: true, LostTail: n.lostTail, NotTaken: n.metrics.PublishRefused, Paces: n.paces(),
		Admit: n.room.admit, Stored: n.room.stored,
	}
}

func (n *Node) startShard(ctx context.Context, recovered *transport.Recovered, keys *Keys) error {
	system, err := actors.NewSystem()
	if err != nil {
		return err
	}
	memories, err := n.memories.Load(ctx)
	if err != nil {
		return fmt.Errorf("load what endpoints remember: %w", err)
	}
	sending, abort := context.WithCancel(context.WithoutCancel(ctx))
	n.sending, n.abort = sending, abort
	n.parking = &parking{Parker: n.parker, metrics: n.metrics, ctx: sending}
	n.registry = n.store.Registry
	n.mailboxes = newMailboxes(n.mailboxChanged(), n.now)
	n.news = newStateNews(receivers{n.registry, n.mailboxes}, n.store.Events.SubmitOps, n.metrics, n.log)
	hardware := newHardwareNotices(n.registry, n.now, n.log)
	letters := newLetterNews(receivers{n.registry, n.mailboxes}, n.store.Events.SubmitOps, n.now, n.log)
	n.shard = shard.New(shard.Options{
		System: system,
		Deps: endpoint.Deps{
			Sender: preparer{n.sender, n.mail, n.metrics, n.tracing, n.sharedGate()}, Journal: n.journal, Parker: n.parking, Graveyard: n.graveyard,
			Memories: n.memories, Teller: n.news, Tuning: tuningOf(n.cfg),
			Observer: observer{n.metrics, hardware, letters}, Runner: endpoint.NewPool(sending), Now: n.now, Context: sending,
		},
		Recovered: recovered, Memories: memories, RecallAll: n.parker.RecallAll, There: n.there(sending),
		Window: n.cfg.Window.Events, WindowBytes: int(n.cfg.Window.Bytes),
		Idle: n.cfg.Actors.Idle, Away: func() bool { return n.store.Away() != nil }, Routed: n.routed, Fatal: n.leave, Logger: n.log,
		Compile: compileFilter, View: viewForFilters, Spent: spentOnFilters, Shares: n.shares, FilterError: func(string, error) { n.metrics.FilterError() },
	})
	n.halting.follow(n.shard)
	n.background.Go(func() { n.news.run(sending) })
	n.background.Go(func() { hardware.run(sending) })
	n.background.Go(func() { letters.run(sending) })
	n.background.Go(func() { n.quotaNews.run(sending) })
	n.background.Go(func() { n.sweepFilters(sending) })
	states := newStates(n.metrics)
	n.registry.Subscribe(n.shard.Change)
	n.registry.Subscribe(states.change)
	n.registry.Subscribe(hardware.change)
	n.registry.Subscribe(n.forgetRemoved)
	n.registry.Subscribe(n.forgiveFilters)
	if err := n.registry.Start(ctx); err != nil {
		return err
	}
	if err := n.openConfirmer(ctx, keys); err != nil {
		return err
	}
	if err := n.openAlerts(ctx); err != nil {
		return err
	}
	if n.confirmer != nil {
		n.background.Go(func() { n.confirmer.run(sending) })
	}
	n.shard.Known()
	states.loud.Store(true)
	n.news.again(memories, n.now(), n.cfg.Dedup.Local)
	return n.startStage(ctx)
}

// openAlerts reads the alerts and keeps the mailboxes as they are. Without a
// relay no mail can be sent, and no mailbox is owed any.
func (n *Node) openAlerts(ctx context.Context) error {
	alerts := n.store.Alerts
	if n.mail != nil {
		alerts.Subscribe(n.mailboxes.alertChanged)
		alerts.SubscribeCustomers(n.mailboxes.customerChanged)
	}
	var err error
	if err = n.openRedis(); err != nil {
		return err
	}
	if n.runs, err = n.prepareRuns(ctx); err != nil {
		return err
	}
	if err := alerts.Start(ctx); err != nil {
		return err
	}
	n.mailStates.loud.Store(true)
	return nil
}

// mailboxChanged is what the mailboxes tell its changes to. Their states are
// told apart from the registry's, which come from another goroutine.
func (n *Node) mailboxChanged() func(transport.Change) {
	n.mailStates = newStates(n.metrics)
	return func(c transport.Change) {
		n.shard.Change(c)
		n.mailStates.change(c)
		n.forgetRemoved(c)
		n.confirmer.changed(c)
	}
}

// forgetRemoved drops what was remembered of an endpoint that is no more.
func (n *Node) forgetRemoved(c transport.Change) {
	if c.Endpoint == nil {
		n.memories.Forget(c.ID)
	}
}

// sink is what the stage passes events on to.
func (n *Node) sink() transport.Sink {
	if n.tracer == nil {
		return n.shard
	}
	return adopting{n.shard, n.tracer}
}

// startStage puts dedup before the shard.
func (n *Node) startStage(ctx context.Context) error {
	identity, err := n.store.Events.Identity(ctx)
	if err != nil {
		return err
	}
	n.stage, err = ledger.NewStage(n.sink(), n.ids, n.redis, ledger.StageOptions{
		Log: identity, Logger: n.log, OnFallback: n.metrics.LedgerFellBack, OnCall: n.ledgerCalled,
	})
	return err
}

// ledgerCalled counts the failed calls to Redis, and shows whether dedup has
// only this node's memory since the last one.
func (n *Node) ledgerCalled(err error) {
	if err != nil {
		n.metrics.LedgerError()
	}
	n.metrics.LedgerFallback(err != nil)
}

func (n *Node) routed(ev *transport.Event, endpoints int) {
	n.tracer.Routed(ev, endpoints)
	n.metrics.Published(1)
	if endpoints == 0 {
		n.metrics.Unrouted()
	}
}

// lostTail counts what a stream lost, and leaves a line of it in the data folder.
func (n *Node) lostTail(l transport.LostTail) {
	n.metrics.LostTail(l)
	if err := admin.KeepLostTail(n.cfg.Data, l); err != nil {
		n.log.Error("what was lost could not be noted in the data folder; doctor will not tell of it", "error", err)
	}
}

// leave tells the node's owner why it must go.
func (n *Node) leave(err error) {
	select {
	case n.fatal <- err:
	default:
	}
}
