// Package docs is the book; its tests hold its links, its table of contents and
// the tests that it names.
package docs

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pages are all Markdown files that people read.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("../.github/*.md")
	if err != nil {
		t.Fatal(err)
	}
	forms, err := filepath.Glob("../.github/ISSUE_TEMPLATE/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	found = append(append(found, more...), forms...)
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) < 20 {
		t.Fatalf("%d pages, %v", len(found), err)
	}
	return found
}

var (
	code    = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	address = regexp.MustCompile(`url: (\S+)`) // of a form for issues
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+?)\s*$`)
)

// onMain is where the project's own files are for who reads them elsewhere.
const onMain = "https://github.com/postrider/postrider/blob/main/"

// anchors are those that GitHub makes of a page's headings.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, ""), -1) {
		all[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, h[1])] = true
	}
	return all
}

// Each link within the project leads to a file that is there, and to a heading
// that it has.
func TestLinks(t *testing.T) {
	checked := 0
	for _, page := range pages(t) {
		text := read(t, page)
		links := link.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1)
		if !strings.HasSuffix(page, ".md") {
			links = address.FindAllStringSubmatch(text, -1)
		}
		for _, l := range links {
			target, anchor, _ := strings.Cut(l[1], "#")
			ours, within := strings.CutPrefix(target, onMain)
			if !within && strings.Contains(target, "://") {
				if u, err := url.Parse(l[1]); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
					t.Errorf("%s: %s is no address", page, l[1])
				}
				continue // others' pages: whether they are there a test cannot tell without asking them
			}
			checked++
			file := page
			switch {
			case within:
				file = filepath.Join("..", ours)
			case target != "":
				file = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %s leads to nothing", page, l[1])
				continue
			}
			if anchor != "" && !anchors(read(t, file))[anchor] {
				t.Errorf("%s: %s: there is no such heading", page, l[1])
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d links", checked)
	}
}

// The table of contents leads to each page of the book.
func TestTheTableOfContents(t *testing.T) {
	contents := read(t, "README.md")
	for _, page := range pages(t) {
		if strings.HasPrefix(page, "..") || page == "README.md" || strings.HasPrefix(page, "decisions/") {
			continue
		}
		if !strings.Contains(contents, "]("+filepath.ToSlash(page)) {
			t.Errorf("docs/README.md does not lead to %s", page)
		}
	}
}

// Each row of the failure modes names tests, and each is there.
func TestTheFailureModes(t *testing.T) {
	there := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "postrider-data") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, "_test.go") {
			for _, f := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(read(t, path), -1) {
				there[f[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(read(t, "failure-modes.md"), "|---|---|---|---|---|\n")
	if !found {
		t.Fatal("failure-modes.md has no table")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	for _, row := range strings.Split(table, "\n") {
		names := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(row, -1)
		if len(names) == 0 {
			t.Errorf("no test shows this: %s", row)
		}
		for _, name := range names {
			if !there[name[1]] {
				t.Errorf("failure-modes.md names %s, which is not there", name[1])
			}
		}
	}
}
