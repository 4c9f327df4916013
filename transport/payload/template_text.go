package payload

import (
	"strings"
	"unicode/utf8"
)

// segment is a piece of a text: literal, or the source of an expression with
// the place in the text where it begins (line and column, from 1).
type segment struct {
	literal      string
	source       string
	expression   bool
	line, column int
}

// split takes a text apart at its ${…}. $${ stands for ${ itself. A } within a
// string, a comment or brackets of the expression does not end it.
func split(text string) ([]segment, *fault) {
	var segments []segment
	var literal strings.Builder
	line, column := 1, 1
	pass := func(s string) {
		for _, c := range s {
			if column++; c == '\n' {
				line, column = line+1, 1
			}
		}
	}
	for len(text) > 0 {
		i := strings.Index(text, "${")
		if i < 0 {
			break
		}
		if i > 0 && text[i-1] == '$' {
			literal.WriteString(text[:i-1] + "${")
			pass(text[:i+2])
			text = text[i+2:]
			continue
		}
		literal.WriteString(text[:i])
		pass(text[:i])
		end := closing(text[i+2:])
		if end < 0 {
			return nil, &fault{line: line, column: column, message: "${ without its }; write $${ for a plain ${"}
		}
		if literal.Len() > 0 {
			segments = append(segments, segment{literal: literal.String()})
			literal.Reset()
		}
		pass("${")
		source := text[i+2 : i+2+end]
		segments = append(segments, segment{source: source, expression: true, line: line, column: column})
		pass(source + "}")
		text = text[i+2+end+1:]
	}
	literal.WriteString(text)
	if literal.Len() > 0 {
		segments = append(segments, segment{literal: literal.String()})
	}
	return segments, nil
}

// closing gives where the } is that ends the expression that begins text, -1
// where there is none.
func closing(text string) int {
	depth := 0
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return i
			}
			depth--
		case '/':
			if strings.HasPrefix(text[i:], "//") {
				if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
					i += n
				} else {
					return -1
				}
			}
		case '"', '\'':
			raw := i > 0 && (text[i-1] == 'r' || text[i-1] == 'R')
			i = behindString(text, i, raw)
			continue
		}
		_, n := utf8.DecodeRuneInString(text[i:])
		i += n
	}
	return -1
}

// behindString gives the place behind the CEL string that begins at i.
func behindString(text string, i int, raw bool) int {
	quote := text[i : i+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(text[i:], triple) {
		quote = triple
	}
	for i += len(quote); i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], quote):
			return i + len(quote)
		case text[i] == '\\' && !raw:
			i++
		}
	}
	return len(text)
}
