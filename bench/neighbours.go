package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// Trouble is what is wrong with some endpoints beside the healthy ones: they
// hang until the time-out, fail at once with 500, or refuse connections. Those
// that are well show what so many more cost anyway. Or it is another customer,
// who publishes as fast as it is let with as many clients: see floods. The zero
// Trouble is none.
type Trouble struct {
	Kind      string `json:"kind"` // hang, fail, refuse, well, a flood, or empty
	Endpoints int    `json:"endpoints"`
}

// troubles are the behaviours of the kinds.
var troubles = map[string]string{"hang": "hanging", "fail": "failing", "refuse": "down", "well": "well"}

// ParseTrouble reads what String writes, but for none.
func ParseTrouble(text string) (Trouble, error) {
	kind, number, _ := strings.Cut(text, "-")
	n, err := strconv.Atoi(number)
	_, floods := floods[kind]
	if troubles[kind] == "" && !floods || err != nil || n < 1 || n > 10_000 || floods && n > 1000 {
		return Trouble{}, wrong("trouble", text, "must be hang-N, fail-N, refuse-N or well-N, N from 1 to 10000, or flood-N, huge-N, tiny-N, wanted-N or duplicate-N, N clients from 1 to 1000")
	}
	return Trouble{Kind: kind, Endpoints: n}, nil
}

// String is the trouble as benchstat has it.
func (t Trouble) String() string {
	if t.Kind == "" {
		return "none"
	}
	return t.Kind + "-" + strconv.Itoa(t.Endpoints)
}

// NeighboursOptions of Neighbours. Only Start is needed.
type NeighboursOptions struct {
	Start StartNode
	// Seconds is how long each run is measured, from the first event to an
	// endpoint in trouble on; 40 s by default, so that hanging attempts time out
	// and breakers open meanwhile. The capacity is measured for a quarter of it.
	Seconds time.Duration //nolint:staticcheck // the flag --seconds, by its own name
	// Rounds repeats every trouble, each between two runs without; 3 by default.
	Rounds int
	// Healthy endpoints share the load, 200 by default.
	Healthy int
	// Troubles to measure, by default 1,000 that are well, 10 and 1,000 that hang,
	// 1,000 that fail, and 1,000 that refuse.
	Troubles []Trouble
	// Rate is the events a second that each endpoint in trouble wants, of those
	// published for the healthy ones; 1 by default.
	Rate float64
	// Offered is the load in deliveries a second to the healthy endpoints; 0: half
	// of what they take at full load, which is measured first.
	Offered float64
	// Waiting, where it is over 0, is how many events are published for the endpoints
	// in trouble alone, as fast as they are taken, while the healthy ones are at full
	// load: that is measured in place of a steady load.
	Waiting int
	// Timeout is the time limit of their attempts, 15 s by default.
	Timeout time.Duration
	Synced  bool
	DataDir string
	Report  string
	Stdout  io.Writer
}

func (o NeighboursOptions) withDefaults() (NeighboursOptions, error) {
	if o.Start == nil {
		return o, &transport.FieldError{Field: "start", Message: "must be given: the bench has no node of its own"}
	}
	o.Seconds = cmp.Or(o.Seconds, 40*time.Second)
	o.Rounds = cmp.Or(o.Rounds, 3)
	o.Healthy = cmp.Or(o.Healthy, 200)
	o.Rate = cmp.Or(o.Rate, 1)
	o.Timeout = cmp.Or(o.Timeout, 15*time.Second)
	o.DataDir = cmp.Or(o.DataDir, os.TempDir())
	if len(o.Troubles) == 0 {
		o.Troubles = []Trouble{{"well", 1000}, {"hang", 10}, {"hang", 1000}, {"fail", 1000}, {"refuse", 1000}}
	}
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	return o, o.validate()
}

func (o NeighboursOptions) validate() error {
	for _, t := range o.Troubles {
		if _, err := ParseTrouble(t.String()); err != nil {
			return err
		}
	}
	switch {
	case o.Seconds < 100*time.Millisecond:
		return wrong("seconds", o.Seconds, "must be 100ms or more, better 40s")
	case o.Rounds < 1 || o.Rounds > 100:
		return wrong("rounds", o.Rounds, "must be from 1 to 100")
	case o.Healthy < 1 || o.Healthy > 10_000:
		return wrong("healthy", o.Healthy, "must be from 1 to 10000")
	case o.Rate <= 0 || o.Rate > 1000:
		return wrong("rate", o.Rate, "must be over 0 and at most 1000")
	case o.Waiting < 0 || o.Waiting > transport.MaxWaitingEvents/2:
		return wrong("waiting", o.Waiting, fmt.Sprintf("must be from 0 to %d", transport.MaxWaitingEvents/2))
	case o.Offered < 0 || o.Offered > 1_000_000:
		return wrong("offered", o.Offered, "must be from 0 to 1000000")
	}
	return nil
}

// Neighbours measures what endpoints in trouble cost the others. The healthy ones
// are offered a steady load in an open loop, half of their capacity where none
// is given, without and with each trouble in turn, each run on a node and a
// data folder of its own. A run with trouble is compared with the mean of the
// runs without before and after it, as a machine has its moods; read the
// medians of the rounds. An error says that deliveries to healthy endpoints
// were lost, or that the machine or the node failed.
func Neighbours(ctx context.Context, o NeighboursOptions) (*Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	report := newReport("neighbours", o.DataDir)
	report.Neighbours = &NeighboursReport{Seconds: o.Seconds.Seconds(), Healthy: o.Healthy, Waiting: o.Waiting, Rate: o.Rate, Timeout: o.Timeout, Synced: o.Synced}
	o.Stdout = report.begin(o.Stdout)
	err = o.all(ctx, report.Neighbours)
	report.Neighbours.summarize(o.Stdout)
	return report, errors.Join(err, report.Write(o.Report))
}

func (o NeighboursOptions) all(ctx context.Context, n *NeighboursReport) error {
	if n.Offered = o.Offered; n.Offered == 0 && o.Waiting == 0 {
		capacity, err := o.capacity(ctx)
		if err != nil {
			return fmt.Errorf("bench neighbours, capacity: %w", err)
		}
		n.Capacity, n.Offered = capacity, capacity*halfLoad
	}
	before, err := o.measure(ctx, n, Trouble{})
	if err != nil {
		return err
	}
	for range o.Rounds {
		for _, t := range o.Troubles {
			troubled, err := o.measure(ctx, n, t)
			if err != nil {
				return err
			}
			after, err := o.measure(ctx, n, Trouble{})
			if err != nil {
				return err
			}
			troubled.compare(before, after)
			troubled.print(o.Stdout)
			before = after
		}
	}
	return nil
}

// measure is one run; those without trouble are printed at once, the others
// when there is something to compare them with.
func (o NeighboursOptions) measure(ctx context.Context, n *NeighboursReport, t Trouble) (*NeighboursResult, error) {
	result, err := o.neighbours(ctx, t, n.Offered)
	if err != nil {
		return nil, fmt.Errorf("bench neighbours, %s: %w", t, err)
	}
	n.Runs = append(n.Runs, result)
	if t == (Trouble{}) {
		result.print(o.Stdout)
	}
	return result, nil
}
