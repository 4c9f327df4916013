package diagnosis

import (
	"bytes"
	"encoding/json"
	"iter"
	"strings"
)

// maxRewritten is the largest body, in bytes, of which other forms are tried.
const maxRewritten = 8 << 20

// form is another way in which a body may have been written when it was signed.
type form struct {
	body  []byte
	cause Cause
}

const rawBytes = "verify over the raw bytes as received, before anything parses or writes them"

// bodies are the other forms of body that may have been signed, those told
// apart by single bytes first.
func bodies(body []byte) iter.Seq[form] {
	return func(yield func(form) bool) {
		if len(body) > maxRewritten || len(body) == 0 {
			return
		}
		for f := range textForms(body) {
			if !bytes.Equal(f.body, body) && !yield(f) {
				return
			}
		}
		for f := range jsonForms(body) {
			if !bytes.Equal(f.body, body) && !yield(f) {
				return
			}
			f.body = append(f.body, '\n')
			f.cause.What += ", and a line end"
			if !bytes.Equal(f.body, body) && !yield(f) {
				return
			}
		}
	}
}

var bom = []byte("\ufeff")

func textForms(body []byte) iter.Seq[form] {
	unix := bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))
	return func(yield func(form) bool) {
		all := []struct {
			code Code
			make func() []byte
			what string
		}{
			{"body_line_end", func() []byte { return bytes.TrimRight(body, "\r\n") }, "the body given has a line end at its end that was not signed"},
			{"body_line_end", func() []byte { return joined(body, "\n") }, "the body was signed with a line end at its end, which the one given lacks"},
			{"body_line_end", func() []byte { return joined(body, "\r\n") }, "the body was signed with a Windows line end at its end, which the one given lacks"},
			{"body_crlf", func() []byte { return unix }, "the body given has Windows line ends (CRLF) where those that were signed are LF"},
			{"body_crlf", func() []byte { return bytes.ReplaceAll(unix, []byte("\n"), []byte("\r\n")) }, "the body given has line ends LF where those that were signed are Windows' (CRLF)"},
			{"body_crlf", func() []byte { return bytes.TrimRight(unix, "\n") }, "the body given has Windows line ends (CRLF), and one at its end, that were not signed"},
			{"body_bom", func() []byte { return bytes.TrimPrefix(body, bom) }, "the body given begins with a byte order mark that was not signed"},
			{"body_bom", func() []byte { return append(bytes.Clone(bom), body...) }, "the body was signed with a byte order mark, which the one given lacks"},
			{"body_blanks", func() []byte { return bytes.TrimSpace(body) }, "the body given has blanks at its ends that were not signed"},
			{"body_base64", func() []byte { return unwrapped(body) }, "the body given is base64 of the one that was signed"},
			{"body_string", func() []byte { return unquoted(body) }, "the body given is a JSON string that holds the one that was signed"},
		}
		for _, f := range all {
			if b := f.make(); b != nil && !yield(form{b, Cause{f.code, f.what, rawBytes}}) {
				return
			}
		}
	}
}

func joined(body []byte, end string) []byte { return append(bytes.Clone(body), end...) }

func unwrapped(body []byte) []byte {
	b, err := readBase64(strings.TrimSpace(string(body)))
	if err != nil {
		return nil
	}
	return b
}

func unquoted(body []byte) []byte {
	var s string
	if json.Unmarshal(body, &s) != nil {
		return nil
	}
	return []byte(s)
}

// jsonForms are body written again as JSON, in the ways that are usual.
func jsonForms(body []byte) iter.Seq[form] {
	return func(yield func(form) bool) {
		doc, err := parse(bytes.TrimPrefix(body, bom))
		if err != nil {
			return
		}
		for _, s := range styles {
			f := form{doc.write(nil, &s.style), Cause{"body_rewritten", "the body given was parsed and written again: signed was its form " + s.name, rawBytes}}
			if !yield(f) {
				return
			}
		}
	}
}

// styles are how libraries write JSON.
var styles = []struct {
	name  string
	style style
}{
	{"without blanks", style{}},
	{"as JSON.stringify writes it", style{numbers: true, indexes: true}},
	{"without blanks and with sorted keys", style{sorted: true}},
	{"as Go's encoding/json writes it", style{html: true}},
	{"as Go's encoding/json writes a map", style{html: true, sorted: true}},
	{"as Python's json.dumps writes it", style{blanks: true, ascii: true}},
	{"as Python's json.dumps writes it with ensure_ascii=False", style{blanks: true}},
	{"as Python's json.dumps writes it with sort_keys=True", style{blanks: true, ascii: true, sorted: true}},
	{"without blanks, with \\u escapes for what is not ASCII", style{ascii: true}},
	{"as PHP's json_encode writes it", style{ascii: true, slashes: true}},
	{"indented by two blanks", style{indent: "  "}},
	{"indented by two blanks and with sorted keys", style{indent: "  ", sorted: true}},
	{"indented by four blanks", style{indent: "    "}},
	{"indented by tabs", style{indent: "\t"}},
}
