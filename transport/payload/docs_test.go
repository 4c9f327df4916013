package payload

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/transport"
)

// guide runs the examples of docs/templates.md, each of which follows a comment
// that says what it is.
type guide struct {
	t     *testing.T
	event *transport.Event
	body  *transport.Endpoint
	ran   map[string]int
}

func TestTheExamplesOfTheDocs(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "templates.md"))
	if err != nil {
		t.Fatal(err)
	}
	g := &guide{t: t, ran: map[string]int{}}
	parts := strings.Split(string(raw), "<!-- ")
	for _, part := range parts[1:] {
		kind, text, _ := strings.Cut(part, " -->")
		g.run(strings.Fields(kind), text)
	}
	for kind, least := range map[string]int{"event": 1, "filters": 12, "body": 5, "gives": 5, "headers": 4, "refused": 3, "unrenderable": 2} {
		if g.ran[kind] < least {
			t.Errorf("%d examples of %s", g.ran[kind], kind)
		}
	}
}

func (g *guide) run(kind []string, text string) {
	each := map[string]func(example, want string){"filters": g.filter, "headers": g.header, "refused": g.refused, "unrenderable": g.unrenderable}[kind[0]]
	if each != nil {
		for example, want := range rowsOf(text) {
			each(example, want)
			g.ran[kind[0]]++
		}
		return
	}
	block := strings.Split(text, "```")
	if len(block) < 2 {
		g.t.Fatalf("no block after %s", kind)
	}
	doc := strings.TrimPrefix(block[1], "json\n")
	g.ran[kind[0]]++
	switch kind[0] {
	case "event":
		g.event = event(doc)
		g.event.Time = time.Date(2026, 11, 21, 18, 6, 7, 0, time.UTC)
	case "body":
		g.body = withBody(doc)
		if len(kind) > 1 {
			g.body.Profile, g.body.BodyMode = kind[1], kind[2]
		}
	case "gives":
		g.gives(doc)
	default:
		g.t.Errorf("what is %s?", kind)
	}
}

// rowsOf are the rows of the table that text begins with: `code` | text.
func rowsOf(text string) map[string]string {
	rows := map[string]string{}
	for line := range strings.Lines(strings.TrimLeft(text, "\n")) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.SplitN(strings.Trim(strings.TrimSpace(line), "| "), " | ", 2)
		if code := strings.TrimSpace(cells[0]); len(cells) == 2 && strings.HasPrefix(code, "`") {
			rows[strings.Trim(code, "`")] = strings.TrimSpace(cells[1])
		}
	}
	return rows
}

func (g *guide) filter(source, want string) {
	f, err := NewFilter(source)
	if err != nil {
		g.t.Errorf("%s: %v", source, err)
		return
	}
	got, err := f.Match(NewView(g.event))
	switch {
	case err != nil && want != "no match: "+err.Error(), err == nil && want != map[bool]string{true: "true", false: "false"}[got]:
		g.t.Errorf("%s: %v, %v; want %s", source, got, err, want)
	}
}

func (g *guide) gives(want string) {
	if err := Check(g.body); err != nil {
		g.t.Errorf("%s: %v", g.body.Body, err)
	}
	got, err := renderBody(g.body, g.event)
	if err != nil {
		g.t.Errorf("%s: %v", g.body.Body, err)
		return
	}
	var is, ought any
	if err := json.Unmarshal([]byte(want), &ought); err != nil {
		g.t.Fatal(err)
	}
	if err := json.Unmarshal(got, &is); err != nil || !reflect.DeepEqual(is, ought) {
		g.t.Errorf("%s\ngives %s, not %s", g.body.Body, got, want)
	}
}

func (g *guide) header(value, want string) {
	ep := endpoint("custom", "", "")
	ep.Headers = map[string]string{"X-A": value}
	r, err := New(ep)
	if err != nil {
		g.t.Errorf("%s: %v", value, err)
		return
	}
	_, changing, err := r.Render(g.event)
	got := changing.Get("X-A") + r.FixedHeaders()["X-A"]
	if err != nil || "`"+got+"`" != want {
		g.t.Errorf("%s gives %q, %v", value, got, err)
	}
}

func (g *guide) refused(body, want string) {
	if err := Check(withBody(body)); err == nil || err.Error() != want {
		g.t.Errorf("%s: %v; want %s", body, err, want)
	}
}

func (g *guide) unrenderable(body, want string) {
	if _, err := renderBody(withBody(body), g.event); err == nil || err.Error() != want {
		g.t.Errorf("%s: %v; want %s", body, err, want)
	}
}
