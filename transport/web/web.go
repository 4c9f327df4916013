package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
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
	Base     string `json:"base"`
	Dev      bool   `json:"dev"`
	Provider bool   `json:"provider"`
	Version  string `json:"version"`
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
	told, err := json.Marshal(settings{Base: base, Dev: o.Dev, Provider: o.Provider, Version: o.Version})
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
	h := &handler{files: files, index: page.String(), policy: policy(o.ImageHosts)}
	return h, nil
}

// policy is the page's Content-Security-Policy.
func policy(imageHosts []string) string {
	images := strings.Join(append([]string{"'self'", "data:"}, imageHosts...), " ")
	return "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src " + images +
		"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

type handler struct {
	files  fs.FS
	index  string
	policy string
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", h.policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/ui/")
	if ext := path.Ext(name); ext != "" && name != "index.html" && fs.ValidPath(name) {
		if content, err := fs.ReadFile(h.files, name); err == nil {
			h.file(w, name, ext, content)
			return
		}
		if strings.HasPrefix(name, "assets/") {
			http.NotFound(w, r)
			return
		}
	}
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(h.index)) // the browser went away: nobody to tell
}

// file serves what a browser may keep for ever: its name changes with it.
func (h *handler) file(w http.ResponseWriter, name, ext string, content []byte) {
	w.Header().Set("Content-Type", mime.TypeByExtension(ext))
	if strings.HasPrefix(name, "assets/") {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(content) // the browser went away: nobody to tell
}
