// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"net/netip"
	"strings"

	"teiten/internal/indicator"
)

// url finds what must be hidden in a URL as it was written. Inside hosts take
// the whole URL with them; of others the part goes that names somebody.
func (r *redactor) url(raw, host string) (hits []hit) {
	if r.isInside(host) || isInternal(host) {
		return []hit{{from: 0, to: len(raw), kind: Host}}
	}
	rest := restOf(raw)
	masked, changed := indicator.Mask(indicator.URL, raw)
	if changed {
		hits = append(hits, differences(raw, masked, rest)...)
	}
	if len(raw) > indicator.MaxURL { // Mask leaves what it does not read
		return allBut(raw, rest)
	}
	add := func(from, to int, kind Kind) {
		from, to = component(raw, rest, from, to)
		if strings.Trim(raw[from:to], "*") != "" {
			hits = append(hits, hit{from: from, to: to, kind: kind, star: true})
		}
	}
	r.tokens(raw, rest, func(from, to int) { hits = append(hits, hit{from, to, Token, true}) })
	e := unescaped(raw)
	for level := 0; level <= escapeLevels; level++ {
		v := newView(e.text, nil)
		v.url = true
		back := func(from, to int, kind Kind) {
			at := v.origin(from, to)
			at = e.origin(at.from, at.to)
			add(at.from, at.to, kind)
		}
		v.known(r.inside, back)
		v.known(r.own, back)
		r.hidden(e.text, func(from, to int, kind Kind) {
			if at := e.origin(from, to); at.to > rest { // base64 may begin anywhere in a path
				add(max(at.from, rest), at.to, kind)
			} else {
				add(at.from, at.to, kind)
			}
		})
		p := people{v: v, red: r, hit: func(from, to int, kind Kind) {
			if at := v.origin(from, to); int(e.at[at.from]) >= rest {
				back(from, to, kind)
			}
		}}
		p.inURL()
		var more bool
		if e, more = e.decode(); !more {
			break
		}
	}
	return hits
}

// tokenNames name parameters whose value is made for one recipient, besides
// those that indicator.Mask knows.
var tokenNames = words(`token access_token auth key sid session sig signature hash code uid rid cid mid lid tid eid vid pid id u t k c e m h s x q
	data d p r ref recipient contact user trk track tracking click campaign subscriber unsub`)

// strictNames are those that name nothing else.
var strictNames = words(`token access_token auth key sid session sig signature hash uid rid cid`)

// tokens finds parts of path, query and fragment that look made for one
// recipient. What could as well be the directory of a kit, such as the MD5 of
// anything, stays, because without it the URL is no indicator.
func (r *redactor) tokens(raw string, rest int, hit func(from, to int)) {
	from, query, name := rest, false, ""
	for i := rest; i <= len(raw); i++ {
		end := i == len(raw)
		if !end && strings.IndexByte(`/\?&#=;`, raw[i]) < 0 {
			continue
		}
		part := raw[from:i]
		named := query && tokenNames[strings.ToLower(name)]
		if digits, letters, plain := mix(part); plain && digits > 0 && letters > 0 &&
			(isUUID(part) || len(part) >= 40 || len(part) >= 24 && (query || !isHexRun(part)) || named && len(part) >= 12) {
			hit(from, i)
		} else if query && plain && len(part) >= 16 && strictNames[strings.ToLower(name)] { // letters only, by chance
			hit(from, i)
		}
		if end {
			return
		}
		switch raw[i] {
		case '=':
			name = part
		case '?', '#', '&':
			query, name = true, ""
		default:
			name = ""
		}
		from = i + 1
	}
}

// mix counts what a part is made of; it is plain if of nothing but letters,
// figures and what encodings put between them.
func mix(s string) (digits, letters int, plain bool) {
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c):
			digits++
		case isAlpha(c):
			letters++
		case strings.IndexByte("-_~+%", c) < 0:
			return 0, 0, false
		}
	}
	// Words that are parted by hyphens, and a few figures, are a title.
	return digits, letters, strings.Count(s, "-")+strings.Count(s, "_") <= 4 || digits*3 >= letters
}

func isHexRun(s string) bool {
	for i := range len(s) {
		if unhex(s[i]) < 0 {
			return false
		}
	}
	return true
}

// isUUID knows the form of RFC 9562.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && unhex(s[i]) < 0 {
			return false
		}
	}
	return true
}

// restOf is where path, query or fragment begin.
func restOf(raw string) int {
	start := 0
	if i := strings.Index(raw, "//"); i >= 0 && i < 16 {
		start = i + 2
	} else if i := strings.Index(raw, "／／"); i >= 0 && i < 32 {
		start = i + len("／／")
	}
	for i, c := range raw[start:] {
		if strings.ContainsRune(`/\?#／？＃`, c) {
			return start + i
		}
	}
	return len(raw)
}

// component widens a place in path, query or fragment to the segment or value
// around it; one in the host is a name of it.
func component(raw string, rest, from, to int) (int, int) {
	const ends = `/\?&#=;`
	if from < rest {
		return from, max(from, min(to, rest))
	}
	for from > rest && strings.IndexByte(ends, raw[from-1]) < 0 {
		from--
	}
	if from == rest && from < to && strings.IndexByte(ends, raw[from]) >= 0 {
		from++
	}
	for to < len(raw) && strings.IndexByte(`/\?&#;`, raw[to]) < 0 {
		to++
	}
	return from, max(from, to)
}

// differences are the places of raw for which a star stands in masked. Where
// the two cannot be laid side by side, because defanging was undone on the way,
// all behind the host is one place.
func differences(raw, masked string, rest int) (hits []hit) {
	at := 0
	pieces := strings.Split(masked, star)
	for i, p := range pieces {
		n := strings.Index(raw[at:], p)
		if n < 0 || i == 0 && n > 0 || i == len(pieces)-1 && !strings.HasSuffix(raw[at:], p) {
			return allBut(raw, rest)
		}
		if i == len(pieces)-1 {
			n = len(raw) - at - len(p)
		} else if p == "" && i > 0 {
			continue // two stars side by side
		}
		if i > 0 && n > 0 && strings.Trim(raw[at:at+n], "*") != "" {
			hits = append(hits, hit{from: at, to: at + n, kind: Token, star: true})
		}
		at += n + len(p)
	}
	return hits
}

// allBut leaves only the host of a URL.
func allBut(raw string, rest int) (hits []hit) {
	if at := strings.LastIndexByte(raw[:rest], '@'); at >= 0 {
		from := 0
		if i := strings.LastIndexByte(raw[:at], '/'); i >= 0 {
			from = i + 1
		}
		hits = append(hits, hit{from: from, to: at, kind: Token, star: true})
	}
	if rest < len(raw) { // the "/" stays: a star behind a host would be read as a part of it
		hits = append(hits, hit{from: rest + 1, to: len(raw), kind: Token, star: true})
	}
	return hits
}

// isInside reports whether a host is one of the institution's.
func (r *redactor) isInside(host string) bool {
	for _, d := range r.domains {
		if host == d || len(host) > len(d) && strings.HasSuffix(host, d) && host[len(host)-len(d)-1] == '.' {
			return true
		}
	}
	return false
}

// Networks that nobody can reach from outside: RFC 1918, 6598 (carrier NAT),
// 3927 and 4291 (link-local), 4193 (ULA), and loopback.
var internalNets = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("::1/128"),
}

// internalNames are endings of names that no public resolver knows: RFC 6762,
// 8375, ICANN's "internal" (2024), and what networks use without asking.
var internalNames = []string{".local", ".lan", ".internal", ".corp", ".intra", ".intranet", ".localdomain", ".home.arpa", ".home", ".private", ".localhost"}

// isInternal reports whether a host or network is one that is only reached
// from inside, wherever that is.
func isInternal(host string) bool {
	host = strings.ToLower(strings.Trim(host, "[]."))
	if bits := strings.IndexByte(host, '/'); bits >= 0 {
		host = host[:bits]
	}
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap().WithZone("")
		for _, n := range internalNets {
			if n.Contains(a) {
				return true
			}
		}
		return false
	}
	for _, end := range internalNames {
		if strings.HasSuffix(host, end) {
			return true
		}
	}
	return host != "" && !strings.Contains(host, ".") && !strings.Contains(host, ":")
}
