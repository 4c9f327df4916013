package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var (
	fences       = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	inline       = regexp.MustCompile("`((?:\\./bin/)?postrider [a-z][^`\n]*)`")
	substitution = regexp.MustCompile(`\$\([^)]*\)|\$\{[^}]*\}`)
	invocation   = regexp.MustCompile(`(?:^|[|&;] *|-- )(?:\./bin/)?postrider ([^|&;<>]*)`)
	substituted  = regexp.MustCompile(`\$\((?:\./bin/)?postrider ([^|&;<>)]*)`)
	inQuotes     = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	makes        = regexp.MustCompile(`(?m)(?:^|&& )make ([a-z-]+)`)
)

// docsFolder is where README.md is, from here.
const docsFolder = "../.."

// docsPages are the pages whose blocks people copy, from docsFolder.
func docsPages(t *testing.T) []string {
	t.Helper()
	pages := []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(docsFolder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			page, err := filepath.Rel(docsFolder, path)
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, filepath.ToSlash(page))
		}
	}
	if len(pages) < 20 {
		t.Fatalf("only %d pages", len(pages))
	}
	return pages
}

// docsBlock is what stands between two fences of a page.
type docsBlock struct {
	line           int
	language, text string
}

// shell: people type it.
func (b *docsBlock) shell() bool { return b.language == "sh" || b.language == "bash" }

// firstLine names a block.
func (b *docsBlock) firstLine() string {
	line, _, _ := strings.Cut(b.text, "\n")
	return line
}

func readPage(t *testing.T, page string) (text string, blocks []docsBlock) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(docsFolder, page))
	if err != nil {
		t.Fatal(err)
	}
	text = string(b)
	for _, at := range fences.FindAllStringSubmatchIndex(text, -1) {
		blocks = append(blocks, docsBlock{line: 1 + strings.Count(text[:at[0]], "\n"), language: text[at[2]:at[3]], text: text[at[4]:at[5]]})
	}
	if fences := strings.Count("\n"+text, "\n```"); fences != 2*len(blocks) {
		t.Errorf("%s has %d fences that are not two around a block", page, fences-2*len(blocks))
	}
	return text, blocks
}

// Each command in the pages, in blocks and within the text, is one that there is,
// with flags that it has; those that are not run (docs_blocks_test.go) too.
func TestTheCommandsInTheDocs(t *testing.T) {
	t.Parallel()
	checked, root := 0, (&app{}).root()
	for _, page := range docsPages(t) {
		text, blocks := readPage(t, page)
		var lines []string
		for _, b := range blocks {
			if b.shell() {
				lines = append(lines, strings.Split(strings.ReplaceAll(b.text, "\\\n", " "), "\n")...)
			}
		}
		for _, code := range inline.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
			if !slices.Contains(spans, code[1]) {
				lines = append(lines, code[1])
			}
		}
		for _, line := range lines {
			if before, _, comment := strings.Cut(line, " #"); comment || strings.HasPrefix(line, "#") {
				line = before
			}
			within := substituted.FindAllStringSubmatch(line, -1)
			line = inQuotes.ReplaceAllString(substitution.ReplaceAllString(line, "x"), "x")
			for _, called := range append(within, invocation.FindAllStringSubmatch(line, -1)...) {
				checked++
				checkCommand(t, root, page, called[1])
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d commands were found", checked)
	}
}

// spans are names of spans, which are no commands.
var spans = []string{"postrider route", "postrider attempt"}

func checkCommand(t *testing.T, root *cobra.Command, page, called string) {
	t.Helper()
	c, rest, err := root.Find(strings.Fields(called))
	if err != nil || c == root {
		t.Errorf("%s: postrider %s: there is no such command (%v)", page, called, err)
		return
	}
	// A text may name a flag without its value.
	if err := c.ParseFlags(rest); err != nil && !errors.Is(err, pflag.ErrHelp) && !strings.Contains(err.Error(), "flag needs an argument") {
		t.Errorf("%s: postrider %s: %v", page, called, err)
	}
}

// Each target of make that the pages name is there.
func TestTheTargetsInTheDocs(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(docsFolder, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range docsPages(t) {
		_, blocks := readPage(t, page)
		for _, block := range blocks {
			for _, target := range makes.FindAllStringSubmatch(block.text, -1) {
				if checked++; block.shell() && !strings.Contains(string(b), "\n"+target[1]+":") {
					t.Errorf("%s:%d: make has no target %s", page, block.line, target[1])
				}
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d targets were found", checked)
	}
}
