package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestTheNullDeviceIsNotAsked(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), []string{"endpoint", "add"}, nil, null, &stdout, &stderr)
	if code != exitUsage || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), "needs --url") {
		t.Errorf("exit %d, %s", code, stderr.String())
	}
}

// An answer takes its line and nothing of the next.
func TestReadAnswer(t *testing.T) {
	r := strings.NewReader("  one \r\n\ntwo")
	for _, want := range []string{"one", "", "two"} {
		if got, err := readAnswer(r); got != want || err != nil {
			t.Errorf("%q %v, want %q", got, err, want)
		}
	}
	if _, err := readAnswer(r); !errors.Is(err, errNoAnswer) {
		t.Errorf("at the end: %v", err)
	}
	if _, err := readAnswer(io.LimitReader(endless{}, 1<<20)); err == nil {
		t.Error("an endless answer is read")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
