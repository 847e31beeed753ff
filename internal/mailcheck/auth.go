// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dkim"

	"teiten/internal/indicator"
)

// results are what the institution's own servers found out about a mail
// (RFC 8601), and what its signatures say.
type results struct {
	own     bool     // a field of the own authserv-id is there
	foreign []string // other authserv-ids
	dmarc   string   // pass, fail, none, …; "" where nothing is said
	spf     string
	dkim    string
	// aligned reports a pass that belongs to the domain of From (RFC 7489,
	// section 3.1, relaxed).
	aligned bool
	signed  string // pass or fail of a signature verified here, "" for none
	signer  string
	where   string // the field
}

const maxSignatures = 5

// authenticated reads them once.
func (v *view) authenticated() *results {
	if v.auth != nil {
		return v.auth
	}
	r := &results{}
	v.auth = r
	for i, value := range v.m.All("Authentication-Results") {
		if i == 20 {
			break
		}
		id, methods := parseResults(value)
		if !slices.Contains(v.facts.Authserv, id) {
			if id != "" {
				r.foreign = append(r.foreign, id)
			}
			continue
		}
		if r.own {
			continue // the uppermost was written last, by our server; one below may be forged with our name
		}
		r.own, r.where = true, value
		for _, m := range methods {
			v.method(r, m)
		}
	}
	v.verify(r)
	return r
}

func (v *view) method(r *results, m method) {
	better := func(have *string) {
		if *have == "" || m.result == "pass" {
			*have = m.result
		}
	}
	switch m.name {
	case "dmarc":
		better(&r.dmarc)
		r.aligned = r.aligned || m.result == "pass"
	case "spf":
		better(&r.spf)
		if m.result == "pass" && siteOf(hostOrDomain(m.props["smtp.mailfrom"])) == v.fromSite && v.fromSite != "" {
			r.aligned = true
		}
	case "dkim":
		better(&r.dkim)
		d := m.props["header.d"]
		if d == "" {
			d = hostOrDomain(m.props["header.i"])
		}
		if m.result == "pass" && siteOf(strings.ToLower(d)) == v.fromSite && v.fromSite != "" {
			r.aligned = true
		}
	}
}

func hostOrDomain(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	return strings.ToLower(s)
}

// verify verifies the signatures whose keys are at hand. Keys are given by the
// caller; nothing is asked of anybody.
func (v *view) verify(r *results) {
	if v.facts.DKIM == nil || len(v.m.Raw) == 0 || v.m.Get("DKIM-Signature") == "" {
		return
	}
	found, err := dkim.VerifyWithOptions(bytes.NewReader(v.m.Raw), &dkim.VerifyOptions{
		MaxVerifications: maxSignatures,
		LookupTXT: func(name string) ([]string, error) {
			if record, ok := v.facts.DKIM(strings.ToLower(strings.TrimSuffix(name, "."))); ok {
				return []string{record}, nil
			}
			return nil, errNoKey
		},
	})
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
		return
	}
	for _, s := range found {
		site := siteOf(strings.ToLower(s.Domain))
		switch {
		case s.Err == nil && site == v.fromSite:
			r.signed, r.signer, r.aligned = "pass", s.Domain, true
			return
		case s.Err == nil:
			if r.signed == "" {
				r.signed, r.signer = "pass", s.Domain
			}
		case site == v.fromSite && !dkim.IsTempFail(s.Err):
			r.signed, r.signer = "fail", s.Domain
		}
	}
}

var errNoKey = temporary{}

// temporary is an answer that says "not now", so that a signature whose key is
// not at hand is neither good nor bad.
type temporary struct{}

func (temporary) Error() string   { return "no key at hand" }
func (temporary) Timeout() bool   { return false }
func (temporary) Temporary() bool { return true }

// method is one result of an Authentication-Results field.
type method struct {
	name, result string
	props        map[string]string
}

// parseResults reads a field as far as it can (RFC 8601, section 2.2).
func parseResults(s string) (id string, methods []method) {
	s = withoutComments(s[:min(len(s), 8192)])
	for i, part := range strings.SplitN(s, ";", 60) {
		words := strings.Fields(strings.ReplaceAll(part, " = ", "="))
		if i == 0 {
			if len(words) == 0 {
				return "", nil
			}
			id = strings.ToLower(strings.Trim(words[0], `"`))
			continue
		}
		if len(words) == 0 {
			continue
		}
		name, result, ok := strings.Cut(words[0], "=")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, "/")
		m := method{strings.ToLower(name), strings.ToLower(result), map[string]string{}}
		for _, w := range words[1:] {
			if k, v, ok := strings.Cut(w, "="); ok {
				m.props[strings.ToLower(k)] = strings.Trim(v, `"<>`)
			}
		}
		methods = append(methods, m)
	}
	return id, methods
}

// withoutComments takes out what is in parentheses, as RFC 5322 nests them.
func withoutComments(s string) string {
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			if depth == 0 {
				b.WriteByte(s[i+1])
			}
			i++
		case c == '"' && depth == 0:
			quoted = !quoted
			b.WriteByte(c)
		case c == '(' && !quoted:
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

var authRules = []rule{
	{"auth.dmarc", 50, authFamily, func(v *view, say sayer) {
		if r := v.authenticated(); r.dmarc == "fail" || r.dmarc == "quarantine" || r.dmarc == "reject" {
			weight := 50
			if v.fromList() { // lists change what was signed, and send it themselves
				weight = 20
			}
			say(weight, header("Authentication-Results", r.where), "domain", shownHost(v.fromHost))
		}
	}},
	{"auth.spf", 25, authFamily, func(v *view, say sayer) {
		if r := v.authenticated(); !r.aligned && !v.fromList() && (r.spf == "fail" || r.spf == "softfail") {
			weight := 25
			if r.spf == "softfail" {
				weight = 15
			}
			say(weight, header("Authentication-Results", r.where))
		}
	}},
	{"auth.dkim", 20, authFamily, func(v *view, say sayer) {
		if r := v.authenticated(); !r.aligned && !v.fromList() && (r.dkim == "fail" || r.dkim == "permerror") {
			say(0, header("Authentication-Results", r.where))
		}
	}},
	{"auth.signature", 20, authFamily, func(v *view, say sayer) {
		if r := v.authenticated(); r.signed == "fail" && !v.fromList() {
			say(0, header("DKIM-Signature", r.signer), "domain", shownHost(r.signer))
		}
	}},
	{"auth.own_outside", 75, authFamily, ownOutside},
	{"auth.foreign", 0, authFamily, func(v *view, say sayer) {
		r := v.authenticated()
		for i, id := range r.foreign {
			if i < 3 {
				say(0, header("Authentication-Results", id), "id", shownHost(id))
			}
		}
	}},
}

// ownOutside: the sender is said to be one of us, but the mail came from
// outside. The own server's findings prove it; else the way the mail took shows
// it, if an own host received it from an address outside.
func ownOutside(v *view, say sayer) {
	if !v.fromOwn {
		return
	}
	r := v.authenticated()
	place := header("From", v.from.Address)
	switch {
	case r.aligned:
		return
	case r.own && (r.dmarc == "fail" || r.spf == "fail" || r.spf == "softfail"):
		say(0, append(place, header("Authentication-Results", r.where)...), "domain", shownHost(v.fromHost))
		return
	}
	for i, field := range v.m.All("Received") {
		if i == 10 {
			return
		}
		from, by, ok := strings.Cut(field, " by ")
		if !ok {
			continue
		}
		by, _, _ = strings.Cut(strings.TrimSpace(by), " ")
		if !v.isOwn(strings.ToLower(strings.TrimRight(by, ";."))) {
			continue
		}
		// Who signed in there is one of us, wherever he is (RFC 3848). The name in
		// parentheses was looked up by the server; the one before it is what the
		// other side called itself.
		_, with, _ := strings.Cut(field, " with ")
		with, _, _ = strings.Cut(strings.ToUpper(strings.TrimSpace(with)), " ")
		if with == "ESMTPA" || with == "ESMTPSA" || with == "ASMTP" || with == "LMTPA" || with == "HTTP" {
			continue
		}
		name := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(from), "from"))
		if _, in, ok := strings.Cut(name, "("); ok {
			name = in
		}
		name, _, _ = strings.Cut(name, " ")
		if v.isOwn(strings.ToLower(strings.TrimRight(name, ".)"))) {
			continue
		}
		for _, f := range indicator.Extract(received(from)) {
			if a, err := netip.ParseAddr(f.Value.Value); err == nil && !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() {
				say(55, append(place, header("Received", field)...), "domain", shownHost(v.fromHost))
				return
			}
		}
	}
}

func shownHost(host string) string { return indicator.Defang(indicator.Domain, clip(host)) }

// fromList reports whether a mailing list sent the mail: lists change what was signed.
func (v *view) fromList() bool { return v.m.Get("List-Id") != "" || v.m.Get("List-Post") != "" }
