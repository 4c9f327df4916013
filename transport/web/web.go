package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed dist
var dist embed.FS

// Options are what the page is told.
type Options struct {
	// Base is the path that a proxy puts before the node's own, such as
	// /postrider; empty: none.
	Base string
	// ImageHosts are hosts, besides the node's own, whose pictures may be shown.
	ImageHosts []string
	// Dev tells that this is a development node.
	Dev bool
	// Provider: people may sign in by an OpenID Connect provider.
	Provider bool
	// Version is the node's.
	Version string
}

// settings are Options as the page's script reads them.
type settings struct {
	Base       string   `json:"base"`
	Dev        bool     `json:"dev"`
	Provider   bool     `json:"provider"`
	Version    string   `json:"version"`
	ImageHosts []string `json:"image_hosts"`
}

// Handler serves the page below /ui/. A path that is no file is the page
// itself: which view it shows is the page's own affair.
func Handler(o Options) (http.Handler, error) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(files, "index.html")
	if err != nil {
		return nil, fmt.Errorf("the page: %w", err)
	}
	base := strings.TrimSuffix(o.Base, "/")
	told, err := json.Marshal(settings{Base: base, Dev: o.Dev, Provider: o.Provider, Version: o.Version, ImageHosts: append([]string{}, o.ImageHosts...)})
	if err != nil {
		return nil, err
	}
	index, err := template.New("index.html").Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("the page: %w", err)
	}
	var page strings.Builder
	// encoding/json writes <, > and & as escapes, so the text cannot end its element.
	if err := index.Execute(&page, map[string]any{"Base": base + "/ui/", "Settings": template.JS(told)}); err != nil { //nolint:gosec // see above
		return nil, fmt.Errorf("the page: %w", err)
	}
	h := &handler{index: page.String(), policy: policy(o.ImageHosts), files: map[string]file{}}
	return h, h.read(files)
}

// policy is the page's Content-Security-Policy.
func policy(imageHosts []string) string {
	images := strings.Join(append([]string{"'self'", "data:"}, imageHosts...), " ")
	return "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src " + images +
		"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

type handler struct {
	files  map[string]file
	index  string
	policy string
}

// file is one of dist's: as it is, and as most browsers take it.
type file struct {
	plain, gzipped []byte
}

// read takes in all files but the page itself, and packs them once.
func (h *handler) read(files fs.FS) error {
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == "index.html" {
			return err
		}
		plain, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		h.files[name] = file{plain: plain, gzipped: packed(plain)}
		return nil
	})
}

func packed(plain []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a good one
	_, _ = w.Write(plain)                                 // a buffer takes all
	_ = w.Close()
	return b.Bytes()
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", h.policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/ui/")
	if f, there := h.files[name]; there {
		f.serve(w, r, name)
		return
	}
	if strings.HasPrefix(name, "assets/") {
		http.NotFound(w, r)
		return
	}
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(h.index)) // the browser went away: nobody to tell
}

// serve sends what a browser may keep for ever: its name changes with it.
func (f *file) serve(w http.ResponseWriter, r *http.Request, name string) {
	header := w.Header()
	header.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	header.Set("Vary", "Accept-Encoding")
	if strings.HasPrefix(name, "assets/") {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	content := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		header.Set("Content-Encoding", "gzip")
		content = f.gzipped
	}
	header.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // the browser went away: nobody to tell
}
