package bench

import (
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

const (
	// limitWindow is how many events a publisher has unacknowledged, and
	// limitEvents how many are published at most: they are on disk, all of them.
	limitWindow = 4000
	limitEvents = 500_000
)

// broker has JetStream alone: first all is published, then all is consumed.
func (o LimitOptions) broker(ctx context.Context, inProcess bool) (parts []LimitPart, err error) {
	dir, err := os.MkdirTemp(o.DataDir, "postrider-bench-")
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b, err := o.Broker(ctx, dir, o.Synced, inProcess)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close(context.WithoutCancel(ctx))) }()
	client, err := b.Connect()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var published, warm uint64
	if _, err := clocked(b, func() (_ uint64, err error) { warm, err = publishFor(ctx, client, 0, o.Seconds/4); return warm, err }); err != nil {
		return nil, err
	}
	publish, err := clocked(b, func() (_ uint64, err error) {
		published, err = publishFor(ctx, client, warm, o.Seconds)
		return published, err
	})
	if err != nil {
		return nil, err
	}
	consume, err := clocked(b, func() (uint64, error) { return published, client.Consume(ctx, published) })
	publish.Part, consume.Part = partPublish, partConsume
	if inProcess {
		publish.Part, consume.Part = partPublishIn, partConsumeIn
	}
	return []LimitPart{publish, consume}, err
}

// clocked measures what n things done cost the server, and this process beside it.
func clocked(b Broker, do func() (n uint64, err error)) (LimitPart, error) {
	own, machine, began := cpuTime(), machineTime(), time.Now()
	server := processTime(b.Process())
	n, err := do()
	r := rate{deliveries: n, took: time.Since(began), sender: cpuTime() - own, machine: machineTime() - machine}
	if b.Process() != os.Getpid() {
		r.receiver, r.sender = r.sender, processTime(b.Process())-server
	}
	return r.part(""), err
}

func (r rate) part(name string) LimitPart {
	return LimitPart{Part: name, Count: r.deliveries, PerSecond: r.perSecond(), CPU: r.each(r.sender), OtherCPU: r.each(r.receiver), OtherCores: r.others()}
}

// publishFor publishes documents with ids of their own for d, one a message,
// asynchronously; what was begun is acknowledged.
func publishFor(ctx context.Context, client NATSProducer, from uint64, d time.Duration) (n uint64, err error) {
	free, failed := make(chan struct{}, limitWindow), make(chan error, 1)
	until := time.Now().Add(d)
	for ; n < limitEvents && ctx.Err() == nil && len(failed) == 0; n++ {
		now := time.Now()
		if now.After(until) {
			break
		}
		free <- struct{}{}
		id := "limit-" + strconv.FormatUint(from+n, 10)
		done := func(err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
			<-free
		}
		if err := client.PublishAsync("events."+customer+".limit", id, documents([]time.Time{now})[0], done); err != nil {
			return n, fmt.Errorf("publish: %w", err)
		}
	}
	for range limitWindow {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
	select {
	case err := <-failed:
		return n, fmt.Errorf("publish: %w", err)
	default:
		return n, ctx.Err()
	}
}

// hash is the bare hash of a document, on one core.
func (o LimitOptions) hash(ctx context.Context) ([]LimitPart, error) {
	const each = 1000
	own, machine, began := cpuTime(), machineTime(), time.Now()
	var n uint64
	var kept byte
	for ; time.Since(began) < o.Seconds/3 && ctx.Err() == nil; n += each {
		for range each {
			sum := sha512.Sum512(documentText)
			kept ^= sum[0]
		}
	}
	r := rate{deliveries: n, took: time.Since(began), sender: cpuTime() - own, machine: machineTime() - machine}
	_ = kept // so that no hash is left out
	return []LimitPart{r.part(partHash)}, ctx.Err()
}

// posts has the bare clients, one after the other, at a receiver in a process
// of its own. By HTTP/2 there is no fasthttp.
func (o LimitOptions) posts(ctx context.Context) (parts []LimitPart, err error) {
	sink, err := o.sink(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sink.close()) }()
	post, err := newBarePost(sink.url(0), bareOptions{scheme: o.Scheme, authority: sink.authority})
	if err != nil {
		return nil, err
	}
	measure := func(part string, client *bareClient) error {
		measured, err := client.rate(ctx, sink, o.Seconds)
		if err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
		parts = append(parts, measured.part(part))
		return nil
	}
	if err := measure(partNetHTTP, post.netHTTP()); err != nil || o.Scheme == schemeH2 {
		return parts, err
	}
	fast, err := post.fastHTTP()
	if err != nil {
		return nil, err
	}
	return parts, measure(partFastHTTP, fast)
}

func (o LimitOptions) sink(ctx context.Context) (*sinkProcess, error) {
	return startSinkFor(ctx, sinkSpec{scheme: o.Scheme, dir: o.DataDir, flags: []string{"-verify=0"}})
}
