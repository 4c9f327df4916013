package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/postrider/postrider/cmd/postrider/node"
	"github.com/postrider/postrider/transport"
)

// The sample's customer, and how often an event of it is published.
const (
	sampleCustomer = "sample"
	sampleName     = "Sample receiver"
	sampleSecret   = "a-sample-secret-for-looking-on"
	sampleEvery    = 2 * time.Second
)

// startSample makes a receiver and publishes events to it, so that somebody
// who looks on sees deliveries arrive. What it makes is removed by stop.
func startSample(ctx context.Context, n *node.Node, log *slog.Logger, out io.Writer) (stop func(), err error) {
	var printing sync.Mutex
	r, err := newChecker("sequr", sampleSecret, func(d received) {
		printing.Lock()
		defer printing.Unlock()
		said := "signature holds"
		if d.verified != nil {
			said = "SIGNATURE DOES NOT HOLD: " + d.verified.Error()
		}
		fmt.Fprintf(out, "%s  delivered %s, %d bytes, %s\n", d.at.Format(time.TimeOnly), d.id, len(d.body), said)
	})
	if err != nil {
		return nil, err
	}
	if err := registerSample(ctx, n, r.url); err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "A sample event every %s goes to a sample receiver at %s:\n", sampleEvery, r.url)
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { publishSamples(ctx, n, log) })
	return func() {
		cancel()
		done.Wait()
		closing, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = r.close(closing)
	}, nil
}

// registerSample points the sample endpoint, kept from an earlier start or
// made now, at this start's receiver.
func registerSample(ctx context.Context, n *node.Node, url string) error {
	if kept, err := n.Redirect(ctx, sampleCustomer, sampleName, url); kept || err != nil {
		return err
	}
	return n.Register(ctx, &transport.Endpoint{
		Customer: sampleCustomer, Name: sampleName, URL: url, Enabled: true, Profile: "genea",
		Secrets:  transport.Secrets{Current: sampleSecret},
		Delivery: transport.Delivery{Retries: true},
	})
}

func publishSamples(ctx context.Context, n *node.Node, log *slog.Logger) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		ev := transport.Event{Customer: sampleCustomer, Type: "access.granted", Data: sampleAccess(i, n.Now())}
		if err := n.Publish(ctx, []transport.Event{ev}); err != nil && ctx.Err() == nil {
			log.Warn("sample event not published", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sampleAccess is a door opened for somebody, in the envelope that Genea's
// producers publish.
func sampleAccess(i int, at time.Time) []byte {
	people := []string{"Ada Lovelace", "Grace Hopper", "Katherine Johnson", "Zoë O’Neill & Søn"}
	return fmt.Appendf(nil, `{"uuid":"%024x","event_time":%q,"event_type":"ACCESS","event_action":"SEQUR_ACCESS_GRANTED",`+
		`"event_message":"Access Granted","event_note":null,"hardware":"mercury",`+
		`"actor":{"type":"USER","user_name":%q},"location":{"name":"Front office","timezone":"America/New_York"},`+
		`"controller":{"name":"00:0F:E5:0B:A5:4E","model":"LP1502","status":"ONLINE"},`+
		`"card":{"type":"KEYCARD","status":"ACTIVE","card_number":"12006465125"},"created_at":%q}`,
		at.UnixNano(), at.UTC().Format("2006-01-02T15:04:05.000Z"), people[i%len(people)], at.UTC().Format("2006-01-02T15:04:05.000Z"))
}
