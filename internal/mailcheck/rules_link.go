// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"unicode"

	"teiten/internal/indicator"
	"teiten/internal/mail"
)

// linkRule makes a rule of what is true of one link, told for the first for
// which it holds.
func linkRule(id string, weight int, holds func(v *view, l *link) (int, []any)) rule {
	return rule{id, weight, linkFamily, func(v *view, say sayer) {
		for _, l := range v.links {
			if !l.follows || l.url == nil || len(l.Places) == 0 {
				continue
			}
			if w, args := holds(v, l); w != 0 {
				say(w, l.Places, append([]any{"host", shownHost(l.Host)}, args...)...)
				return
			}
		}
	}}
}

var linkRules = []rule{
	linkRule("link.lookalike", 75, func(v *view, l *link) (int, []any) {
		if s := v.like(l.Host); s != nil {
			return min(s.weight, 80), []any{"like", s.target.domain}
		}
		return 0, nil
	}),
	linkRule("link.text_other", 55, textOther),
	linkRule("link.ip", 40, func(v *view, l *link) (int, []any) {
		a, err := netip.ParseAddr(l.Host)
		if err != nil || a.IsPrivate() || a.IsLoopback() {
			return 0, nil
		}
		return 40, nil
	}),
	linkRule("link.disguised", 50, disguised),
	linkRule("link.userinfo", 50, func(v *view, l *link) (int, []any) {
		w := l.written
		if i := strings.Index(w, "//"); i >= 0 {
			w = w[i+2:]
		}
		if i := strings.IndexAny(w, `/?#\`); i >= 0 {
			w = w[:i]
		}
		if strings.Contains(w, "@") && !l.inner {
			return 50, nil
		}
		return 0, nil
	}),
	linkRule("link.punycode", 25, func(v *view, l *link) (int, []any) {
		if strings.Contains("."+l.Host, ".xn--") && !l.trusted() {
			return 25, nil
		}
		return 0, nil
	}),
	linkRule("link.shortener", 25, func(v *view, l *link) (int, []any) {
		if under(v.k.shorteners, l.Host) {
			return 25, nil
		}
		return 0, nil
	}),
	linkRule("link.redirector", 30, func(v *view, l *link) (int, []any) {
		if l.outer && on(v.k.redirectors, l.url) {
			return 30, nil
		}
		return 0, nil
	}),
	linkRule("link.hosting", 25, func(v *view, l *link) (int, []any) {
		if under(v.k.hosting, l.Host) || on(v.k.hostingPaths, l.url) {
			return 25, nil
		}
		return 0, nil
	}),
	linkRule("link.cheap", 25, func(v *view, l *link) (int, []any) {
		if !l.trusted() && v.cheapHost(l.Host) && l.site != v.fromSite {
			return 25, nil
		}
		if !l.trusted() && v.cheapHost(l.Host) {
			return 20, nil
		}
		return 0, nil
	}),
	linkRule("link.port", 20, func(v *view, l *link) (int, []any) {
		if p := l.url.Port(); p != "" && p != "8080" && p != "8443" && !l.own {
			return 20, []any{"port", p}
		}
		return 0, nil
	}),
	linkRule("link.random", 25, func(v *view, l *link) (int, []any) {
		if l.trusted() {
			return 0, nil
		}
		label, _, _ := strings.Cut(l.site, ".")
		if random(label) {
			return 25, nil
		}
		if strings.Count(l.Host, ".") >= 5 {
			return 15, nil
		}
		return 0, nil
	}),
	{"link.scheme", 50, linkFamily, func(v *view, say sayer) {
		for _, l := range v.links {
			if !l.follows || l.scheme == "" || l.scheme == "http" || l.scheme == "https" || l.scheme == "ftp" || len(l.Places) == 0 {
				continue
			}
			if l.Places[0].Where == "file" && l.scheme == "javascript" || l.scheme == "x-apple-data-detectors" || l.scheme == "line" || l.scheme == "skype" || l.scheme == "msteams" || l.scheme == "zoommtg" {
				continue
			}
			say(0, l.Places, "scheme", clip(l.scheme))
			return
		}
	}},
	linkRule("link.recipient", 35, recipientIn),
	linkRule("link.program", 45, func(v *view, l *link) (int, []any) {
		ext := extension(l.url.Path[strings.LastIndexByte(l.url.Path, '/')+1:])
		if i := strings.LastIndexAny(l.url.RawQuery, "=/"); i >= 0 { // get.php?f=a.zip
			if e := extension(l.url.RawQuery[i+1:]); v.k.archives[e] || v.k.containers[e] || v.k.programs[e] {
				ext = e
			}
		}
		if !l.trusted() && ext != "com" && ext != "one" && ext != "url" && (v.k.programs[ext] || v.k.scripts[ext] && ext != "py" && ext != "sh" || v.k.containers[ext] || v.k.archives[ext]) {
			v.fetches = true
			weight := 45
			if v.k.archives[ext] {
				weight = 25
			}
			return weight, []any{"ending", ext}
		}
		return 0, nil
	}),
	{"link.qr", 30, linkFamily, func(v *view, say sayer) {
		for _, l := range v.links {
			if l.kind != "qr" || l.Value.Kind != indicator.URL || l.trusted() || !onlyImage(l) {
				continue
			}
			weight := 20
			if v.has(verify, password, login, click, mailbox, deadline) {
				weight = 35
			}
			if l.site == v.fromSite {
				weight = 15
			}
			say(weight, l.Places, "host", shownHost(l.Host))
			return
		}
	}},
	{"link.form_service", 20, linkFamily, func(v *view, say sayer) {
		for _, l := range v.links {
			if l.follows && l.url != nil && v.asks() && on([]string{"docs.google.com/forms", "forms.gle", "forms.office.com", "forms.microsoft.com", "typeform.com", "jotform.com", "form.run", "formrun.com"}, l.url) {
				say(0, l.Places, "host", shownHost(l.Host))
				return
			}
		}
	}},
}

// onlyImage reports whether an address stands in an image alone, and not beside
// it for those who click.
func onlyImage(l *link) bool {
	for _, p := range l.Places {
		if p.Where != "image" {
			return false
		}
	}
	return true
}

// textOther: the words of a link are an address of another site.
func textOther(v *view, l *link) (int, []any) {
	if l.words == "" || len(l.words) > 400 || l.inner {
		return 0, nil
	}
	for _, f := range indicator.Extract(l.words) {
		if f.Kind != indicator.URL && f.Kind != indicator.Domain || f.Host == "" {
			continue
		}
		site := siteOf(f.Host)
		if site == l.site || under(v.k.wrappers, l.Host) || sameName(site, l.site) {
			return 0, nil
		}
		// Mailing services count clicks under their own or the sender's name.
		weight := 35
		if v.isOwn(f.Host) || v.k.brandOf(f.Host) != nil {
			weight = 60
		}
		if l.outer || l.site == v.fromSite || l.trusted() {
			weight = 10
		}
		return weight, []any{"named", shownHost(f.Host)}
	}
	return 0, nil
}

// sameName reports whether two sites are one name under two suffixes.
func sameName(a, b string) bool {
	x, _, _ := strings.Cut(a, ".")
	y, _, _ := strings.Cut(b, ".")
	return x == y && len(x) >= 4
}

// disguised: the address is written so that people or filters read it wrongly.
func disguised(v *view, l *link) (int, []any) {
	w := strings.TrimSpace(l.written)
	if l.inner || w == "" || l.kind == "text" || l.kind == "words" {
		return 0, nil
	}
	authority := w
	if i := strings.Index(w, ":"); i >= 0 && i < 10 {
		authority = w[i+1:]
	}
	switch {
	case strings.Contains(authority[:min(3, len(authority))], `\`):
		return 50, []any{"how", `\`}
	case strings.ContainsAny(w[:min(len(w), 12)], "\t\r\n"):
		return 45, []any{"how", "⏎"}
	}
	host := strings.TrimLeft(authority, `/\`)
	if i := strings.IndexAny(host, `/?#\`); i >= 0 {
		host = host[:i]
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	host, _, _ = strings.Cut(host, ":")
	if host == "" {
		return 0, nil
	}
	if strings.Contains(host, "%") {
		return 50, []any{"how", "%"}
	}
	if strings.IndexFunc(host, func(r rune) bool { return invisible(r) || r < ' ' }) >= 0 {
		return 50, []any{"how", "�"}
	}
	if _, err := netip.ParseAddr(l.Host); err == nil && host != l.Host && !strings.HasPrefix(host, "[") {
		return 50, []any{"how", indicator.Defang(indicator.Domain, clip(host))}
	}
	return 0, nil
}

// recipientIn: the address carries that of the recipient, so that the sender
// learns who came, and can fill in his form.
func recipientIn(v *view, l *link) (int, []any) {
	if l.trusted() || l.site == v.fromSite && v.said[bulk] != nil {
		return 0, nil
	}
	w := strings.ToLower(l.written + " " + l.Value.Value)
	for _, to := range v.recipients() {
		if strings.Contains(w, to) || strings.Contains(w, strings.ReplaceAll(to, "@", "%40")) || strings.Contains(l.written, encoded(to)) {
			return 35, nil
		}
	}
	if masked, changed := indicator.Mask(indicator.URL, l.written); changed && strings.Contains(l.written, "@") && strings.Count(masked, "@") < strings.Count(l.written, "@") && l.kind != "inner" {
		if i := strings.Index(l.written, "//"); i >= 0 && strings.LastIndexByte(l.written, '@') > i+2+strings.IndexAny(l.written[i+2:]+"/", "/?#") {
			return 20, nil
		}
	}
	return 0, nil
}

// encoded is an address in base64, without the last letters, which depend on
// what follows.
func encoded(address string) string {
	s := base64.RawURLEncoding.EncodeToString([]byte(address))
	return s[:len(address)/3*4]
}

func (v *view) recipients() (all []string) {
	for _, list := range [][]mail.Address{v.m.To, v.m.Cc} {
		for i, a := range list {
			if i < 20 && strings.Contains(a.Address, "@") && len(a.Address) > 5 {
				all = append(all, strings.ToLower(a.Address))
			}
		}
	}
	return all
}

// random reports whether a label looks made by a machine: long, and letters and
// digits mixed, or hardly a vowel.
func random(label string) bool {
	if len(label) < 6 || len(label) > 63 || strings.HasPrefix(label, "xn--") {
		return false
	}
	changes, digits, vowels, letters, run, longestRun := 0, 0, 0, 0, 0, 0
	was := 0
	for _, r := range strings.ToLower(label) {
		is := 0
		switch {
		case unicode.IsDigit(r):
			is = 1
			digits++
		case unicode.IsLetter(r):
			is = 2
			letters++
			if strings.ContainsRune("aeiouy", r) {
				vowels++
				run = 0
			} else if run++; run > longestRun {
				longestRun = run
			}
		}
		if is != was && was != 0 && is != 0 {
			changes++
		}
		was = is
	}
	return len(label) >= 8 && changes >= 4 && digits >= 2 || letters >= 8 && longestRun >= 6 || letters >= 6 && longestRun >= 5 || letters >= 10 && vowels*6 < letters
}

// bait is the link that the mail wants followed and that belongs to nobody
// known; nil where there is none.
func (v *view) bait() *link {
	if v.baited {
		return v.lure
	}
	v.baited = true
	best := -1
	for _, l := range v.links {
		if !l.follows || l.url == nil || l.trusted() && !under(v.k.hosting, l.Host) || len(l.Places) == 0 || l.outer && under(v.k.wrappers, l.Host) {
			continue
		}
		score := 0
		switch l.kind {
		case "form", "refresh":
			score = 4
		case "a", "area", "qr", "event":
			score = 3
		case "text", "calendar", "file":
			score = 2
		case "words", "inner", "subject":
			score = 1
		}
		if registered(l.Host) {
			score -= 2
		}
		if score > best {
			v.lure, best = l, score
		}
	}
	return v.lure
}
