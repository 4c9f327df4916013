package api

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/postrider/postrider/transport"
)

// WebhookTestInput is where a test is sent, and the secret that signs it.
type WebhookTestInput struct {
	Customer   string `json:"customer" doc:"For operators; else the token's"`
	WebhookURL string `json:"webhook_url" doc:"https, at most 2083 bytes; it need not be registered"`
	Secret     string `json:"secret" doc:"16 bytes or more"`
}

// WebhookTest is what came of a test.
type WebhookTest struct {
	Success bool   `json:"success"`
	Status  int    `json:"status" doc:"HTTP status of the answer; 0: none came"`
	Message string `json:"message"`
}

type webhookTestAnswer struct{ Body WebhookTest }

func (s *Server) testWebhook(ctx context.Context, _ *struct{}) (*webhookTestAnswer, error) {
	var in WebhookTestInput
	if err := decode(bodyOf(ctx), &in); err != nil {
		return nil, err
	}
	customer, err := callerOf(ctx).actsFor(in.Customer)
	if err != nil {
		return nil, err
	}
	if in.Secret == "" {
		return nil, invalid("secret", "missing; give the one that the receiver verifies signatures with")
	}
	ep := newWebhook(customer, in.WebhookURL, in.Secret)
	ep.ID, ep.State = s.webhookIDOf(customer, in.WebhookURL), transport.StateActive
	if err := s.check(ep); err != nil {
		return nil, asWebhook(err)
	}
	if c, there := s.Registry.Customer(customer); there {
		ep.CustomerID = c.CustomerID
	}
	ev, err := sampleEvent(ep, &TestInput{}, s.Now().UTC())
	if err != nil {
		return nil, err
	}
	if err := s.tests.take(callerOf(ctx), ep); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(ep.Delivery.Timeout)+testGrace)
	defer cancel()
	return &webhookTestAnswer{Body: webhookTestOf(s.Tester.Test(ctx, ep, ev))}, nil
}

// webhookIDOf is the id of the webhook at url, and a new one where there is none.
func (s *Server) webhookIDOf(customer, url string) string {
	for _, ep := range s.Registry.Endpoints(customer) {
		if ep.Profile == transport.ProfileGenLogs && ep.URL == url {
			return ep.ID
		}
	}
	return uuid.NewString()
}

func webhookTestOf(a transport.Answer) WebhookTest {
	out := WebhookTest{Success: a.Class == transport.Delivered, Status: a.Status}
	if out.Success {
		out.Message = fmt.Sprintf("The webhook answered %d", a.Status)
	} else {
		out.Message = "The test event was not delivered: " + cmp.Or(a.Detail, a.Reason)
	}
	return out
}
