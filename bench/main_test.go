package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

var errNoCommand = errors.New("flags of go test")

// The suites start their own executable as the sink and as producers: in tests,
// this one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		var err error
		switch os.Args[1] {
		case SinkCommand:
			err = SinkMain(context.Background(), os.Args[2:], os.Stdout)
		case ProducerCommand:
			err = ProducerMain(context.Background(), os.Args[2:], os.Stdout, nil)
		default:
			err = errNoCommand
		}
		switch {
		case err == nil:
			return
		case !errors.Is(err, errNoCommand):
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	// A sink under the race detector would sleep for a second at its end.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	// fasthttp's cleaner looks each few seconds whether its client has connections left.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"))
}
