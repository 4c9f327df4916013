package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/postrider/postrider/transport"
)

// question asks for one field of an endpoint.
type question struct {
	field, text string
	// standard is what an empty answer means, told in brackets; it is not sent.
	standard string
	// one of these is wanted; none: any text.
	choices []string
	needed  bool
	// when tells whether it is asked; nil: always.
	when func(body map[string]any) bool
}

var endpointQuestions = []question{
	{field: "customer", text: "Customer whose events it gets", standard: "the token's"},
	{field: "name", text: "Name for people", standard: "none"},
	{field: "url", text: "URL that deliveries are posted to", needed: true},
	{field: "profile", text: "Profile: standard, genea, genlogs or custom", standard: transport.ProfileStandard,
		choices: []string{transport.ProfileStandard, transport.ProfileGenea, transport.ProfileGenLogs, transport.ProfileCustom}},
	{field: "version", text: "Version: v1 (VertX hardware), v2 (Mercury) or v3 (both)", standard: "by the customer's locations", choices: []string{"v1", "v2", "v3"},
		when: func(body map[string]any) bool { return body["profile"] == transport.ProfileGenea }},
}

// errNoAnswer: who was asked left.
var errNoAnswer = errors.New("no answer")

// askFor asks on stderr for the fields that body lacks, and puts in the answers.
func (a *app) askFor(body map[string]any, questions []question) error {
	for _, q := range questions {
		if body[q.field] != nil || q.when != nil && !q.when(body) {
			continue
		}
		answer, err := a.answerTo(&q)
		if err != nil {
			return err
		}
		if answer != "" {
			body[q.field] = answer
		}
	}
	return nil
}

// answerTo asks until there is an answer that fits; an empty one is the default.
func (a *app) answerTo(q *question) (string, error) {
	for {
		fmt.Fprint(a.stderr, q.text)
		if q.standard != "" {
			fmt.Fprintf(a.stderr, " [%s]", q.standard)
		}
		fmt.Fprint(a.stderr, ": ")
		answer, err := readAnswer(a.stdin)
		switch {
		case err != nil:
			fmt.Fprintln(a.stderr)
			return "", err
		case answer == "" && q.needed:
			fmt.Fprintln(a.stderr, "  it is needed")
		case answer != "" && q.choices != nil && !slices.Contains(q.choices, answer):
			fmt.Fprintf(a.stderr, "  choose %s\n", strings.Join(q.choices, ", "))
		default:
			return answer, nil
		}
	}
}

// canAnswer tells whether somebody can answer at r: the null device looks like
// a terminal, and is none.
func canAnswer(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok || !isTerminalInput(r) {
		return false
	}
	given, err1 := f.Stat()
	null, err2 := os.Stat(os.DevNull)
	return err1 == nil && (err2 != nil || !os.SameFile(given, null))
}

// maxTyped bounds one answer, in bytes.
const maxTyped = 4096

// readAnswer reads one line, and not a byte beyond it: what follows is for
// whoever reads next.
func readAnswer(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < maxTyped; line = append(line, b[0]) {
		if n, err := r.Read(b); n == 0 && err != nil || b[0] == '\n' {
			if n == 0 && len(line) == 0 {
				return "", errNoAnswer
			}
			return strings.TrimSpace(string(line)), nil
		}
	}
	return "", usagef("the answer is longer than %s bytes", grouped(maxTyped))
}
