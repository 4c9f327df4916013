package main

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// replays answers for replays: two are chosen, and each look at a job finds it
// further.
func (f *fakeAPI) replays(mux *http.ServeMux) {
	var looks atomic.Int64
	begin := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.Contains(string(body), `"nobody"`):
			write(w, 200, `{"count":0,"dry_run":true}`)
		case strings.Contains(string(body), `"dry_run":true`):
			write(w, 200, `{"count":1200,"dry_run":true}`)
		default:
			looks.Store(0)
			write(w, 202, `{"count":1200,"dry_run":false,"replay":{"id":"r-7","state":"running","total":1200}}`)
		}
	}
	mux.HandleFunc("POST /v1/replays", begin)
	mux.HandleFunc("POST /v1/deadletters/replay", begin)
	mux.HandleFunc("GET /v1/replays/r-7", func(w http.ResponseWriter, _ *http.Request) {
		if looks.Add(1) < 2 {
			write(w, 200, `{"id":"r-7","state":"running","total":1200,"done":600,"replayed":600}`)
			return
		}
		write(w, 200, `{"id":"r-7","state":"done","total":1200,"done":1200,"replayed":1100,"gone":90,"skipped":10}`)
	})
	mux.HandleFunc("DELETE /v1/replays/{id}", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, `{"id":"r-7","state":"cancelled","total":1200,"done":600,"replayed":600}`)
	})
	mux.HandleFunc("POST /v1/deliveries/{id}/replay", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "16-e1" {
			write(w, 409, `{"message":"The delivery is retrying and has no outcome yet: it will be made by itself","error_type":"ConflictError","error_code":"CONFLICT"}`)
			return
		}
		write(w, 202, `{"id":"17-e1.5","replay":5,"status":"accepted"}`)
	})
	mux.HandleFunc("DELETE /v1/deadletters", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("reason") == "nothing" {
			write(w, 200, `{"count":0,"dry_run":true}`)
			return
		}
		write(w, 200, `{"count":3,"dry_run":false}`)
	})
	mux.HandleFunc("POST /v1/tokens/revoke", func(w http.ResponseWriter, _ *http.Request) { write(w, 200, `{"jti":"t-1"}`) })
}
