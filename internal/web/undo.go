// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"teiten/internal/fault"
)

// undoTime is for how long what was removed can be put back with one click.
const undoTime = 5 * time.Minute

// keepForUndo leaves what was removed, with all that is needed to put it back,
// in a sealed cookie of the one who removed it, and returns address; or "" when
// it is too long for a cookie. The address carries nothing of it.
func (s *Server) keepForUndo(w http.ResponseWriter, what string, v any, address string) string {
	const most = 3000 // browsers take about 4,096 bytes with name and attributes
	content, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	b, err := json.Marshal(removed{what, content})
	if err != nil {
		return ""
	}
	sealed := s.sealed(b)
	if len(sealed) > most {
		return ""
	}
	s.setCookie(w, "removed", sealed, undoTime)
	return address
}

// removed is the content of the cookie: what sort of thing, and the thing.
type removed struct {
	What string
	V    json.RawMessage
}

// undone reads what keepForUndo left of that sort into v and forgets it.
func (s *Server) undone(w http.ResponseWriter, r *http.Request, what string, v any) error {
	gone := fault.New(fault.NotFound, "tools.undo.gone")
	text, ok := s.unsealed(s.cookieValue(r, "removed"))
	if !ok {
		return gone
	}
	var kept removed
	if json.Unmarshal(text, &kept) != nil || kept.What != what || json.Unmarshal(kept.V, v) != nil {
		return gone
	}
	s.clearCookie(w, "removed")
	return nil
}

// keepImport remembers the last trial of an import with its browser, sealed, so
// that it can be made earnest there.
func (s *Server) keepImport(w http.ResponseWriter, j importJob) {
	b, err := json.Marshal(j)
	if err != nil {
		return
	}
	s.setCookie(w, "import", s.sealed(append([]byte("import "), b...)), 12*time.Hour)
}

// keptImport returns the caller's own last trial.
func (s *Server) keptImport(r *http.Request, q *Request) (j importJob, ok bool) {
	text, ok := s.unsealed(s.cookieValue(r, "import"))
	if !ok {
		return j, false
	}
	content, ok := strings.CutPrefix(string(text), "import ")
	ok = ok && json.Unmarshal([]byte(content), &j) == nil && j.Account == q.Caller.Account
	return j, ok
}

// unsealed returns what sealed has sealed.
func (s *Server) unsealed(cookie string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || len(b) <= sha256.Size {
		return nil, false
	}
	text := b[: len(b)-sha256.Size : len(b)-sha256.Size]
	return text, hmac.Equal([]byte(s.sealed(text)), []byte(base64.RawURLEncoding.EncodeToString(b)))
}
