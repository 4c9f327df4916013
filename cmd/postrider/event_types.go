package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/payload/catalogue"
)

func (a *app) eventTypesCommand() *cobra.Command {
	var search string
	c := &cobra.Command{
		Use:   "event-types [TYPE]",
		Short: "List the event types that Postrider knows, or show one with a sample",
		Long: `Lists the catalogue of event types, or those that a pattern such as 'door.>' wants;
shows one type with a sample, and with -o json its JSON Schema too. It needs no
node. An event of a type that is not in the catalogue is delivered all the same.`,
		Example: "  postrider event-types\n  postrider event-types 'audit.*.created'\n  postrider event-types access.granted -o json",
		Args:    arguments("[TYPE]"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.printEventTypes(catalogue.Search("", search))
			}
			if search != "" {
				return usagef("--search goes through all types; leave %q out", args[0])
			}
			if e, known := catalogue.Find(args[0]); known {
				return a.printEventType(e)
			}
			if err := transport.CheckPattern(args[0]); err != nil {
				return usagef("%s", err)
			}
			list := catalogue.Matching(args[0])
			if len(list) == 0 {
				return fmt.Errorf("%s is not in the catalogue (events of it are delivered all the same); postrider event-types lists what is", oneLine(args[0]))
			}
			return a.printEventTypes(list)
		},
	}
	c.Flags().StringVar(&search, "search", "", "those with this in their type, event_action or description")
	return c
}

func (a *app) printEventTypes(list []catalogue.Entry) error {
	if a.output == "json" {
		return a.printJSON(list)
	}
	t := table{head: []string{"TYPE", "EVENT_ACTION", "DESCRIPTION"}}
	for _, e := range list {
		t.add(e.Type, strings.Join(e.Actions, " "), e.Description)
	}
	return t.print(a.stdout)
}

func (a *app) printEventType(e catalogue.Entry) error {
	if a.output == "json" {
		return a.printJSON(e)
	}
	action := strings.Join(e.Actions, " ")
	if e.Ours {
		action += " (Postrider's own: Genea's is not public)"
	}
	for _, line := range [][2]string{{"type", e.Type}, {"description", e.Description}, {"publisher", e.Publisher},
		{"hardware", strings.Join(e.Hardware, " ")}, {"event_action", action}} {
		if line[1] != "" {
			fmt.Fprintf(a.stdout, "%-12s %s\n", line[0], line[1])
		}
	}
	var sample bytes.Buffer
	if err := json.Indent(&sample, e.Sample, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "\n%s\n", sample.String())
	return err
}
