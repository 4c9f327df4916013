package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write dist anew")

const (
	// maxFirst bounds the script that the first view needs, gzipped; maxAll all
	// that there is, gzipped.
	maxFirst = 60 << 10
	maxAll   = 300 << 10
)

// vendored are the packages that the source imports by name, and their files.
var vendored = map[string]string{
	"preact": "preact.mjs", "preact/hooks": "preact-hooks.mjs", "preact/jsx-runtime": "preact-jsx-runtime.mjs",
	"@preact/signals": "signals.mjs", "@preact/signals-core": "signals-core.mjs", "preact-iso": "preact-iso-router.mjs",
}

// bundle makes dist's files from src.
func bundle(t *testing.T) (files map[string][]byte, first []string) {
	t.Helper()
	out := t.TempDir()
	args := []string{"tool", "esbuild", "src/main.tsx", "--bundle", "--splitting", "--format=esm", "--minify", "--target=es2022", "--charset=utf8",
		"--jsx=automatic", "--jsx-import-source=preact", "--entry-names=assets/[name]-[hash]", "--chunk-names=assets/[name]-[hash]",
		"--legal-comments=none", "--log-level=warning", "--outdir=" + out, "--metafile=" + filepath.Join(out, "meta.json")}
	for name, file := range vendored {
		args = append(args, "--alias:"+name+"=./src/vendor/"+file)
	}
	slices.Sort(args[2:])
	if text, err := exec.Command("go", args...).CombinedOutput(); err != nil || len(text) > 0 {
		t.Fatalf("esbuild: %v\n%s", err, text)
	}
	var meta struct {
		Outputs map[string]struct {
			EntryPoint string `json:"entryPoint"`
			CSSBundle  string `json:"cssBundle"`
			Imports    []struct{ Path, Kind string }
		}
	}
	raw, err := os.ReadFile(filepath.Join(out, "meta.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &meta); err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{}
	script, style := "", ""
	for name, o := range meta.Outputs {
		file := name[strings.Index(name, "assets/"):]
		if files[file], err = os.ReadFile(filepath.Join(out, filepath.FromSlash(file))); err != nil {
			t.Fatal(err)
		}
		if o.EntryPoint == "src/main.tsx" {
			script, style = file, o.CSSBundle[strings.Index(o.CSSBundle, "assets/"):]
			for _, i := range o.Imports {
				if i.Kind == "import-statement" {
					first = append(first, i.Path[strings.Index(i.Path, "assets/"):])
				}
			}
		}
	}
	index, err := os.ReadFile("src/index.html")
	if err != nil {
		t.Fatal(err)
	}
	files["index.html"] = []byte(strings.NewReplacer("main.tsx", script, "style.css", style).Replace(string(index)))
	files["licenses.txt"] = licences(t)
	return files, append(first, script)
}

// licences are those of what is bundled.
func licences(t *testing.T) []byte {
	t.Helper()
	names, err := filepath.Glob("src/vendor/*.LICENSE")
	if err != nil || len(names) == 0 {
		t.Fatal("no licences", err)
	}
	slices.Sort(names)
	var all bytes.Buffer
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s\n\n%s\n\n", strings.TrimSuffix(filepath.Base(name), ".LICENSE"), bytes.TrimSpace(text))
	}
	return all.Bytes()
}

// What is embedded is what the source makes, to the byte.
func TestDistIsMadeFromSource(t *testing.T) {
	want, first := bundle(t)
	if *update {
		if err := os.RemoveAll("dist"); err != nil {
			t.Fatal(err)
		}
		for name, content := range want {
			path := filepath.Join("dist", filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := map[string][]byte{}
	err := fs.WalkDir(os.DirFS("dist"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		got[name], err = os.ReadFile(filepath.Join("dist", filepath.FromSlash(name)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("dist is not what src makes: run make page\n got %v\nwant %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	atFirst, all := 0, 0
	for name, content := range want {
		if strings.HasPrefix(name, "assets/") {
			all += len(packed(content))
		}
		if slices.Contains(first, name) {
			atFirst += len(packed(content))
		}
	}
	t.Logf("script at first %d bytes, all %d bytes, gzipped", atFirst, all)
	if atFirst > maxFirst || all > maxAll {
		t.Errorf("script at first %d bytes (most %d), all %d bytes (most %d), gzipped", atFirst, maxFirst, all, maxAll)
	}
}

func TestVendoredFilesAreAsPublished(t *testing.T) {
	sums, err := os.ReadFile("src/vendor/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{"README.md": true, "SHA256SUMS": true}
	for line := range strings.Lines(string(sums)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		content, err := os.ReadFile(filepath.Join("src/vendor", name))
		if err != nil || fmt.Sprintf("%x", sha256.Sum256(content)) != sum {
			t.Errorf("%s: %v, or another content", name, err)
		}
		listed[name] = true
	}
	files, err := os.ReadDir("src/vendor")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !listed[f.Name()] {
			t.Errorf("%s is not listed", f.Name())
		}
	}
}
