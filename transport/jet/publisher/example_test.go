package publisher_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// One event; published again with its id it is delivered once.
func ExamplePublisher_Publish() {
	url, stop := node()
	defer stop()

	p, err := publisher.Connect(url, publisher.Options{Name: "door service"})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	event := publisher.Event{Customer: "acme", Type: "access.granted", ID: "badge-4711-1", Data: []byte(`{"door":"Main"}`)}
	err = p.Publish(ctx, event)
	for errors.Is(err, transport.ErrUnavailable) && ctx.Err() == nil {
		err = p.Publish(ctx, event) // without fear: it has an id
	}
	fmt.Println(err)
	// Output: <nil>
}

// Many events at once: all are checked before the first is sent.
func ExamplePublisher_PublishAll() {
	url, stop := node()
	defer stop()

	p, err := publisher.Connect(url, publisher.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	events := []publisher.Event{
		{Customer: "acme", Type: "parcel.scanned", ID: "parcel-1", Data: []byte(`{"parcel":1}`)},
		{Customer: "acme", Type: "parcel scanned", ID: "parcel-2", Data: []byte(`{"parcel":2}`)},
	}
	var field *transport.FieldError
	if err := p.PublishAll(ctx, events); errors.As(err, &field) {
		fmt.Println("nothing was sent; wrong is", field.Field)
	}
	events[1].Type = "parcel.scanned"
	fmt.Println(p.PublishAll(ctx, events))
	// Output:
	// nothing was sent; wrong is events[1].type
	// <nil>
}

// node stands for a Postrider node: a NATS server with its log.
func node() (url string, stop func()) {
	folder, err := os.MkdirTemp("", "publisher")
	if err != nil {
		log.Fatal(err)
	}
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: folder, NoLog: true, NoSigs: true})
	if err != nil {
		log.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(time.Minute) {
		log.Fatal("the server did not start")
	}
	nc, err := nats.Connect(srv.ClientURL())
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	_, err = js.CreateStream(context.Background(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}, AllowAtomicPublish: true})
	if err != nil {
		log.Fatal(err)
	}
	return srv.ClientURL(), func() {
		srv.Shutdown()
		srv.WaitForShutdown()
		_ = os.RemoveAll(folder)
	}
}
