package http1

import (
	"bufio"
	"errors"
	"io"
	"net/http/httputil"
)

// body reads what an answer's frame encloses. It gives io.EOF at the frame's
// end, and there alone.
type body struct {
	in    *bufio.Reader
	frame frame
	left  int64     // byLength
	from  io.Reader // chunked
	// ended: all of the frame was read; what comes now belongs to nobody.
	ended bool
}

func (b *body) begin(in *bufio.Reader, h *Head) {
	*b = body{in: in, frame: h.frame, left: h.length, ended: h.frame == noBody}
	if h.frame == chunked {
		b.from = httputil.NewChunkedReader(in)
	}
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (n int, err error) {
	if b.ended {
		return 0, io.EOF
	}
	switch b.frame {
	case byLength:
		n, err = b.in.Read(p[:min(int64(len(p)), b.left)])
		if b.left -= int64(n); b.left == 0 {
			b.ended, err = true, io.EOF
		} else if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
	case chunked:
		if n, err = b.from.Read(p); errors.Is(err, io.EOF) {
			if err = b.trailer(); err == nil {
				b.ended, err = true, io.EOF
			}
		}
	default:
		n, err = b.in.Read(p)
		b.ended = errors.Is(err, io.EOF)
	}
	return n, err
}

// trailer reads what follows the last chunk; what it says is of no use here.
func (b *body) trailer() error {
	var r headReader
	if err := r.fields(b.in); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if r.Fault != "" {
		return io.ErrUnexpectedEOF
	}
	return nil
}
