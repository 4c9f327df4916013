package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fences       = regexp.MustCompile("(?s)```[a-z]*\n(.*?)```")
	substitution = regexp.MustCompile(`\$\([^)]*\)|\$\{[^}]*\}`)
	invocation   = regexp.MustCompile(`(?:^|[|&;] *|-- )(?:\./bin/)?postrider ([^|&;<>]*)`)
	inQuotes     = regexp.MustCompile(`'[^']*'|"[^"]*"`)
)

// Each command in the code blocks of README and docs is one that there is, with
// flags that it has. They are not run here: the scripts in testdata run each
// command, and the tests of other packages the rest of the blocks.
func TestTheCommandsInTheDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range append(pages, "../../README.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range fences.FindAllStringSubmatch(string(text), -1) {
			for _, line := range strings.Split(strings.ReplaceAll(block[1], "\\\n", " "), "\n") {
				if before, _, comment := strings.Cut(line, " #"); comment || strings.HasPrefix(line, "#") {
					line = before
				}
				line = inQuotes.ReplaceAllString(substitution.ReplaceAllString(line, "x"), "x")
				for _, called := range invocation.FindAllStringSubmatch(line, -1) {
					checked++
					checkCommand(t, page, called[1])
				}
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d commands were found", checked)
	}
}

func checkCommand(t *testing.T, page, called string) {
	t.Helper()
	root := (&app{}).root()
	c, rest, err := root.Find(strings.Fields(called))
	if err != nil || c == root {
		t.Errorf("%s: postrider %s: there is no such command (%v)", filepath.Base(page), called, err)
		return
	}
	if err := c.ParseFlags(rest); err != nil {
		t.Errorf("%s: postrider %s: %v", filepath.Base(page), called, err)
	}
}
