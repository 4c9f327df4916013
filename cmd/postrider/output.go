package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

// printJSON writes v indented, as -o json shows everything.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// table is rows of cells under a head, aligned.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = oneLine(fmt.Sprint(c))
	}
	t.rows = append(t.rows, row)
}

func (t *table) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.head}, t.rows...) {
		fmt.Fprintln(tw, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	return tw.Flush()
}

// isTerminalInput tells whether somebody can answer a question at r.
func isTerminalInput(r io.Reader) bool { return isCharDevice(r) }

// isTerminal tells whether w is a screen, where progress is shown.
func isTerminal(w io.Writer) bool { return isCharDevice(w) }

func isCharDevice(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// noun is a word for one of something, and the word for several.
type noun struct{ one, many string }

// counted is a number of them: "1 delivery", "1,234 deliveries".
func (w noun) counted(n uint64) string {
	if n == 1 {
		return "1 " + w.one
	}
	return grouped(n) + " " + w.many
}

func counted(n uint64, one, many string) string { return noun{one, many}.counted(n) }

// grouped writes 1234567 as 1,234,567.
func grouped(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
