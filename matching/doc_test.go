package matching

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the table of misreads in docs/matching.md anew")

const page = "../docs/matching.md"

// rows are the rows of all tables of docs/matching.md with these headings.
func rows(t *testing.T, heading string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	within := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == heading:
			within = true
		case !strings.HasPrefix(line, "|"):
			within = false
		case within && !strings.HasPrefix(line, "|---"):
			cells := strings.Split(strings.Trim(line, "|"), " | ")
			for i := range cells {
				cells[i] = strings.Trim(cells[i], " `")
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

// alertOf is an alert with the defaults and what the document says.
func alertOf(doc string) (*Alert, error) {
	a := NewAlert()
	a.ID, a.AlertName, a.Email = "456e7890-e12b-34d5-a678-426614174111", "an alert", "alerts@example.com"
	given := json.NewDecoder(strings.NewReader(doc))
	given.DisallowUnknownFields()
	if err := given.Decode(&a); err != nil {
		return nil, err
	}
	return &a, a.Validate()
}

func detectionOf(t *testing.T, doc string) *Detection {
	t.Helper()
	var d Detection
	if err := d.Decode([]byte(doc), time.Date(2024, 5, 21, 12, 0, 0, 0, time.UTC)); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return &d
}

func TestDocumentedMatches(t *testing.T) {
	examples := rows(t, "| alert | detection | match |")
	if len(examples) < 80 {
		t.Fatalf("only %d examples found in %s", len(examples), page)
	}
	for _, row := range examples {
		a, err := alertOf(row[0])
		if err != nil {
			t.Errorf("%s: %v", row[0], err)
			continue
		}
		d := detectionOf(t, row[1])
		x := NewIndex()
		if err := x.Put(a); err != nil {
			t.Fatal(err)
		}
		var p Probe
		p.Load(d)
		said := "no"
		for _, hit := range x.Match(nil, &p, nil) {
			said = "yes"
			if hit.DeepSearch != "" {
				said += ": " + hit.DeepSearch
			}
		}
		if said != row[2] {
			t.Errorf("%s with %s: %s, documented: %s", row[0], row[1], said, row[2])
		}
	}
}

func TestDocumentedRefusals(t *testing.T) {
	examples := rows(t, "| alert | refused |")
	if len(examples) < 25 {
		t.Fatalf("only %d examples found in %s", len(examples), page)
	}
	for _, row := range examples {
		_, err := alertOf(row[0])
		field, words, refused := strings.Cut(row[1], ": ")
		if !refused {
			if err != nil {
				t.Errorf("%s: %v, documented as saved", row[0], err)
			}
			continue
		}
		var wrong *FieldError
		if !errors.As(err, &wrong) || wrong.Field != field || !strings.Contains(wrong.Message, words) {
			t.Errorf("%s: %v, documented: %s", row[0], err, row[1])
		}
	}
}
