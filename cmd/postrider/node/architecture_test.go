package node

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// repository is the project's folder, seen from here.
const repository = "../../.."

// namedPath is a path as docs/architecture.md writes one: in backticks, or in
// the drawing; from the project's folder, with a slash.
var namedPath = regexp.MustCompile(`(?:actors|bench|cmd|config|deploy|docs|matching|transport)(?:/[A-Za-z0-9_.-]+)+`)

// Whoever opens what docs/architecture.md names finds it there.
func TestArchitectureNamesWhatIsThere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs/architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := namedPath.FindAllString(string(text), -1)
	if len(named) < 20 {
		t.Fatalf("only %d paths are named: %q", len(named), named)
	}
	for _, path := range named {
		path = strings.TrimSuffix(path, ".")
		if _, err := os.Stat(filepath.Join(repository, filepath.FromSlash(path))); err != nil {
			t.Errorf("docs/architecture.md names %s, which is not there: a path that moved moves there too", path)
		}
	}
}
