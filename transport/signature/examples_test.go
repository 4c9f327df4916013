package signature_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

const examples = "../../docs/examples"

// language is a receiver's example: the tool it needs, and the command that
// runs it, made ready once.
type language struct {
	name, tool string
	command    func(t *testing.T) []string
}

func script(file string) func(*testing.T) []string {
	return func(*testing.T) []string { return []string{filepath.Join(examples, file)} }
}

var languages = []language{
	{"go", "go", func(t *testing.T) []string {
		out := filepath.Join(t.TempDir(), "verify.exe")
		prepare(t, "go", "build", "-o", out, filepath.Join(examples, "go", "verify.go"))
		return []string{out}
	}},
	{"node", "node", script("verify.mjs")},
	{"python", "python3", script("verify.py")},
	{"ruby", "ruby", script("verify.rb")},
	{"php", "php", script("verify.php")},
	{"java", "javac", func(t *testing.T) []string {
		out := t.TempDir()
		prepare(t, "javac", "-d", out, filepath.Join(examples, "Verify.java"))
		return []string{"-XX:TieredStopAtLevel=1", "-cp", out, "Verify"}
	}},
}

func prepare(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// commandLine is the whole command; Go's example is its own program.
func (l language) commandLine(t *testing.T) []string {
	switch rest := l.command(t); l.name {
	case "go":
		return rest
	case "java":
		return append([]string{"java"}, rest...)
	default:
		return append([]string{l.tool}, rest...)
	}
}

// exampleCase is one call of an example.
type exampleCase struct {
	name    string
	args    []string
	body    string
	genuine bool
}

// exampleBody is one that every shortcut gets wrong: blanks, 1.0, escapes that
// JSON writers drop, a number above 2^53, text outside ASCII, bytes that are
// no UTF-8, a line end in the Windows way and one at the end.
const exampleBody = "{ \"a\":1.0,\r\n \"b\":\"\\u0026 \\u2028 Zürich \xff\", \"c\":9007199254740993}\n"

func exampleCases(t *testing.T) []exampleCase {
	now := time.Now()
	value := func(scheme, secret, header string, at time.Time) string {
		return signed(t, signature.Config{Scheme: scheme}, secret, vectorID, at, []byte(exampleBody)).Get(header)
	}
	sequr := value("sequr", plainSecret, "X-Sequr-Signature", now)
	genlogs := value("genlogs", plainSecret, "X-GenLogs-Signature", now)
	standard := func(at time.Time) []string {
		return []string{"standard", standardSecret, value("standard", standardSecret, "webhook-signature", at), vectorID, strconv.FormatInt(at.Unix(), 10)}
	}
	rotated := standard(now)
	rotated[2] = value("standard", signature.NewSecret("standard"), "webhook-signature", now) + " " + rotated[2]
	raw := standard(now)
	raw[1], raw[2] = plainSecret, value("standard", plainSecret, "webhook-signature", now)
	otherID := standard(now)
	otherID[3] = "msg_other"
	otherTime := standard(now)
	otherTime[4] = strconv.FormatInt(now.Unix()+1, 10)
	tampered := strings.Replace(exampleBody, "1.0", "1.1", 1)

	return []exampleCase{
		{"sequr", []string{"sequr", plainSecret, sequr}, exampleBody, true},
		{"sequr, tampered body", []string{"sequr", plainSecret, sequr}, tampered, false},
		{"sequr, wrong secret", []string{"sequr", otherSecret, sequr}, exampleBody, false},
		{"sequr, no header", []string{"sequr", plainSecret, ""}, exampleBody, false},
		{"genlogs", []string{"genlogs", plainSecret, genlogs}, exampleBody, true},
		{"genlogs, without prefix", []string{"genlogs", plainSecret, strings.TrimPrefix(genlogs, "sha512=")}, exampleBody, true},
		{"genlogs, tampered body", []string{"genlogs", plainSecret, genlogs}, tampered, false},
		{"genlogs, no header", []string{"genlogs", plainSecret, ""}, exampleBody, false},
		{"standard", standard(now), exampleBody, true},
		{"standard, second of two signatures", rotated, exampleBody, true},
		{"standard, secret as it is", raw, exampleBody, true},
		{"standard, tampered body", standard(now), tampered, false},
		{"standard, another id", otherID, exampleBody, false},
		{"standard, another timestamp", otherTime, exampleBody, false},
		{"standard, too old", standard(now.Add(-6 * time.Minute)), exampleBody, false},
		// far ahead: a busy machine may take minutes to come to it
		{"standard, too new", standard(now.Add(24 * time.Hour)), exampleBody, false},
		{"standard, no timestamp", append(standard(now)[:4], ""), exampleBody, false},
	}
}

// The examples of docs/receivers.md do what the document says, in every
// language that this machine has.
func TestReceiverExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("starts other languages' programs: left out with -short")
	}
	ran := 0
	for _, l := range languages {
		t.Run(l.name, func(t *testing.T) {
			if _, err := exec.LookPath(l.tool); err != nil {
				t.Skipf("%s is not installed here, so its example was not run", l.tool)
			}
			command := l.commandLine(t)
			for _, c := range exampleCases(t) {
				runExample(t, command, c)
			}
			ran++
		})
	}
	if ran == 0 {
		t.Error("no example ran: install go, node, python3, ruby, php or a JDK")
	}
}

func runExample(t *testing.T, command []string, c exampleCase) {
	t.Helper()
	cmd := exec.Command(command[0], append(command[1:len(command):len(command)], c.args...)...)
	cmd.Stdin = strings.NewReader(c.body)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	want, wantText := 1, "not genuine"
	if c.genuine {
		want, wantText = 0, "genuine"
	}
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", c.name, err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want || strings.TrimSpace(output.String()) != wantText {
		t.Errorf("%s: exit %d and %q, want %d and %q", c.name, got, output.String(), want, wantText)
	}
}

// The document shows the files as they are, by their names.
func TestDocumentNamesEveryExample(t *testing.T) {
	doc, err := os.ReadFile("../../docs/receivers.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"go/verify.go", "verify.mjs", "verify.py", "verify.rb", "verify.php", "Verify.java"} {
		if !strings.Contains(string(doc), "examples/"+file) {
			t.Errorf("docs/receivers.md does not name examples/%s", file)
		}
		if _, err := os.Stat(filepath.Join(examples, filepath.FromSlash(file))); err != nil {
			t.Error(err)
		}
	}
}
