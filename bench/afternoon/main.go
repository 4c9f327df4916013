package afternoon

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"
)

// maxLine bounds an endpoint as it is told on standard input.
const maxLine = 64 << 10

// Main delivers until in ends. in has an Endpoint in JSON a line, each answered
// by a line on out once it is in effect.
func Main(ctx context.Context, nc *nats.Conn, stream string, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	s, ended := New(), make(chan error, 1)
	go func() { ended <- s.Run(ctx, nc, stream) }()
	err := s.listen(in, out)
	stop()
	return errors.Join(err, <-ended)
}

func (s *Sender) listen(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var e Endpoint
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("an endpoint: %w", err)
		}
		s.Add(&e)
		if _, err := io.WriteString(out, "added\n"); err != nil {
			return err
		}
	}
	return lines.Err()
}
