package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/cmd/postrider/manifest"
	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport/porttest"
)

// Each block of each page that people would type is run by bash, in the page's
// order and in one shell, against the real program, in a folder and on ports of its
// own; or it is in docs_blocks_test.go with the reason why not. A block that is
// neither, or whose command fails, fails the test.
func TestTheBlocksInTheDocs(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	for _, page := range docsPages(t) {
		there[page] = true
		_, blocks := readPage(t, page)
		typed := typedBlocks(t, page, blocks)
		known := docsBlocks[page]
		if len(known.blocks) != len(typed) {
			t.Errorf("%s has %d blocks of commands, docs_blocks_test.go %d: run the new one, or say why not", page, len(typed), len(known.blocks))
			continue
		}
		runs := false
		for i, b := range typed {
			if how := known.blocks[i]; !strings.HasPrefix(b.text, how.first) || how.first == "" {
				t.Errorf("%s:%d: %q is not in docs_blocks_test.go (%q is, there)", page, b.line, b.firstLine(), how.first)
			} else {
				runs = runs || how.not == ""
			}
		}
		if runs && !t.Failed() {
			t.Run(filepath.Base(page), func(t *testing.T) { t.Parallel(); runPage(t, page, typed) })
		}
	}
	for page := range docsBlocks {
		if !there[page] {
			t.Errorf("docs_blocks_test.go has %s, which is not there", page)
		}
	}
}

// typedBlocks are those that are run; the others are checked at once.
func typedBlocks(t *testing.T, page string, blocks []docsBlock) (typed []docsBlock) {
	t.Helper()
	for _, b := range blocks {
		switch {
		case b.shell(), isManifest(&b):
			typed = append(typed, b)
		case b.language == "json":
			if !json.Valid([]byte(b.text)) {
				t.Errorf("%s:%d: this is no JSON", page, b.line)
			}
		case b.language == "yaml":
			checkSettings(t, page, &b)
		case b.language != "go" && b.language != "text": // TestTheGoInTheDocs
			t.Errorf("%s:%d: nothing checks a block of %q; say what it is, or text where it is none", page, b.line, b.language)
		}
	}
	return typed
}

func isManifest(b *docsBlock) bool {
	if b.language != "yaml" || !strings.HasPrefix(b.text, "kind:") {
		return false
	}
	_, err := manifest.Parse("block.yaml", []byte(b.text))
	return err == nil
}

// checkSettings: what a page shows of a settings file is taken by a node, but for
// files that are not there.
func checkSettings(t *testing.T, page string, b *docsBlock) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "postrider.yaml")
	if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(config.Sources{File: file})
	if err != nil && !strings.Contains(err.Error(), "no such file") {
		t.Errorf("%s:%d: %v", page, b.line, err)
	}
}

// prelude is what a page's script begins with. Its jobs have process groups of
// their own, which end with it.
const prelude = `set -euo pipefail
set -m
trap 'for job in $(jobs -p); do kill -- "-$job" 2>/dev/null || true; done; wait' EXIT
trap 'exit 1' TERM
curl() { command curl -fsS --max-time 60 "$@"; echo; }
await() { # what bash says, until it is true
	for try in $(seq 900); do
		if eval "$1" >/dev/null 2>&1; then return; fi
		command sleep 0.1
	done
	echo "waited in vain for: $1"; exit 1
}
ready() { await "command curl -fs $NODE/readyz"; }
`

// runPage makes one script of a page's blocks and runs it.
func runPage(t *testing.T, page string, blocks []docsBlock) {
	for _, tool := range []string{"bash", "curl", "jq", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not on this machine: the commands of %s are not run", tool, page)
		}
	}
	dir := t.TempDir()
	http, nats := porttest.Address(t), porttest.Address(t)
	places := strings.NewReplacer("@http", http, "@nats", nats, "@dir", dir, "@receiver2", porttest.Address(t), "@receiver", porttest.Address(t))
	known := docsBlocks[page]
	var script strings.Builder
	script.WriteString(prelude + places.Replace(known.setup) + "\n")
	for i, b := range blocks {
		if how := &known.blocks[i]; how.runs(t, page, &b) {
			fmt.Fprintf(&script, "echo '== %s:%d' >&2\n%s\n", page, b.line, places.Replace(how.script(i, &b)))
		}
	}
	bin := filepath.Join(dir, "bin")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string, mode os.FileMode) {
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(bin, "postrider"), "#!/bin/sh\n"+asPostrider+"=1 exec '"+self+"' \"$@\"\n", 0o700) //nolint:gosec // to be run
	write(filepath.Join(dir, "page.sh"), script.String(), 0o600)
	root, err := filepath.Abs(docsFolder)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "page.sh")
	cmd.Dir = dir
	cmd.Env = []string{endsAtOnce, "PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + os.TempDir(), "ROOT=" + root,
		"NODE=http://" + http, "POSTRIDER_HTTP_LISTEN=" + http, "POSTRIDER_NATS_LISTEN=" + nats, "POSTRIDER_LOG_FORMAT=text"}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // so that its jobs end too
	cmd.WaitDelay = 30 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		logs := ""
		if files, _ := filepath.Glob(filepath.Join(dir, "*.log")); len(files) > 0 {
			for _, file := range files {
				b, _ := os.ReadFile(file)
				logs += "\n== " + filepath.Base(file) + "\n" + string(b)
			}
		}
		t.Errorf("%s: %v\n%s%s", page, err, out, logs)
	}
}

// runs tells whether the block is run; what is missing for it is told.
func (how *docsRun) runs(t *testing.T, page string, b *docsBlock) bool {
	t.Helper()
	for _, tool := range how.needs {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("%s:%d is not run: %s is not on this machine", page, b.line, tool)
			return false
		}
	}
	return how.not == ""
}

// script is what bash runs of block number i.
func (how *docsRun) script(i int, b *docsBlock) string {
	text := b.text
	for at := 0; at+1 < len(how.edit); at += 2 {
		if !strings.Contains(text, how.edit[at]) {
			return fmt.Sprintf("echo 'the block has no %q to edit'; exit 1", how.edit[at])
		}
		text = strings.ReplaceAll(text, how.edit[at], how.edit[at+1])
	}
	log := fmt.Sprintf("block-%d.log", i)
	switch {
	case !b.shell():
		text = fmt.Sprintf("cat >block.%s <<'END OF BLOCK'\n%sEND OF BLOCK\n", b.language, text)
	case how.background:
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		last := len(lines) - 1
		lines[last] = regexp.MustCompile(` +#.*$`).ReplaceAllString(lines[last], "") + " >" + log + " 2>&1 &"
		text = strings.Join(lines, "\n") + "\n"
	case how.apart:
		text = "(\n" + text + ")\n"
	default: // as it would be typed; what it prints is in last.log
		text = "{\n" + text + "} >last.log\ncat last.log\n"
	}
	return how.before + "\n" + text + how.after
}

// The Go of the pages compiles, within a function that has what it speaks of.
func TestTheGoInTheDocs(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("go is not on this machine: the Go of the pages is not compiled")
	}
	dir, compiled := t.TempDir(), 0
	var files []string
	for _, page := range docsPages(t) {
		_, blocks := readPage(t, page)
		for _, b := range blocks {
			if b.language != "go" {
				continue
			}
			file := filepath.Join(dir, fmt.Sprintf("block%d.go", compiled))
			if err := os.WriteFile(file, []byte(compilable(page, &b, compiled)), 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
			compiled++
		}
	}
	if compiled < 3 {
		t.Errorf("only %d blocks of Go", compiled)
	}
	main := filepath.Join(dir, "main.go")
	if err := os.WriteFile(main, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"build", "-o", filepath.Join(dir, "blocks"), main}, files...)...)
	cmd.Dir = docsFolder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// compilable puts a block into a function; lines are numbered as in the page.
func compilable(page string, b *docsBlock, number int) string {
	text := strings.ReplaceAll(b.text, "{ … }", "{ panic(err) }")
	text = regexp.MustCompile(`(?m)^…$`).ReplaceAllString(text, "")
	imports := regexp.MustCompile(`(?m)^import "[^"]*"\n`).FindAllString(text, -1)
	for _, one := range imports {
		text = strings.Replace(text, one, "\n", 1)
	}
	for name, path := range map[string]string{"http.": "net/http", "io.": "io", "time.": "time", "context.": "context"} {
		if strings.Contains("(ctx context.Context, w http.ResponseWriter, r *http.Request)"+text, name) {
			imports = append(imports, fmt.Sprintf("import %q\n", path))
		}
	}
	parameters := "ctx context.Context, w http.ResponseWriter, r *http.Request, secret string, data []byte"
	if !strings.Contains(text, "body, err :=") {
		parameters += ", body []byte"
	}
	uses := "\n_ = err\n"
	if strings.Contains(text, "body, err :=") {
		uses += "_ = body\n"
	}
	return fmt.Sprintf("package main\n\n%s\nfunc block%d(%s) {\n//line %s:%d\n%s%s}\n\nvar _ = block%d\n",
		strings.Join(imports, ""), number, parameters, page, b.line+1, text, uses, number)
}
