package catalogue

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/event-types.md and docs/asyncapi.json anew")

// TestDocs keeps the documents that are made from the catalogue true.
func TestDocs(t *testing.T) {
	for file, want := range map[string][]byte{
		"../../../docs/event-types.md": markdown(t),
		"../../../docs/asyncapi.json":  AsyncAPI(),
	} {
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s does not tell the catalogue as it is; run make docs", file)
		}
	}
}

const intro = `# Event types

The types that Postrider knows, with what each means and a sample. This page is made from the catalogue (` + "`make docs`" + `), which also answers:

- ` + "`postrider event-types [TYPE]`, `postrider event-types 'audit.*.created' -o json`" + `
- ` + "`GET /v1/event-types?category=door&q=forced`" + `, with a JSON Schema of each
- ` + "[asyncapi.json](asyncapi.json), `GET /asyncapi.json`" + `: the same as an AsyncAPI 3 document, subjects and bodies included

A type that is not here is delivered all the same: the catalogue describes, it refuses nothing. Any resource may stand in ` + "`audit.<resource>.<action>`" + `.

Access control events come in one envelope whatever the hardware: the fields of Genea's sample, of Genea's newer payloads, and ` + "`hardware`" + ` (` + "`vertx` or `mercury`" + `), which is not delivered. What receivers get of it is told in [receivers.md](receivers.md#genea-bodies). The names of the types are Postrider's; an ` + "`event_action`" + ` marked *ours* is Postrider's too, as Genea's own is not public.

`

func markdown(t *testing.T) []byte {
	var b bytes.Buffer
	b.WriteString(intro)
	for _, category := range Categories() {
		fmt.Fprintf(&b, "## %s\n\n| type | event_action | what happened |\n|---|---|---|\n", category)
		list := Search(category, "")
		for _, e := range list {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.Type, actions(e), e.Description)
		}
		fmt.Fprintf(&b, "\n`%s`:\n\n```json\n%s\n```\n\n", list[0].Type, indented(t, list[0].Sample))
	}
	return append(bytes.TrimSpace(b.Bytes()), '\n')
}

func actions(e Entry) string {
	if len(e.Actions) == 0 {
		return ""
	}
	text := "`" + strings.Join(e.Actions, "`, `") + "`"
	if e.Ours {
		text += " *ours*"
	}
	return text
}

func indented(t *testing.T, raw []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestAsyncAPIHoldsTogether: every reference leads somewhere, every type is
// there, and examples fit their payloads.
func TestAsyncAPIHoldsTogether(t *testing.T) {
	root := parsed(t, AsyncAPI()).(map[string]any)
	if root["asyncapi"] != "3.0.0" {
		t.Errorf("asyncapi %v", root["asyncapi"])
	}
	references := 0
	walk(root, func(node map[string]any) {
		target, is := node["$ref"].(string)
		if !is {
			return
		}
		references++
		if resolved(root, target) == nil {
			t.Errorf("%s leads nowhere", target)
		}
	})
	if references < 2*len(All()) {
		t.Errorf("%d references only", references)
	}
	messages := resolved(root, "#/components/messages").(map[string]any)
	for _, e := range All() {
		if _, there := messages[e.Type]; !there && e.Type != "alert.test" {
			t.Errorf("%s is not there", e.Type)
		}
	}
	schemaAt := schemasOf(t, AsyncAPI())
	for name, m := range messages {
		s := schemaAt("/components/messages/" + name + "/payload")
		examples, _ := m.(map[string]any)["examples"].([]any) // deliveries have none
		for _, example := range examples {
			if err := s.Validate(example.(map[string]any)["payload"]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, inner := range v {
			walk(inner, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, visit)
		}
	}
}

// resolved follows #/a/b from root; nil where there is nothing.
func resolved(root any, target string) any {
	for name := range strings.SplitSeq(strings.TrimPrefix(target, "#/"), "/") {
		object, is := root.(map[string]any)
		if !is {
			return nil
		}
		root = object[name]
	}
	return root
}
