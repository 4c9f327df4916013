package config

import (
	"os"
	"strings"
	"testing"
)

// docs/dependencies.md says of each library why it is there.
func TestDependenciesAreTold(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for line := range strings.Lines(string(doc)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue // no row of a table
		}
		for i, name := range strings.Split(cells[1], "`") {
			if i%2 == 1 && strings.TrimSpace(cells[2]) != "" {
				told[name] = true
			}
		}
	}
	direct := 0
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(line)
		if len(fields) != 2 || !strings.HasPrefix(line, "\t") {
			continue // not a requirement, or "// indirect"
		}
		if direct++; !told[fields[0]] {
			t.Errorf("%s is required by go.mod and has no row in docs/dependencies.md: say what it gives and why no other", fields[0])
		}
		delete(told, fields[0])
	}
	if direct < 20 {
		t.Errorf("%d direct dependencies were found in go.mod", direct)
	}
	for name := range told {
		if strings.Contains(strings.Split(name, "/")[0], ".") {
			t.Errorf("%s has a row in docs/dependencies.md and is not required by go.mod", name)
		}
	}
}
