// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"teiten/internal/fault"
)

//go:embed static
var staticFiles embed.FS

// assets are the files that pages load. Style sheets are joined in the order
// of their names, scripts as well; each result's name carries the hash of its
// content, so that browsers may keep it for ever and still see every change.
type assets struct {
	files map[string]asset  // by hashed name
	names map[string]string // "teiten.css" → "teiten-1a2b3c4d5e.css"
}

type asset struct {
	contentType string
	content     []byte
}

// bundle joins and names the embedded files.
func bundle() *assets {
	a := &assets{files: map[string]asset{}, names: map[string]string{}}
	a.add("teiten.css", "text/css; charset=utf-8", joined("static/css/*.css", "", ""))
	// Each script is a block in one module: its names stay its own.
	a.add("teiten.js", "text/javascript; charset=utf-8", joined("static/js/*.js", "{\n", "}\n"))
	a.add("icon.svg", "image/svg+xml", read("static/icon.svg"))
	return a
}

func (a *assets) add(name, contentType string, content []byte) {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	hashed := fmt.Sprintf("%s-%s%s", strings.TrimSuffix(name, ext), hex.EncodeToString(sum[:5]), ext)
	a.names[name] = hashed
	a.files[hashed] = asset{contentType, content}
}

// address returns where a page finds the asset. An unknown name is a mistake
// in a template and fails its test.
func (a *assets) address(name string) (string, error) {
	hashed, ok := a.names[name]
	if !ok {
		return "", fmt.Errorf("web: no asset %q", name)
	}
	return "/static/" + hashed, nil
}

func joined(pattern, before, after string) []byte {
	names, err := fs.Glob(staticFiles, pattern) // sorted
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	for _, name := range names {
		b.WriteString(before)
		b.Write(read(name))
		b.WriteString(after)
	}
	return b.Bytes()
}

func read(name string) []byte {
	b, err := staticFiles.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return b
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request, _ *Request) error {
	file, ok := s.assets.files[r.PathValue("name")]
	if !ok {
		return fault.New(fault.NotFound, "web.not_found")
	}
	send(w, file, "public, max-age=31536000, immutable")
	return nil
}

// favicon answers browsers that ask without reading the page's link.
func (s *Server) favicon(w http.ResponseWriter, _ *http.Request, _ *Request) error {
	send(w, s.assets.files[s.assets.names["icon.svg"]], "public, max-age=86400")
	return nil
}

// healthz tells a supervisor that the portal answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request, _ *Request) error {
	send(w, asset{"text/plain; charset=utf-8", []byte("ok\n")}, "no-store")
	return nil
}

func send(w http.ResponseWriter, file asset, cache string) {
	w.Header().Set("Content-Type", file.contentType)
	w.Header().Set("Cache-Control", cache)
	_, _ = w.Write(file.content)
}
