package main

import (
	"strings"
	"testing"
)

func TestBackupFilesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{`:                         "the backup is damaged",
		`{"form":2,"streams":[{}]}`: "is of form 2, which this version does not know",
		`{"form":1,"streams":[]}`:   "which this version does not know",
		`{"form":1,"streams":"x"}`:  "the backup is damaged",
		`{"form":9,"version":"\u001b[31m` + strings.Repeat("x", 99) + `","streams":[{}]}`: "is of form 9",
	} {
		if _, err := parseBackup("backup.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.ContainsRune(err.Error(), '\x1b') {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func FuzzParseBackup(f *testing.F) {
	f.Add([]byte(`{"form":1,"at":"2026-01-01T00:00:00Z","streams":[{"name":"EVENTS","config":{},"state":{"messages":1}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if b, err := parseBackup("backup.json", text); (b == nil) == (err == nil) {
			t.Fatal(b, err)
		}
	})
}
