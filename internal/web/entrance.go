// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/auth"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/federate"
	"teiten/internal/member"
	"teiten/internal/passkey"
	"teiten/internal/pki"
	"teiten/internal/token"
)

// Access is the way in for people with two keys: a registered device, by its
// certificate, and a sign-in. Whoever listens must have put a device.Peer into
// the context of each request.
type Access struct {
	// Office keeps the register of devices.
	Office *device.Office
	// Keys protects what is kept encrypted.
	Keys *blob.Keyring
	// Party is the portal as passkeys know it.
	Party *passkey.RelyingParty
	// Provider is the sign-in by OpenID Connect, nil for none.
	Provider *federate.Provider
}

// sample reports whether this is the sample portal, whose visitors choose whom
// to be instead of showing keys.
func (s *Server) sample() bool { return s.Personas != nil }

// sessionLife is how long a browser keeps the cookie; the session itself ends
// earlier, where the portal keeps it.
const sessionLife = 24 * time.Hour

// identify finds out who the visitor is and what the last change has to say.
func (s *Server) identify(r *http.Request, q *Request) error {
	q.Flash = s.flash(r)
	if s.sample() {
		return s.persona(r, q)
	}
	return s.enter(r, q)
}

// enter asks for both keys. Nobody is an answer, not an error: what that means
// is the door's business.
func (s *Server) enter(r *http.Request, q *Request) error {
	q.peer, _ = device.PeerOf(r.Context())
	if fault.Is(q.peer.Err, fault.Internal) || fault.Is(q.peer.Err, fault.Unavailable) {
		return q.peer.Err // the register cannot be read; what is wrong with a certificate, the door says
	}
	dev, ok := q.device()
	if !ok {
		return nil
	}
	cookie := s.cookieValue(r, "session")
	if cookie == "" {
		return nil
	}
	who, session, err := auth.Resume(r.Context(), s.DB, cookie, dev)
	switch {
	case err == nil:
		who.Channel = "web"
		q.Caller, q.session = who, session
	case fault.Is(err, fault.Forbidden):
		q.sessionOver = true
	default:
		return err
	}
	return nil
}

// device returns the certificate's holder as package auth knows it; false if
// none came that belongs to a person or to a shared PC.
func (q *Request) device() (auth.Device, bool) {
	c := q.peer.Certificate
	if c == nil || c.Purpose != device.Person && c.Purpose != device.Device {
		return auth.Device{}, false
	}
	return auth.Device{ID: c.ID, Account: c.Account, Org: c.Org}, true
}

// knock holds the door's own condition against a visitor who is not signed in.
// It answers by itself unless it lets him in.
func (s *Server) knock(w http.ResponseWriter, r *http.Request, q *Request, rt route) (bool, error) {
	if s.sample() {
		if q.Caller.Role != "" || rt.rule.device {
			return true, nil
		}
		http.Redirect(w, r, personaAddress(r), http.StatusSeeOther)
		return false, nil
	}
	if _, ok := q.device(); !ok {
		return false, s.noDevice(w, r, q)
	}
	if q.Caller.Role != "" || rt.rule.device {
		return true, nil
	}
	if rt.rule.ward {
		if ok, err := s.ward(r.Context(), q); ok || err != nil {
			return ok, err
		}
	}
	if r.Method != http.MethodGet {
		return false, fault.New(fault.Unauthenticated, "door.session_over")
	}
	address := "/sign-in"
	if r.URL.RequestURI() != "/" {
		address += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
	return false, nil
}

// ward lets a shared PC in by itself, where its institution has decided that
// a mail can be checked there without anybody signing in.
func (s *Server) ward(ctx context.Context, q *Request) (bool, error) {
	c := q.peer.Certificate
	if c.Purpose != device.Device {
		return false, nil
	}
	who, err := member.Ward(ctx, s.DB, c.Org)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	who.Name, who.Device, who.Channel = c.Label, c.ID, "web"
	q.Caller = who
	return true, nil
}

type doorPage struct {
	Head
	Reason string
	Enrol  bool // an invitation would help
}

// noDevice answers whoever comes to the portal's door without a certificate
// that opens it: a page that says how to get one, and nothing else.
func (s *Server) noDevice(w http.ResponseWriter, r *http.Request, q *Request) error {
	page := &doorPage{Head: q.Head(q.T("door.title")), Reason: q.T("door.none"), Enrol: true}
	if err := q.peer.Err; err != nil {
		page.Reason = q.T("door.bad", "reason", q.Lang.Fault(err))
		s.turnedAway(r, q)
	} else if q.peer.Certificate != nil { // a machine's
		page.Reason = q.T("door.bad", "reason", q.T("device.usage"))
		s.turnedAway(r, q)
	}
	return s.render(w, q, http.StatusForbidden, "door", page)
}

// turnedAway records that a device was refused, even if nobody waits for the answer.
func (s *Server) turnedAway(r *http.Request, q *Request) {
	who := caller.Caller{Name: "visitor", Channel: "web"}
	object := "door"
	if q.peer.Leaf != nil {
		object = "certificate/" + pki.Fingerprint(q.peer.Leaf)[:32]
	}
	reason := "device.usage"
	if q.peer.Err != nil {
		reason = fault.Code(q.peer.Err)
	}
	if err := audit.Denied(context.WithoutCancel(r.Context()), s.DB, who, reason, object); err != nil {
		s.Log.Error("audit of a denial", "request", q.ID, "error", err)
	}
}

// forged refuses a request that claims a certificate in a header without
// coming from a trusted proxy, whatever it asks for.
func (s *Server) forged(r *http.Request, q *Request) error {
	q.peer, _ = device.PeerOf(r.Context())
	if s.sample() || !strings.HasPrefix(fault.Code(q.peer.Err), "httpd.") {
		return nil
	}
	s.turnedAway(r, q)
	return q.peer.Err
}

// Machine names the caller of a request at the machine door: by its token, by
// a machine's certificate, or by the keys of a person. The token must have the
// scope. A request without any of them gets fault.Unauthenticated.
func (s *Server) Machine(r *http.Request, scope token.Scope) (caller.Caller, error) {
	peer, _ := device.PeerOf(r.Context())
	var certificate int64
	if peer.Certificate != nil {
		certificate = peer.Certificate.ID
	}
	if header := r.Header.Get("Authorization"); header != "" {
		who, _, err := token.Admit(r.Context(), s.DB, header, certificate, scope)
		if err != nil {
			return caller.Caller{}, err
		}
		who.Channel = "api"
		return who, nil
	}
	if peer.Certificate != nil && peer.Certificate.Purpose == device.Machine {
		who, err := member.Caller(r.Context(), s.DB, peer.Certificate.Account, "api")
		who.Device = certificate
		return who, err
	}
	q := &Request{Lang: s.Lang}
	if err := s.identify(r, q); err != nil {
		return caller.Caller{}, err
	}
	if q.Caller.Role == "" {
		return caller.Caller{}, fault.New(fault.Unauthenticated, "token.missing")
	}
	return q.Caller, nil
}
