// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"teiten/internal/audit"
	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/pki"
	"teiten/internal/store"
)

// enrolment is the public door through which a device gets its certificate:
// whoever has an invitation's code fetches one, with a password that is shown
// beside it and nowhere else.
type enrolment struct {
	*Server
	wrong guesses
}

// setUpFor is how long the password of a certificate also opens the first
// sign-in. Who comes later needs another invitation.
const setUpFor = 72 * time.Hour

// requestSize bounds a signing request with the form around it.
const requestSize = 64 << 10

// enrolRoutes need an authority; the sample portal may have none.
func (s *Server) enrolRoutes() []route {
	if s.Access == nil {
		return nil
	}
	e := &enrolment{Server: s}
	return []route{
		on("GET", "/enrol", Public, open, e.form),
		on("POST", "/enrol", Public, open, secret(e.offer), body(requestSize)),
		on("POST", "/enrol/certificate", Public, open, secret(e.certificate), body(requestSize)),
		on("POST", "/enrol/request", Public, open, secret(e.request), body(requestSize)),
		on("GET", "/crl", Public, open, s.crl),
		on("GET", "/ca.crt", Public, open, s.authority),
	}
}

type enrolPage struct {
	Head
	Errors     []FieldError
	Code       Field
	Invitation *device.Invitation // of the code; nil before it was typed
	Password   string
	Format     Field
	CSR        Field
	Portal     string // where one goes on
}

func (e *enrolment) page(r *http.Request, q *Request) *enrolPage {
	q.Path = "/enrol"
	p := &enrolPage{Head: q.Head(q.T("enrol.title")), Code: q.Field("text", "code", "enrol.code"),
		Format: q.Field("radio", "format", "enrol.format"), CSR: q.Field("file", "csr", "enrol.csr"), Portal: e.base(r) + "/"}
	p.Code.Required, p.Code.Max, p.Code.Code = true, 200, true
	p.CSR.Accept = ".csr,.pem,.req,.p10,.der"
	for _, f := range []pki.Format{pki.Modern, pki.Legacy} {
		p.Format.Options = append(p.Format.Options, Option{Value: string(f), Label: q.T("enrol.format." + string(f)), Hint: q.T("enrol.format." + string(f) + ".hint")})
	}
	p.Format.Value = string(formatFor(r.UserAgent()))
	return p
}

// formatFor guesses which file a device can read; one can choose the other.
func formatFor(agent string) pki.Format {
	for _, name := range []string{"Macintosh", "iPhone", "iPad", "Android"} {
		if strings.Contains(agent, name) && !strings.Contains(agent, "Firefox") {
			return pki.Legacy
		}
	}
	return pki.Modern
}

// base is how people reach the portal. The host was checked.
func (s *Server) base(r *http.Request) string {
	if s.Secure {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (e *enrolment) form(w http.ResponseWriter, r *http.Request, q *Request) error {
	return e.render(w, q, http.StatusOK, "enrol", e.page(r, q))
}

// offer says whose invitation a code is and shows the password of its
// certificate; it does not use the code up.
func (e *enrolment) offer(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	i, err := e.look(r.Context(), q, r.PostForm.Get("code"))
	if err != nil {
		return e.refuse(w, r, q, err)
	}
	page := e.page(r, q)
	page.Code.Fill(r.PostForm)
	page.Invitation, page.Password = &i, pki.OneTimePassword()
	return e.render(w, q, http.StatusOK, "enrol", page)
}

// again shows the second page once more, with the password that was noted, when
// what was refused is not the code.
func (e *enrolment) again(w http.ResponseWriter, r *http.Request, q *Request, i device.Invitation, why error) error {
	page := e.page(r, q)
	page.Code.Fill(r.Form)
	page.Invitation, page.Password = &i, r.Form.Get("password")
	if r.Form.Has("format") {
		page.Format.Fill(r.Form)
	}
	var ok bool
	if page.Errors, ok = q.Refuse(why, &page.Format, &page.CSR); !ok {
		return why
	}
	return e.render(w, q, http.StatusUnprocessableEntity, "enrol", page)
}

// refuse shows the first page again with the reason at the code.
func (e *enrolment) refuse(w http.ResponseWriter, r *http.Request, q *Request, why error) error {
	page := e.page(r, q)
	page.Code.Fill(r.Form)
	f := fault.From(why)
	if f.Kind == fault.Internal {
		return why
	}
	page.Code.Error = q.Lang.Fault(f)
	page.Errors = Summary(&page.Code)
	if f.Kind == fault.TooMany {
		w.Header().Set("Retry-After", strconv.Itoa(int(guessBack/time.Second)))
	}
	return e.render(w, q, statusOf(why), "enrol", page)
}

// look is device.Look for the public. Codes cannot be guessed; an address that
// sends many wrong ones is slowed down and then refused, but nobody who has a
// right one is ever kept waiting for what others sent.
func (e *enrolment) look(ctx context.Context, q *Request, code string) (device.Invitation, error) {
	i, err := device.Look(ctx, e.DB, code)
	if err == nil || fault.Is(err, fault.Internal) {
		return i, err
	}
	allowed, tell := e.wrong.count(q.peer.Addr.Addr(), q.Now)
	if !allowed {
		err = fault.New(fault.TooMany, "enrol.wait")
	}
	if tell {
		visitor := caller.Caller{Name: "visitor", Channel: "web"}
		if err := audit.Denied(context.WithoutCancel(ctx), e.DB, visitor, fault.Code(err), "enrolment"); err != nil {
			return i, err
		}
	}
	if allowed {
		select {
		case <-ctx.Done():
		case <-time.After(guessDelay):
		}
	}
	return i, err
}

// oneTime is what pki.OneTimePassword makes.
var oneTime = regexp.MustCompile(`^([0-9A-Z]{4}-){4}[0-9A-Z]{4}$`)

// enrolled fetches a certificate and, if its owner has yet to choose her
// factors, lets the same password open her first sign-in: both or neither.
func (e *enrolment) enrolled(ctx context.Context, password string, fetch func(context.Context) (device.Certificate, error)) (cert device.Certificate, err error) {
	if !oneTime.MatchString(password) {
		return cert, fault.New(fault.Invalid, "enrol.password")
	}
	err = e.DB.Batch(ctx, func(ctx context.Context) error {
		cert, err = fetch(ctx)
		if err != nil || cert.Purpose != device.Person {
			return err
		}
		who := caller.System("enrolment")
		who.Org = cert.Org
		err = e.DB.Write(ctx, who, func(tx *store.Tx) error {
			return auth.SetUpCode(ctx, tx, cert.Account, password, tx.Now.Add(setUpFor))
		})
		if fault.Code(err) == "auth.set_up_done" {
			return nil // another device of hers: she signs in as ever
		}
		return err
	})
	return cert, err
}

// certificate uses the code up and answers key and certificate as one file.
func (e *enrolment) certificate(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	code, password := r.PostForm.Get("code"), r.PostForm.Get("password")
	i, err := e.look(r.Context(), q, code)
	if err != nil {
		return e.refuse(w, r, q, err)
	}
	format, err := pki.ParseFormat(r.PostForm.Get("format"))
	if err != nil {
		return e.again(w, r, q, i, err)
	}
	var p12 []byte
	cert, err := e.enrolled(r.Context(), password, func(ctx context.Context) (c device.Certificate, err error) {
		p12, c, err = e.Access.Office.Enrol(ctx, e.DB, code, password, format)
		return c, err
	})
	if err != nil {
		return e.refuse(w, r, q, err)
	}
	return hand(w, "teiten-"+itoa(cert.ID)+".p12", "application/x-pkcs12", p12)
}

// request uses the code up for a key that its owner made: a signing request
// comes, the certificate goes back.
func (e *enrolment) request(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := r.ParseMultipartForm(requestSize); err != nil {
		return bodyFault(err)
	}
	code := r.PostForm.Get("code")
	i, err := e.look(r.Context(), q, code)
	if err != nil {
		return e.refuse(w, r, q, err)
	}
	csr, err := formFile(r, "csr")
	if err != nil {
		return err
	}
	if _, err := pki.ParseRequest(csr); err != nil {
		return e.again(w, r, q, i, fault.From(err).At("csr"))
	}
	var chain []byte
	cert, err := e.enrolled(r.Context(), r.PostForm.Get("password"), func(ctx context.Context) (c device.Certificate, err error) {
		chain, c, err = e.Access.Office.EnrolCSR(ctx, e.DB, code, csr)
		return c, err
	})
	if err != nil {
		return e.refuse(w, r, q, err)
	}
	return hand(w, "teiten-"+itoa(cert.ID)+".pem", "application/x-pem-file", chain)
}

// formFile reads a small file of a form whole; a file that was not chosen is empty.
func formFile(r *http.Request, name string) ([]byte, error) {
	file, _, err := r.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) {
		return nil, nil
	}
	if err != nil {
		return nil, bodyFault(err)
	}
	defer file.Close()
	b, err := io.ReadAll(file)
	if err != nil {
		return nil, bodyFault(err)
	}
	return b, nil
}

// hand answers with a file that is nobody else's.
func hand(w http.ResponseWriter, name, contentType string, content []byte) error {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(content) // the client may have gone
	return nil
}

// crl publishes the revocation list (RFC 5280, section 4.2.1.13).
func (s *Server) crl(w http.ResponseWriter, r *http.Request, _ *Request) error {
	der, err := s.Access.Office.CRL(r.Context(), s.DB)
	if err != nil {
		return err
	}
	send(w, asset{"application/pkix-crl", der}, "public, max-age=300")
	return nil
}

// authority publishes the certificate of the installation's authority.
func (s *Server) authority(w http.ResponseWriter, _ *http.Request, _ *Request) error {
	w.Header().Set("Content-Disposition", `attachment; filename="teiten-ca.crt"`)
	send(w, asset{"application/x-x509-ca-cert", s.Access.Office.Authority().Raw}, "public, max-age=3600")
	return nil
}

const (
	guessFree     = 10 // wrong codes of one address at once
	guessBack     = 30 * time.Second
	guessDelay    = 300 * time.Millisecond
	mostGuessers  = 4096
	guessBitsIPv6 = 64 // what one customer usually has
)

// guesses counts wrong codes for each address, in memory: a restart forgives.
type guesses struct {
	mu   sync.Mutex
	from map[netip.Prefix]*guesser
}

type guesser struct {
	*rate.Limiter
	told bool // that it is refused
}

// count counts a wrong code: whether its sender is told what is wrong with it,
// and whether the audit is to hear of it, which it does once of a refusal.
func (g *guesses) count(addr netip.Addr, now time.Time) (allowed, tell bool) {
	addr = addr.Unmap()
	bits := addr.BitLen()
	if addr.Is6() {
		bits = guessBitsIPv6
	}
	network, _ := addr.WithZone("").Prefix(bits) // the zero prefix stands for those without an address
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.from[network]
	if one == nil {
		if len(g.from) >= mostGuessers || g.from == nil {
			g.from = map[netip.Prefix]*guesser{}
		}
		one = &guesser{Limiter: rate.NewLimiter(rate.Every(guessBack), guessFree)}
		g.from[network] = one
	}
	if one.AllowN(now, 1) {
		one.told = false
		return true, true
	}
	tell = !one.told
	one.told = true
	return false, tell
}
