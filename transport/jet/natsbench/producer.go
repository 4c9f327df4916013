package natsbench

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// Producer publishes on a connection of its own, as any NATS client does that
// waits for acknowledgements.
type Producer struct {
	nc    *nats.Conn
	inbox string
	mu    sync.Mutex
	owed  map[uint64]func(error)
	next  uint64
}

// Connect connects to a server of producers.
func Connect(url string) (*Producer, error) { return connect(url) }

func connect(url string, options ...nats.Option) (*Producer, error) {
	nc, err := nats.Connect(url, append(options, nats.Name("postrider bench"))...)
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	p := &Producer{nc: nc, inbox: nats.NewInbox() + ".", owed: map[uint64]func(error){}}
	sub, err := nc.Subscribe(p.inbox+"*", p.answered)
	if err == nil {
		err = sub.SetPendingLimits(-1, -1)
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("listening to acknowledgements: %w", err)
	}
	return p, nil
}

// Publish returns when the message is acknowledged.
func (p *Producer) Publish(ctx context.Context, subject string, data []byte) error {
	answer, err := p.nc.RequestWithContext(ctx, subject, data)
	if err != nil {
		return err
	}
	return acked(answer)
}

// PublishAsync returns at once; done is called once the answer is there. An id of
// "" is none.
func (p *Producer) PublishAsync(subject, id string, data []byte, done func(error)) error {
	p.mu.Lock()
	p.next++
	n := p.next
	p.owed[n] = done
	p.mu.Unlock()
	m := &nats.Msg{Subject: subject, Reply: p.inbox + strconv.FormatUint(n, 10), Data: data}
	if id != "" {
		m.Header = nats.Header{nats.MsgIdHdr: {id}}
	}
	return p.nc.PublishMsg(m)
}

func (p *Producer) answered(m *nats.Msg) {
	n, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, p.inbox), 10, 64)
	if err != nil {
		return
	}
	p.mu.Lock()
	done := p.owed[n]
	delete(p.owed, n)
	p.mu.Unlock()
	if done != nil {
		done(acked(m))
	}
}

// acked tells an acknowledgement from a refusal.
func acked(m *nats.Msg) error {
	if m.Header.Get("Status") != "" || bytes.Contains(m.Data, []byte(`"error"`)) || !bytes.Contains(m.Data, []byte(`"seq":`)) {
		return fmt.Errorf("refused: %s %.300s", m.Header.Get("Status"), m.Data)
	}
	return nil
}

// Close disconnects.
func (p *Producer) Close() { p.nc.Close() }
