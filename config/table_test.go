package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the settings table of docs/operations.md anew")

// The table in the documentation is the settings as they are.
func TestSettingsTable(t *testing.T) {
	const path, begin, end = "../docs/operations.md", "<!-- settings: written by make docs -->\n", "<!-- end of settings -->"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(b), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has lost its marks %q and %q", path, begin, end)
	}
	var want strings.Builder
	if err := Table(&want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want.String() {
		t.Errorf("%s does not tell the settings as they are; run make docs", path)
	}
}
