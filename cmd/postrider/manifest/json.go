package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	yaml "go.yaml.in/yaml/v3"
)

// jsonReader makes of JSON the nodes that YAML has, with their lines, so that
// both are read by the same rules.
type jsonReader struct {
	*json.Decoder
	content []byte
	line    int
	at      int64
}

func readJSON(file string, content []byte) ([]*yaml.Node, error) {
	r := &jsonReader{Decoder: json.NewDecoder(bytes.NewReader(content)), content: content, line: 1}
	r.UseNumber()
	var nodes []*yaml.Node
	for {
		n, err := r.next(0)
		if errors.Is(err, io.EOF) {
			return nodes, nil
		}
		if err != nil {
			return nil, &Error{File: file, Document: len(nodes) + 1, Line: r.lineNow(), Message: "not JSON: " + jsonFault(err)}
		}
		if nodes = append(nodes, n); len(nodes) > MaxDocuments {
			return nil, tooMany(file)
		}
	}
}

var errDeep = fmt.Errorf("nested more than %d deep", maxDepth)

// jsonFault tells what is broken, and nothing of what the file holds.
func jsonFault(err error) string {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errDeep):
		return err.Error()
	case errors.As(err, &syntax):
		return fmt.Sprintf("syntax error at byte %d", syntax.Offset)
	}
	return "it ends too early"
}

func (r *jsonReader) lineNow() int {
	at := r.InputOffset()
	r.line += bytes.Count(r.content[r.at:at], []byte("\n"))
	r.at = at
	return r.line
}

// next reads one value. io.EOF: there is none any more, at depth 0 alone.
func (r *jsonReader) next(depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	token, err := r.Token()
	if err != nil {
		if depth > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.lineNow()}
	switch v := token.(type) {
	case json.Delim:
		n.Kind = yaml.SequenceNode
		if v == '{' {
			n.Kind = yaml.MappingNode
		}
		for r.More() {
			inner, err := r.next(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, inner)
		}
		_, err = r.Token()
	case string:
		n.Tag, n.Value = "!!str", v
	case json.Number:
		n.Tag, n.Value = "!!float", v.String()
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(v)
	default:
		n.Tag = "!!null"
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
