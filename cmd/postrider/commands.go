package main

import (
	"github.com/spf13/cobra"
)

// nodeCommands are the commands that run a node in this process.
func (a *app) nodeCommands() []*cobra.Command {
	return []*cobra.Command{a.serveCommand(), a.demoCommand(), a.benchCommand(), a.sinkCommand(), a.producerCommand(), a.jetStreamCommand(), a.afternoonCommand()}
}
