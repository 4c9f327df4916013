package main

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageError is a command line that is wrong in itself: exit code 2.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// silentError ends with exit code 1 where the answer already says all.
type silentError struct{}

func (silentError) Error() string { return "" }

// asUsage makes wrong flags and names usage errors, in c and below it.
func asUsage(c *cobra.Command) {
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%s; see %s --help", flagFault(err), c.CommandPath())
	})
	if c.HasSubCommands() && c.RunE == nil && c.Run == nil {
		c.Args, c.RunE = noSuchCommand, func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			var usage *usageError
			if err == nil || errors.As(err, &usage) {
				return err
			}
			return usagef("%s; see %s --help", err, c.CommandPath())
		}
	}
	for _, sub := range c.Commands() {
		asUsage(sub)
	}
}

// wanted is what a flag of each type takes, as somebody would say it.
var wanted = map[string]string{
	"int": "a whole number", "int64": "a whole number", "uint64": "a whole number, 0 or more", "float64": "a number",
	"duration": "a duration such as 30s, 5m or 24h", "bool": "true or false",
}

// flagFault words a flag's wrong value without the words of the parser.
func flagFault(err error) string {
	var wrong *pflag.InvalidValueError
	if errors.As(err, &wrong) && wanted[wrong.GetFlag().Value.Type()] != "" {
		return fmt.Sprintf("--%s %q is not %s", wrong.GetFlag().Name, wrong.GetValue(), wanted[wrong.GetFlag().Value.Type()])
	}
	return err.Error()
}

// completionExamples are of the commands that cobra makes.
var completionExamples = map[string]string{
	"completion": "  source <(postrider completion bash)",
	"bash":       "  postrider completion bash > /etc/bash_completion.d/postrider",
	"zsh":        "  postrider completion zsh > \"${fpath[1]}/_postrider\"",
	"fish":       "  postrider completion fish > ~/.config/fish/completions/postrider.fish",
	"powershell": "  postrider completion powershell | Out-String | Invoke-Expression",
}

// exampleCompletions gives those commands their examples.
func exampleCompletions(root *cobra.Command) {
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Example = completionExamples[c.Name()]
		for _, shell := range c.Commands() {
			shell.Example = completionExamples[shell.Name()]
		}
	}
}

func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("there is no command %q; did you mean %s %s?", args[0], c.CommandPath(), near[0])
	}
	return usagef("there is no command %q; see %s --help", args[0], c.CommandPath())
}

// arguments checks that a command is given what it names. A name in brackets
// may be left out; one with dots takes one or more.
func arguments(names ...string) cobra.PositionalArgs {
	least, most := 0, len(names)
	for _, name := range names {
		if !strings.HasPrefix(name, "[") {
			least++
		}
		if strings.Contains(name, "...") {
			most = 1 << 20
		}
	}
	return func(c *cobra.Command, args []string) error {
		if len(args) < least {
			return usagef("%s needs %s; see %s --help", c.CommandPath(), names[len(args)], c.CommandPath())
		}
		if len(args) > most {
			return usagef("%s does not take %q; see %s --help", c.CommandPath(), args[most], c.CommandPath())
		}
		return nil
	}
}

// oneLine is text from outside as it may stand on a terminal: one line, no
// control characters.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}
