// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"encoding/base64"
	"net/url"
	"strings"

	"teiten/internal/indicator"
)

// link is an address in the mail with what the rules ask about it.
type link struct {
	Link
	kind    string // see Target; besides text, qr, inner (inside another), calendar, file, header
	url     *url.URL
	written string // as it stands
	words   string // that lead there
	site    string // registrable domain of the host
	brand   *brand
	own     bool // of the institution
	follows bool // a reader can go there: no image, no style
	inner   bool // found inside another address
	outer   bool // a gateway's or redirector's, with another inside
	scheme  string
}

// trusted reports whether the host belongs to the institution, to a known brand
// or to a public body.
func (l *link) trusted() bool { return l.own || l.brand != nil }

const maxInner = 3 // addresses inside addresses

// inners returns the addresses that an address carries: of redirectors, of
// mail gateways, or in base64.
func inners(u *url.URL) (found []string) {
	if strings.HasSuffix(u.Host, "urldefense.com") || strings.HasSuffix(u.Host, "urldefense.proofpoint.com") {
		if s := proofpoint(u); s != "" {
			return []string{s}
		}
	}
	look := func(s string) {
		if len(found) >= 10 {
			return
		}
		for range 3 {
			if at := addressIn(s); at >= 0 {
				found = append(found, s[at:])
				return
			}
			if d, err := url.QueryUnescape(s); err == nil && d != s {
				s = d
				continue
			}
			break
		}
		if strings.HasPrefix(s, "aHR0c") { // "http" in base64
			s = strings.TrimRight(s, "=")
			for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				if b, err := enc.DecodeString(s); err == nil && addressIn(string(b)) == 0 {
					found = append(found, string(b))
					return
				}
			}
		}
	}
	for i, pair := range strings.SplitN(u.RawQuery, "&", 51) {
		if i == 50 {
			break
		}
		_, v, ok := strings.Cut(pair, "=")
		if !ok {
			v = pair
		}
		look(v)
	}
	if u.Fragment != "" {
		_, v, ok := strings.Cut(u.Fragment, "=")
		if !ok {
			v = u.Fragment
		}
		look(v)
	}
	if p := u.EscapedPath(); len(p) > 8 {
		look(p[1:])
	}
	return found
}

// addressIn is where a web address begins in a value, -1 for none.
func addressIn(s string) int {
	l := strings.ToLower(s[:min(len(s), 4096)])
	for _, p := range []string{"https://", "http://", "https:/", "http:/"} {
		if i := strings.Index(l, p); i >= 0 && len(s) > i+len(p)+3 {
			return i
		}
	}
	if strings.HasPrefix(s, "//") && len(s) > 6 && strings.Contains(s, ".") {
		return 0
	}
	return -1
}

// proofpoint undoes the two ways in which URL Defense writes an address.
func proofpoint(u *url.URL) string {
	if v := u.Query().Get("u"); v != "" { // version 2
		v = strings.NewReplacer("_", "/", "-", "%").Replace(v)
		if s, err := url.PathUnescape(v); err == nil {
			return s
		}
	}
	if _, rest, ok := strings.Cut(u.Path, "/v3/__"); ok { // version 3
		if s, _, ok := strings.Cut(rest, "__;"); ok {
			return strings.ReplaceAll(s, "*", "-")
		}
	}
	return ""
}

// on reports whether an address lies on one of the places, which are a host, or
// a host and the beginning of a path.
func on(places []string, u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	for _, p := range places {
		h, path, _ := strings.Cut(p, "/")
		if (host == h || strings.HasSuffix(host, "."+h)) && strings.HasPrefix(u.Path, "/"+path) {
			return true
		}
	}
	return false
}

// normal gives the indicator of a web address, and the address parsed.
func normal(address string) (indicator.Value, *url.URL, bool) {
	v, err := indicator.Normalise(indicator.URL, address)
	if err != nil || v.Host == "" {
		return v, nil, false
	}
	u, err := url.Parse(v.Value)
	if err != nil {
		return v, nil, false
	}
	return v, u, true
}
