package publisher

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// PublishDetection returns nil once the detection doc is stored on subject,
// detections.<words>. Of two with the same id within two minutes the second is
// not stored; "": it has none. Errors are those of Publish.
func (p *Publisher) PublishDetection(ctx context.Context, subject, id string, doc []byte) error {
	m, err := p.detection(subject, doc)
	if err != nil {
		return err
	}
	if id != "" {
		if err := transport.CheckID(id); err != nil {
			return err
		}
		m.Header.Set(jetstream.MsgIDHeader, id)
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	_, err = p.js.PublishMsg(ctx, m)
	return fault(err)
}

// PublishDetections publishes detections of one subject, as PublishAll events.
func (p *Publisher) PublishDetections(ctx context.Context, subject string, docs [][]byte) error {
	msgs := make([]*nats.Msg, len(docs))
	for i, doc := range docs {
		m, err := p.detection(subject, doc)
		if err != nil {
			return fmt.Errorf("detections[%d]: %w", i, err)
		}
		msgs[i] = m
	}
	return p.commitAll(ctx, msgs)
}

// detection checks a detection, all but what it says, and makes its message.
func (p *Publisher) detection(subject string, doc []byte) (*nats.Msg, error) {
	if err := transport.CheckDetectionSubject(subject); err != nil {
		return nil, err
	}
	if !jsontext.Valid(jsontext.Trim(doc)) {
		return nil, &transport.FieldError{Field: "data", Message: "not valid JSON"}
	}
	m := nats.NewMsg(subject)
	m.Data = doc
	return m, p.fits(m, "leave pictures out and give their URLs, or raise nats.max_payload")
}
