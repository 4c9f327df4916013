package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// program is how commands that are shown to be copied begin: as this one was
// called, where it is not on the path.
var program = "postrider"

func main() {
	if strings.ContainsRune(os.Args[0], filepath.Separator) {
		program = os.Args[0]
	}
	// The first signal asks the command to finish; after it the default
	// holds again, so that a second one leaves at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(Run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
