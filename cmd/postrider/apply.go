package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/cmd/postrider/manifest"
)

// maxReference bounds a file that a manifest refers to: a secret, a header's
// value, a certificate.
const maxReference = 64 << 10

type applyFlags struct {
	files              []string
	yes, dryRun, prune bool
}

func (a *app) applyCommand() *cobra.Command {
	var how applyFlags
	c := &cobra.Command{
		Use:   "apply -f FILE...",
		Short: "Make endpoints, alerts and customers be as files say",
		Long: `Reads documents of the kinds endpoint, alert and customer (YAML or JSON, as
export writes them), shows what would change, asks, and applies it. A thing is
known by its id, else by customer and name; what a document leaves out gets its
default; what no document names stays, unless --prune is given.

Secrets, and header values that are secret, stand in the files by reference:
{env: NAME} or {file: PATH}, a path being relative to the document's folder. An
endpoint that is there keeps a value whose variable is not set.`,
		Example: `  postrider apply -f acme.yaml
  postrider apply -f customers/ -f alerts.json --yes
  postrider export --customer acme | postrider apply -f - --dry-run
  postrider apply -f acme.yaml --prune`,
		Args: arguments("[FILE...]"),
		RunE: func(c *cobra.Command, args []string) error {
			how.files = append(how.files, args...)
			if len(how.files) == 0 {
				return usagef("postrider apply needs -f FILE; see postrider apply --help")
			}
			if !how.yes && !how.dryRun && (!isTerminalInput(a.stdin) || slices.Contains(how.files, "-")) {
				return usagef("postrider apply asks before it changes anything, and nobody can answer here; give --yes, or --dry-run to look only")
			}
			docs, err := a.readManifests(how.files)
			if err != nil {
				return err
			}
			return a.apply(c.Context(), docs, &how)
		},
	}
	f := c.Flags()
	f.StringArrayVarP(&how.files, "file", "f", nil, "file or folder of documents, - for stdin; repeatable")
	f.BoolVarP(&how.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&how.dryRun, "dry-run", false, "show what would change, and change nothing")
	f.BoolVar(&how.prune, "prune", false, "remove what the documents do not name: of a customer whose own document is there all endpoints and alerts, of others those of the kinds that are there")
	return c
}

// readManifests reads the documents of all files, in their order.
func (a *app) readManifests(names []string) ([]*manifest.Document, error) {
	var all []*manifest.Document
	for _, name := range names {
		files, err := manifestFiles(name)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			content, err := a.readFile(file, manifest.MaxFile)
			if err != nil {
				return nil, fmt.Errorf("-f: %w", err)
			}
			shown := file
			if file == "-" {
				shown = "stdin"
			}
			docs, err := manifest.Parse(shown, content)
			if err != nil {
				return nil, err
			}
			all = append(all, docs...)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no document in %s; postrider export writes some", strings.Join(names, ", "))
	}
	return all, nil
}

// manifestFiles are the files that a name stands for: itself, or of a folder
// those that end in .yaml, .yml or .json, not deeper.
func manifestFiles(name string) ([]string, error) {
	if name == "-" {
		return []string{name}, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, usagef("-f: %s", err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, fmt.Errorf("-f: %w", err)
	}
	var files []string
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".yaml", ".yml", ".json":
			if !e.IsDir() {
				files = append(files, filepath.Join(name, e.Name()))
			}
		}
	}
	return files, nil
}

// referred gives the value of a reference in one of d's fields.
func (a *app) referred(d *manifest.Document) func(manifest.Reference) (string, error) {
	return func(r manifest.Reference) (string, error) {
		if r.Env != "" {
			if value := a.getenv(r.Env); value != "" {
				return value, nil
			}
			return "", manifest.ErrUnset
		}
		file := r.File
		if !filepath.IsAbs(file) && d.File != "stdin" {
			file = filepath.Join(filepath.Dir(d.File), file)
		}
		b, err := a.readFile(file, maxReference)
		if err == nil && len(bytes.TrimSpace(b)) == 0 {
			err = errors.New(file + " is empty")
		}
		return strings.TrimRight(string(b), "\r\n"), err
	}
}
