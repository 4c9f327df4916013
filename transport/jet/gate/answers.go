package gate

import (
	"sync"

	"github.com/nats-io/nats.go"
)

// mostAnswers bounds the answers that wait to be sent: a client that gets none
// publishes again.
const mostAnswers = 1 << 17

// answers are sent by a goroutine and a connection of their own, so that who
// reads and who stores never waits for the network.
type answers struct {
	conn    *nats.Conn
	lost    func(n int)
	waiting chan struct{}
	quit    chan struct{}
	done    sync.WaitGroup

	mu      sync.Mutex
	pending []outgoing
}

type outgoing struct {
	reply string
	data  []byte
}

func newAnswers(lost func(n int)) *answers {
	return &answers{lost: lost, waiting: make(chan struct{}, 1), quit: make(chan struct{})}
}

func (a *answers) start(conn *nats.Conn) {
	a.conn = conn
	a.done.Go(a.run)
}

func (a *answers) add(reply string, data []byte) {
	a.mu.Lock()
	full := len(a.pending) >= mostAnswers
	if !full {
		a.pending = append(a.pending, outgoing{reply, data})
	}
	a.mu.Unlock()
	if full {
		a.lost(1)
		return
	}
	select {
	case a.waiting <- struct{}{}:
	default:
	}
}

func (a *answers) run() {
	var sending []outgoing
	for {
		select {
		case <-a.waiting:
			sending = a.send(sending)
		case <-a.quit:
			a.send(sending)
			return
		}
	}
}

// send sends all that wait, and gives its room back.
func (a *answers) send(room []outgoing) []outgoing {
	a.mu.Lock()
	sending := a.pending
	a.pending = room[:0]
	a.mu.Unlock()
	for i := range sending {
		if a.conn.Publish(sending[i].reply, sending[i].data) != nil {
			a.lost(1) // the connection is away: whoever waits publishes again
		}
		sending[i] = outgoing{}
	}
	return sending
}

// close sends what waits and ends.
func (a *answers) close() {
	close(a.quit)
	a.done.Wait()
}
