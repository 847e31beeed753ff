// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"strconv"
	"time"

	"teiten/internal/auth"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/federate"
	"teiten/internal/member"
	"teiten/internal/passkey"
	"teiten/internal/permit"
)

// accountRoutes are a person's own keys to the portal. What changes them has a
// page of its own, so that whoever must show her factors once more comes back
// to where she was.
func (s *Server) accountRoutes() []route {
	own := may(permit.ProfileOwn)
	list := []route{
		on("GET", "/account", Portal, own, s.account),
		on("POST", "/account/sessions/{id}/end", Portal, own, s.sessionEnd),
		on("POST", "/account/sign-out", Portal, own, s.signOutEverywhere),
		on("POST", "/account/notices/{id}/seen", Portal, own, s.noticeSeen),
		on("POST", "/account/notices/{id}/stop", Portal, own, s.noticeStop),
		on("GET", "/account/prove", Portal, own, s.proveForm),
		on("POST", "/account/prove", Portal, own, s.prove),
		on("POST", "/account/prove/passkey/options", Portal, own, s.provePasskeyOptions),
		on("POST", "/account/prove/passkey", Portal, own, s.provePasskey, body(passkeyBody)),
		on("POST", "/account/passkeys/options", Portal, own, s.provenScript(s.passkeyOptions)),
		on("POST", "/account/passkeys", Portal, own, s.provenScript(s.passkeyAdd), body(passkeyBody)),
		on("GET", "/account/passkeys/new", Portal, own, s.proven(s.passkeyNew)),
	}
	for pattern, h := range map[string]struct{ form, act handler }{
		"/account/password":        {s.passwordForm, s.password},
		"/account/app":             {s.appForm, s.app},
		"/account/codes":           {s.codesForm, s.codes},
		"/account/passkeys/{id}":   {s.passkeyForm, s.passkeyChange},
		"/account/link":            {s.linkForm, s.link},
		"/account/identities/{id}": {s.identityForm, s.identityUnlink},
		"/account/devices/{id}":    {s.ownDevice, s.ownDeviceRevoke},
	} {
		list = append(list,
			on("GET", pattern, Portal, own, s.proven(secret(h.form))),
			on("POST", pattern, Portal, own, s.proven(secret(h.act))))
	}
	return list
}

// fewCodes is how many recovery codes are so few that new ones should be made.
const fewCodes = 3

type accountPage struct {
	Head
	Login      string
	Notices    []recoveryNotice
	Factors    auth.Factors
	Few        bool // recovery codes
	Sessions   []sessionRow
	Passkeys   []passkey.Passkey
	May        bool // passkeys work at this address
	Provider   string
	Identities []federate.Identity
	Devices    []deviceRow
}

// recoveryNotice tells the owner that others gave her account a new way in.
type recoveryNotice struct {
	auth.Recovery
	Live bool // it can still be stopped
}

type sessionRow struct {
	auth.Session
	This bool
}

func (s *Server) account(w http.ResponseWriter, r *http.Request, q *Request) error {
	ctx := r.Context()
	page := &accountPage{Head: q.Head(q.T("account.title")), May: s.Access.Party != nil}
	me, err := member.Own(ctx, s.DB, q.Caller)
	if err != nil {
		return err
	}
	page.Login = me.Login
	notices, err := auth.Notices(ctx, s.DB, q.Caller)
	if err != nil {
		return err
	}
	for _, n := range notices {
		page.Notices = append(page.Notices, recoveryNotice{n, n.Completed.IsZero() && n.Cancelled.IsZero() && q.Now.Before(n.Until)})
	}
	if page.Factors, err = auth.OwnFactors(ctx, s.DB, q.Caller); err != nil {
		return err
	}
	page.Few = page.Factors.Codes <= fewCodes
	sessions, err := auth.Sessions(ctx, s.DB, q.Caller)
	if err != nil {
		return err
	}
	for _, one := range sessions {
		page.Sessions = append(page.Sessions, sessionRow{one, one.ID == q.session.ID})
	}
	if page.Passkeys, err = passkey.List(ctx, s.DB, q.Caller); err != nil {
		return err
	}
	if page.Identities, err = federate.Identities(ctx, s.DB, q.Caller); err != nil {
		return err
	}
	if s.Access.Provider != nil {
		page.Provider = s.Access.Provider.Name()
	}
	certificates, err := device.List(ctx, s.DB, q.Caller, device.Filter{Account: q.Caller.Account})
	if err != nil {
		return err
	}
	for _, c := range certificates {
		page.Devices = append(page.Devices, q.deviceRow(c))
	}
	return s.render(w, q, http.StatusOK, "account", page)
}

// pathID is the number in the address; whatever is none names nothing.
func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, fault.New(fault.NotFound, "fault.not_found")
	}
	return id, nil
}

func (s *Server) sessionEnd(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := auth.End(r.Context(), s.DB, q.Caller, id); err != nil {
		return err
	}
	if id == q.session.ID {
		s.clearCookie(w, "session")
		return s.done(w, r, "/sign-in", Flash{Key: "signin.out.done"})
	}
	return s.done(w, r, "/account#sessions", Flash{Key: "account.session.ended"})
}

func (s *Server) signOutEverywhere(w http.ResponseWriter, r *http.Request, q *Request) error {
	yes, err := s.confirmed(w, r, q, q.T("account.everywhere.ask"), q.T("account.everywhere"), "/account#sessions", true)
	if err != nil || !yes {
		return err
	}
	if _, err := auth.EndAll(r.Context(), s.DB, q.Caller, 0); err != nil {
		return err
	}
	s.clearCookie(w, "session")
	return s.done(w, r, "/sign-in", Flash{Key: "account.everywhere.done"})
}

func (s *Server) noticeSeen(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := auth.Acknowledge(r.Context(), s.DB, q.Caller, id); err != nil {
		return err
	}
	return s.done(w, r, "/account", Flash{Key: "account.notice.seen.done"})
}

// noticeStop stops the recovery of one's own account, and of no other: the
// notice is about oneself, whomever else one may recover.
func (s *Server) noticeStop(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	notices, err := auth.Notices(r.Context(), s.DB, q.Caller)
	if err != nil {
		return err
	}
	for _, n := range notices {
		if n.ID != id {
			continue
		}
		yes, err := s.confirmed(w, r, q, q.T("account.notice.stop.ask"), q.T("account.notice.stop"), "/account", true)
		if err != nil || !yes {
			return err
		}
		if err := auth.CancelRecovery(r.Context(), s.DB, q.Caller, id); err != nil {
			return err
		}
		return s.done(w, r, "/account", Flash{Key: "account.notice.stop.done"})
	}
	return fault.New(fault.NotFound, "fault.not_found")
}

// soon is how long before its end a certificate is announced.
const soon = 30 * 24 * time.Hour

// deviceRow is a certificate as lists show it.
type deviceRow struct {
	device.Certificate
	Now  device.State
	Soon bool // it ends soon
	Days int  // until it ends, begun days too
	This bool // the one that opened the door to this page
}

func (q *Request) deviceRow(c device.Certificate) deviceRow {
	left := c.NotAfter.Sub(q.Now)
	row := deviceRow{Certificate: c, Now: c.State(q.Now), Days: int((left + 24*time.Hour - 1) / (24 * time.Hour))}
	row.Soon = row.Now == device.Valid && left < soon
	row.This = q.peer.Certificate != nil && q.peer.Certificate.ID == c.ID
	return row
}

// ownCertificate returns the caller's own certificate that the address names.
func (s *Server) ownCertificate(r *http.Request, q *Request) (device.Certificate, error) {
	id, err := pathID(r)
	if err != nil {
		return device.Certificate{}, err
	}
	c, err := device.Find(r.Context(), s.DB, q.Caller, id)
	if err == nil && c.Account != q.Caller.Account {
		err = fault.New(fault.NotFound, "fault.not_found")
	}
	return c, err
}

// ownReasons are those for which people revoke their own.
var ownReasons = []device.Reason{device.Lost, device.Replaced, device.Ended}

func (s *Server) ownDevice(w http.ResponseWriter, r *http.Request, q *Request) error {
	c, err := s.ownCertificate(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "device", q.devicePage(c, "/account/devices/"+itoa(c.ID), ownReasons, Crumb{"/account#devices", q.T("account.title")}))
}

func (s *Server) ownDeviceRevoke(w http.ResponseWriter, r *http.Request, q *Request) error {
	c, err := s.ownCertificate(r, q)
	if err != nil {
		return err
	}
	return s.revoke(w, r, q, q.devicePage(c, "/account/devices/"+itoa(c.ID), ownReasons, Crumb{"/account#devices", q.T("account.title")}), "/account#devices")
}
