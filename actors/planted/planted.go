// Package planted plants faults in the code that ships, for tests that a model
// sees them: what is proved is then what ships. It is for tests, and may import
// the standard library alone.
package planted

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Run runs `go test` on a package ("./actors/sim") with good replaced by bad in
// one file, both named from the module's root, and gives what it printed. The
// tests have to fail.
func Run(t *testing.T, file, good, bad, pkg string, args ...string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, filepath.FromSlash(file))
	code, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(code), good); n != 1 {
		t.Fatalf("%q is %d times in %s: plant the fault where its code is now", good, n, file)
	}
	dir := t.TempDir()
	replaced, overlay := filepath.Join(dir, "planted.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(replaced, []byte(strings.Replace(string(code), good, bad, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{path: replaced}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "go", append([]string{"test", "-count=1", "-overlay", overlay, pkg}, args...)...)
	c.Dir = root
	out, err := c.CombinedOutput()
	if err == nil {
		t.Fatalf("the tests of %s pass with the fault in %s", pkg, file)
	}
	return string(out)
}
