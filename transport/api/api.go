package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
)

// Registry keeps endpoints. What it returns is shared and is not changed here.
// CreateEndpoint makes the customer too where it is new. UpdateEndpoint takes the Revision it is to replace and fails
// with transport.ErrConflict where another writer was first.
type Registry interface {
	Endpoint(id string) (*transport.Endpoint, bool)
	// Endpoints gives those of a customer; an empty one means all.
	Endpoints(customer string) []*transport.Endpoint
	Customer(id string) (*transport.Customer, bool)
	CreateEndpoint(ctx context.Context, ep *transport.Endpoint) (uint64, error)
	UpdateEndpoint(ctx context.Context, ep *transport.Endpoint) (uint64, error)
	RemoveEndpoint(ctx context.Context, id string) (uint64, error)
	// WaitApplied returns nil once the change of that revision is in effect.
	WaitApplied(ctx context.Context, revision uint64) error
}

// Events takes events into the log. It returns only when all are durable, with
// a receipt for each in order; with an error, none is promised to be.
type Events interface {
	Submit(ctx context.Context, events []transport.Event) ([]transport.Receipt, error)
}

// Letters are the dead letters; a letter that is not there is transport.ErrNotFound.
type Letters interface {
	// DeadLetters lists newest first; next is the Before of the page after
	// this one, 0 where there is none.
	DeadLetters(ctx context.Context, filter transport.LetterFilter) (page []transport.DeadLetter, next uint64, err error)
	DeadLetter(ctx context.Context, id uint64) (*transport.DeadLetter, error)
	// ReplayDeadLetter gives the pair to delivery again, durably, and returns
	// the replay's number.
	ReplayDeadLetter(ctx context.Context, id uint64) (uint64, error)
	// CountDeadLetters and PurgeDeadLetters count, and delete, what a filter
	// chooses; Before and Limit do not count.
	CountDeadLetters(ctx context.Context, f transport.LetterFilter) (uint64, error)
	PurgeDeadLetters(ctx context.Context, f transport.LetterFilter) (uint64, error)
}

// Auditor adds up what became of what was owed. An empty customer means all,
// a zero time the beginning or now.
type Auditor interface {
	Audit(ctx context.Context, from, to time.Time, customer string) (*transport.Audit, error)
}

// Tester makes one attempt, outside of the log and the journal.
type Tester interface {
	Test(ctx context.Context, ep *transport.Endpoint, ev *transport.Event) transport.Answer
	// Preview gives the request that Test would send at a time, and sends nothing.
	// It is nil where there would be none; the answer says why.
	Preview(ep *transport.Endpoint, ev *transport.Event, at time.Time) (*Preview, transport.Answer)
}

// Preview is a request that was not sent. Header has the values of the
// endpoint's own headers masked; Signatures names those that hold a signature.
// Settings is that of the answer of an attempt with the same address and headers.
type Preview struct {
	Method, URL string
	Header      http.Header
	Body        []byte
	Signatures  []string
	Settings    uint32
}

// Options are what a Server stands on.
type Options struct {
	Registry Registry
	Events   Events
	Letters  Letters
	Auditor  Auditor
	Tester   Tester
	// Standing tells how an endpoint stands right now, Standings that of all
	// that have anything to tell, by id; nil: nothing is known.
	Standing  func(ctx context.Context, id string) (transport.Standing, bool)
	Standings func(ctx context.Context) map[string]transport.Standing
	// Customers; nil: their paths are not there.
	Customers Customers
	// Alerts, Runs and Detections go together, and with Customers; Alerts nil:
	// their paths are not there. Links make the addresses that previewed
	// matches lack.
	Alerts     Alerts
	Runs       Runs
	Detections Detections
	Links      matching.Links
	// Mailboxes; nil: there are none.
	Mailboxes Mailboxes
	// WatchRuns has each told of every run that ends or fails, for as long as the
	// Server lives; nil: streams tell of none.
	WatchRuns func(each func(*transport.Run))
	// Deliveries and EventLog are the delivery log and the log of events; Redact
	// masks JSON documents that are shown, nil: nothing is.
	Deliveries Deliveries
	EventLog   EventLog
	// ChangeLog keeps who changed what; nil: nobody does.
	ChangeLog ChangeLog
	// Replays run replays of many; nil: there are none.
	Replays Replays
	Redact  func(doc []byte) []byte
	// TokenSecret signs tokens (HS256): 32 bytes or more. Keys are public keys
	// of those who sign tokens otherwise. One of the two is needed.
	TokenSecret []byte
	Keys        *Keys
	// SessionKey is what the cookies of signed-in browsers are sealed with; nil:
	// no browser can sign in. CookiePath is the path they are sent for; "": all.
	SessionKey []byte
	CookiePath string
	// PublicURL is where browsers reach the node: a page from there is the
	// node's own, though a proxy before it may have changed the Host; "": unknown.
	PublicURL string
	// SignInCode gives the token of a sign-in code, once; nil: there are none.
	SignInCode func(code string) (token string, good bool)
	// Provider has people sign in elsewhere; nil: there is none.
	Provider SignInProvider
	// Confirmations are of mailboxes; nil: none has to be confirmed, and there is
	// no page for it.
	Confirmations Confirmations
	// Page is the web page, served below /ui/; nil: there is none.
	Page http.Handler
	// Issuer and Audience are what tokens signed with Keys must claim; empty:
	// anything.
	Issuer, Audience string
	// Revocations are tokens that no longer hold; nil: none are.
	Revocations Revocations
	// Rate is how many requests a second one token may make, Burst how many at
	// once (0: 2 × Rate); 0: without limit.
	Rate  float64
	Burst int
	// Quotas bound each customer's use; nil: nothing is bounded, and their path
	// is not there.
	Quotas Quotas
	// Room is asked before events are stored; nil: there always is some.
	Room Room
	// Tests bound tests and pre-flights.
	Tests TestQuota
	// CORSOrigins are the origins whose pages may use the API; none: no page may.
	CORSOrigins []string
	// Answers keep what was answered to requests with an Idempotency-Key; nil:
	// the header is not looked at.
	Answers Answers
	// AnswersRoom is how many bytes all of them may take; 0: nothing bounds them.
	AnswersRoom int64
	// Dev allows http and private addresses; AllowCIDRs are allowed always.
	Dev        bool
	AllowCIDRs []netip.Prefix
	// Ready tells what is missing for the node to work; nil: nothing ever is.
	Ready func(ctx context.Context) []Lack
	// StreamStates tells how much the streams of NATS hold; nil: nobody is told.
	StreamStates func() StreamStates
	// Info describes the node, Egress the addresses that it sends from; nil: none known.
	Info   func() Info
	Egress func() []string
	// Nodes are those that share the work; nil: their paths are not there.
	Nodes Nodes
	// Metrics is served at /metrics; nil: they are elsewhere.
	Metrics http.Handler
	Version string
	Logger  *slog.Logger
	// Now is the node's clock; nil: time.Now.
	Now func() time.Time
	// ApplyWait is how long a change may take until its answer is 202; 0: 2 s.
	ApplyWait time.Duration
	// PreviewTime is how long a preview may look at detections; 0: 10 s.
	PreviewTime time.Duration
	// BodyBudget bounds the bytes of all bodies being read or submitted at once,
	// AnswerBudget those of all answers being written; 0: 256 and 128 MiB. Beyond
	// it, and beyond half of it for one customer, the answer is 429.
	BodyBudget, AnswerBudget int64
}

// Server answers the API. It is an http.Handler; timeouts of idle connections
// and of headers are its http.Server's.
type Server struct {
	Options
	log    *slog.Logger
	tokens *tokens
	// sessions are those of browsers; nil: there are none.
	sessions *sessions
	mux      *mux
	// known are the routes, by their pattern on the mux.
	known           map[string]route
	bodies, answers *budget
	tests           *testLimiter
	// previews has a place for each preview under way.
	previews chan struct{}
	audits   audits
	// looks has one for each look at the whole delivery log.
	looks   chan struct{}
	streams *streams
	// signIns has one for each request to the provider under way.
	signIns chan struct{}
	// run names this run of the node; underWay are its requests with a key.
	run      string
	underWay underWay
	kept     *keptRoom
}

// New makes a Server. A token secret under 32 bytes is a *transport.FieldError.
func New(o Options) (*Server, error) {
	if o.Keys == nil || len(o.TokenSecret) > 0 {
		if err := checkTokenSecret(o.TokenSecret); err != nil {
			return nil, err
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Redact == nil {
		o.Redact = func(doc []byte) []byte { return doc }
	}
	if o.ApplyWait == 0 {
		o.ApplyWait = 2 * time.Second
	}
	if o.PreviewTime == 0 {
		o.PreviewTime = 10 * time.Second
	}
	if o.BodyBudget == 0 {
		o.BodyBudget = 256 << 20
	}
	if o.AnswerBudget == 0 {
		o.AnswerBudget = 128 << 20
	}
	browsers, err := newSessions(&o)
	if err != nil {
		return nil, err
	}
	s := &Server{Options: o, log: o.Logger, tokens: newTokens(&o), sessions: browsers,
		mux: &mux{}, known: map[string]route{}, tests: newTestLimiter(o.Tests, o.Quotas, o.Now), previews: make(chan struct{}, previewsAtOnce), looks: make(chan struct{}, seriesAtOnce), run: uuid.NewString()}
	s.streams = newStreams(s)
	s.kept = newKeptRoom(o.AnswersRoom)
	s.tokens.sessions = browsers
	s.tokens.counted = func(who *caller) *Error {
		return s.rated(who, who.customer, transport.QuotaWant{Quota: transport.QuotaRequests, N: 1})
	}
	s.bodies = newBudget(o.BodyBudget, "Too many bytes are being published at once: try again in a second")
	s.answers = newBudget(o.AnswerBudget, "Too many bytes of answers are waiting to be read: read them, and try again in a second")
	s.routes()
	return s, nil
}

func (s *Server) routes() {
	h := s.newHuma()
	s.endpointRoutes(h)
	s.stateRoutes(h)
	s.recipeRoutes(h)
	s.webhookRoutes(h)
	if s.Customers != nil {
		s.customerRoutes(h)
	}
	if s.Alerts != nil {
		s.alertRoutes(h)
		s.runRoutes(h)
	}
	s.letterRoutes(h)
	s.purgeRoutes(h)
	s.groupRoutes(h)
	s.streamStateRoutes(h)
	s.deliveryRoutes(h)
	s.seriesRoutes(h)
	s.streamRoutes(h)
	s.replayRoutes(h)
	if s.Quotas != nil {
		s.quotaRoutes(h)
	}
	s.tokenRoutes(h)
	s.changeLogRoutes(h)
	s.sessionRoutes(h)
	s.providerRoutes(h)
	s.confirmRoutes()
	if s.Page != nil {
		s.mux.Handle("GET /ui/", s.Page)
		view := http.RedirectHandler(strings.TrimSuffix(s.CookiePath, "/")+"/ui/", http.StatusFound)
		s.mux.Handle("GET /{$}", view)
		s.mux.Handle("GET /ui", view)
	}
	s.nodeRoutes(h)
	s.nodesRoutes(h)
	s.eventRoutes(h)
	s.eventTypeRoutes(h)
	s.documents(h.OpenAPI())
}

// ServeHTTP answers one request; whatever goes wrong, in the API's own shapes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := &answerWriter{ResponseWriter: w, hold: held{budget: s.answers}}
	defer answer.end()
	defer s.recoverPanic(answer, r)
	if s.cors(answer, r) {
		return
	}
	handler, pattern := s.mux.Handler(r)
	switch {
	case pattern == "":
		s.noRoute(answer, r, handler)
	case s.Answers != nil && r.Method == http.MethodPost && r.Header.Get(idempotencyHeader) != "":
		s.idempotent(answer, r, pattern, s.mux)
	default:
		s.mux.ServeHTTP(answer, r)
	}
}

// noRoute gives the mux's own 404 and 405 our shape, and keeps its Allow header.
func (s *Server) noRoute(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	plain := &discard{header: http.Header{}}
	handler.ServeHTTP(plain, r)
	if plain.status != http.StatusMethodNotAllowed {
		writeError(w, newError(http.StatusNotFound, "No such path; GET /docs lists them"))
		return
	}
	failure := newError(http.StatusMethodNotAllowed, "Method "+shortened(r.Method)+" is not for this path; the Allow header lists those that are")
	failure.headers = http.Header{"Allow": plain.header["Allow"]}
	writeError(w, failure)
}

func shortened(s string) string {
	if len(s) > 20 {
		return s[:20] + "…"
	}
	return s
}
