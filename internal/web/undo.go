// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
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
	b, err := base64.RawURLEncoding.DecodeString(s.cookieValue(r, "removed"))
	if err != nil || len(b) <= sha256.Size {
		return gone
	}
	text := b[: len(b)-sha256.Size : len(b)-sha256.Size]
	if !hmac.Equal([]byte(s.sealed(text)), []byte(base64.RawURLEncoding.EncodeToString(b))) {
		return gone
	}
	var kept removed
	if json.Unmarshal(text, &kept) != nil || kept.What != what || json.Unmarshal(kept.V, v) != nil {
		return gone
	}
	s.clearCookie(w, "removed")
	return nil
}
