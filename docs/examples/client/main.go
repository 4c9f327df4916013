// The command client is an example of a client that is generated from a node's
// own description: it adds an endpoint, publishes an event, waits for its delivery,
// reveals the endpoint's secret and pages through a list.
//
//	curl -o openapi.json http://127.0.0.1:8080/openapi.json
//	go generate .
//	go run . http://127.0.0.1:8080 "$TOKEN" http://127.0.0.1:9000/hook
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	_ "github.com/oapi-codegen/runtime" // api.go, which is generated, stands on it
)

//go:generate go tool oapi-codegen -generate types,client -package main -o api.go openapi.json

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: client NODE TOKEN RECEIVER")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, node, token, receiver string) error {
	c, err := NewClientWithResponses(node, WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}))
	if err != nil {
		return err
	}
	ep, err := addEndpoint(ctx, c, receiver)
	if err != nil {
		return err
	}
	event, err := publish(ctx, c)
	if err != nil {
		return err
	}
	delivery, err := awaitDelivery(ctx, c, ep.Id, event)
	if err != nil {
		return err
	}
	secret, err := c.RevealSecretWithResponse(ctx, ep.Id)
	if err != nil || secret.JSON200 == nil {
		return failed("reveal", secret.JSONDefault, err)
	}
	types, pages, err := eventTypes(ctx, c)
	if err != nil {
		return err
	}
	fmt.Printf("event %s: %s, HTTP %d, after %d attempt\n", event, delivery.State, delivery.Status, delivery.AttemptCount)
	fmt.Printf("secret %s\n", secret.JSON200.Secret)
	fmt.Printf("%d event types on %d pages\n", types, pages)
	return refusal(ctx, c)
}

// addEndpoint adds one; with the same Idempotency-Key it is added once.
func addEndpoint(ctx context.Context, c *ClientWithResponses, url string) (*ShownEndpoint, error) {
	events, key := []string{"access.>"}, "front-desk"
	added, err := c.CreateEndpointWithResponse(ctx, &CreateEndpointParams{IdempotencyKey: &key},
		EndpointInput{Name: new("Front desk"), Url: &url, Events: &events})
	switch {
	case err == nil && added.JSON201 != nil:
		return added.JSON201, nil
	case err == nil && added.JSON202 != nil: // kept, and not in effect yet
		return added.JSON202, nil
	}
	return nil, failed("add", added.JSONDefault, err)
}

func publish(ctx context.Context, c *ClientWithResponses) (event string, err error) {
	var body PublishEventsJSONRequestBody // one event, or up to 1000
	if err := body.FromEventInput(EventInput{Type: new("access.granted"), Data: map[string]any{"door": "Main"}}); err != nil {
		return "", err
	}
	stored, err := c.PublishEventsWithResponse(ctx, nil, body)
	if err != nil || stored.JSON202 == nil {
		return "", failed("publish", stored.JSONDefault, err)
	}
	receipt, err := stored.JSON202.AsReceipt()
	return receipt.Id, err
}

func awaitDelivery(ctx context.Context, c *ClientWithResponses, endpoint, event string) (*DeliveryItem, error) {
	for {
		list, err := c.ListDeliveriesWithResponse(ctx, &ListDeliveriesParams{Endpoint: &endpoint, Event: &event})
		if err != nil {
			return nil, err
		}
		if list.JSON200 == nil {
			return nil, failed("deliveries", list.JSONDefault, nil)
		}
		for _, d := range list.JSON200.Items {
			if d.State == DeliveryItemStateDelivered {
				return &d, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// eventTypes pages through a list: next_cursor is the cursor of the next page.
func eventTypes(ctx context.Context, c *ClientWithResponses) (items, pages int, err error) {
	var limit int64 = 5
	params := ListEventTypesParams{Limit: &limit}
	for {
		page, err := c.ListEventTypesWithResponse(ctx, &params)
		if err != nil || page.JSON200 == nil {
			return 0, 0, failed("event types", page.JSONDefault, err)
		}
		items, pages = items+len(page.JSON200.Items), pages+1
		if page.JSON200.NextCursor == nil {
			return items, pages, nil
		}
		params.Cursor = page.JSON200.NextCursor
	}
}

// refusal shows what an error looks like: the field and the remedy.
func refusal(ctx context.Context, c *ClientWithResponses) error {
	refused, err := c.CreateEndpointWithResponse(ctx, nil, EndpointInput{Url: new("ftp://example.com")})
	if err != nil {
		return err
	}
	if refused.JSONDefault == nil || refused.JSONDefault.Details == nil {
		return fmt.Errorf("an endpoint with a wrong URL was answered %s: %s", refused.Status(), refused.Body)
	}
	fmt.Printf("refused: %s: %s\n", (*refused.JSONDefault.Details)["field"], *refused.JSONDefault.Message)
	return nil
}

func failed(what string, e *Error, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if e != nil && e.Message != nil {
		return fmt.Errorf("%s: %s", what, *e.Message)
	}
	return errors.New(what + ": an answer that is not described")
}
