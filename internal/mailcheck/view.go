// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"teiten/internal/indicator"
	"teiten/internal/mail"
)

// Limits of looking at one mail. What they cut is named in Answer.Incomplete.
const (
	maxLinks    = 2_000
	maxPlaces   = 20      // of one link
	maxFiles    = 200     // attachments
	maxBody     = 1 << 20 // bytes of text that phrases are looked for in
	maxImages   = 12      // that are searched for QR codes
	maxImage    = 4 << 20 // bytes of such an image
	maxImageAll = 8 << 20 // of all
	maxShown    = 200     // bytes of Place.Text
)

// view is a mail as it was looked at: everything the rules ask about.
type view struct {
	k     *known
	facts *Facts
	m     *mail.Message

	from     mail.Address // the first
	fromHost string
	fromSite string
	fromOf   *brand
	fromOwn  bool
	free     bool // From is free mail

	bodies    []body
	subject   folded
	name      folded // display name of From
	said      [concepts]*said
	counts    [concepts]int
	brands    []mention
	links     []*link
	byValue   map[string]*link
	files     []*file
	codes     int // QR codes with an address
	headers7z int // bytes unpacked
	cut       map[string]bool
	targets   []target
	likes     map[string]*likeness
	now       time.Time
	auth      *results
	lure      *link
	baited    bool
	fetches   bool // a link downloads a program or an archive
}

// body is a text of the mail and what it is in folded form.
type body struct {
	path   string
	html   bool
	text   string
	folded folded
	r      *Rendered
}

// newView looks at a mail.
func newView(m *mail.Message, f *Facts) *view {
	v := &view{k: bundled(), facts: f, m: m, byValue: map[string]*link{}, cut: map[string]bool{}, likes: map[string]*likeness{}, now: f.Now}
	if v.now.IsZero() {
		v.now = time.Now()
	}
	for _, d := range f.Own {
		if t, ok := newTarget(strings.ToLower(d), d, nil); ok {
			v.targets = append(v.targets, t)
		}
	}
	v.targets = append(v.targets, v.k.targets...)
	if len(m.From) > 0 {
		v.from = m.From[0]
	} else if m.Sender.Address != "" {
		v.from = m.Sender
	}
	v.fromHost = hostOf(v.from.Address)
	v.fromSite = siteOf(v.fromHost)
	v.fromOf, v.fromOwn = v.k.brandOf(v.fromHost), v.isOwn(v.fromHost)
	v.free = under(v.k.freeMail, v.fromHost)
	v.subject, v.name = foldText(m.Subject), foldText(v.from.Name)

	if m.Format == mail.Text || f.inline {
		v.cut["mailcheck.cut.header"] = true
	}
	v.readBodies()
	v.readFiles()
	v.readCalendar()
	v.readImages()
	v.readHeader()
	v.readPhrases()
	return v
}

// isOwn reports whether a host is the institution's.
func (v *view) isOwn(host string) bool {
	if host == "" {
		return false
	}
	for name := range parents(host) {
		if slices.Contains(v.facts.Own, name) {
			return true
		}
	}
	return false
}

func hostOf(address string) string {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return ""
	}
	return strings.ToLower(strings.TrimRight(address[i+1:], "."))
}

// siteOf is the registrable domain, or the host where there is none.
func siteOf(host string) string {
	if s := registrable(host); s != "" {
		return s
	}
	return host
}

func clip(s string) string {
	s = strings.TrimSpace(s)
	if len(s) <= maxShown {
		return s
	}
	n := maxShown
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

func (v *view) readBodies() {
	room := maxBody
	for _, p := range v.m.Texts() {
		text := p.Text
		if len(text) > room {
			text, v.cut["mailcheck.cut.text"] = text[:room], true
		}
		room -= len(text)
		v.bodies = append(v.bodies, body{path: p.Path, text: text, folded: foldText(text)})
		found, err := indicator.ExtractLimit(text[:min(len(text), indicator.MaxText)], maxLinks)
		if err != nil {
			v.cut["mailcheck.cut.links"] = true
		}
		v.addFound(found, "text", p.Path, "text")
	}
	for _, p := range v.m.HTML() {
		r := Render(p)
		if len(r.Text) > room {
			r.Text, r.Cut = r.Text[:room], true
		}
		room -= len(r.Text)
		if r.Cut {
			v.cut["mailcheck.cut.text"] = true
		}
		v.bodies = append(v.bodies, body{path: p.Path, html: true, text: r.Text, folded: foldText(r.Text), r: &r})
		v.addTargets(&r, p.Path, "link")
		if found, err := indicator.ExtractLimit(r.Text, maxLinks); err == nil || len(found) > 0 {
			v.addFound(found, "html", p.Path, "words")
		}
		for _, h := range r.Hidden {
			if strings.Contains(h.Text, "://") {
				v.addFound(indicator.Extract(h.Text[:min(len(h.Text), 8192)]), "html", p.Path, "hidden")
			}
		}
	}
	v.addFound(indicator.Extract(v.m.Subject), "subject", "", "subject")
}

// addTargets adds the addresses in tags.
func (v *view) addTargets(r *Rendered, path, where string) {
	for i := range r.Links {
		t := &r.Links[i]
		start, end := min(t.Start, len(r.Text)), min(t.End, len(r.Text))
		words := strings.TrimSpace(r.Text[start:max(start, end)])
		place := Place{Where: where, Path: path, Text: clip(t.Written), Start: start, End: end}
		if t.Kind == "form" {
			place.Where = "form"
		}
		l := v.addAddress(t.URL, t.Scheme, place, t.Kind, 0)
		if l == nil {
			continue
		}
		if l.words == "" {
			l.words = words
		}
		if l.written == "" || t.Kind == "a" {
			l.written = t.Written
		}
	}
}

// addFound adds what was found in a text.
func (v *view) addFound(found []indicator.Found, where, path, kind string) {
	for _, f := range found {
		place := Place{Where: where, Path: path, Text: clip(f.Written), Start: f.Start, End: f.End}
		if f.Kind == indicator.URL {
			if l := v.addAddress(f.Value.Value, "", place, kind, 0); l != nil && l.written == "" {
				l.written = f.Written
			}
			continue
		}
		v.add(f.Value, place, kind)
	}
}

// addAddress adds an address of whatever scheme, and those inside it.
func (v *view) addAddress(address, scheme string, place Place, kind string, depth int) *link {
	switch scheme {
	case "mailto":
		to, _, _ := strings.Cut(address[len("mailto:"):], "?")
		if val, err := indicator.Normalise(indicator.Email, to); err == nil {
			return v.add(val, place, "mailto")
		}
		return nil
	case "tel", "sms", "fax", "callto", "about":
		return nil
	case "", "http", "https", "ftp":
	default: // javascript:, data:, file:, blob:, ms-word:, …
		l := &link{Link: Link{Places: []Place{place}}, kind: kind, scheme: scheme, written: address[:min(len(address), 400)], follows: clickable(kind)}
		if len(v.links) < maxLinks {
			v.links = append(v.links, l)
		}
		for i, f := range indicator.Extract(address[:min(len(address), 8192)]) {
			if i < 10 && f.Kind == indicator.URL {
				v.addAddress(f.Value.Value, "", place, kind, depth)
			}
		}
		return l
	}
	val, u, ok := normal(address)
	if !ok {
		return nil
	}
	l := v.add(val, place, kind)
	if l == nil || l.url != nil {
		return l
	}
	l.url, l.scheme = u, u.Scheme
	if l.written == "" {
		l.written = address
	}
	if depth < maxInner {
		full := u
		if raw, _, ok := strings.Cut(address, "#"); ok {
			c := *u
			c.Fragment = address[len(raw)+1:]
			full = &c
		}
		for _, in := range inners(full) {
			if strings.HasPrefix(in, "//") {
				in = "https:" + in
			}
			if inner := v.addAddress(in, "", place, "inner", depth+1); inner != nil && inner != l {
				inner.follows, inner.inner = inner.follows || l.follows, true
				if inner.words == "" {
					inner.words = l.words
				}
				l.outer = true
			}
		}
	}
	return l
}

func clickable(kind string) bool {
	switch kind {
	case "a", "area", "form", "refresh", "text", "qr", "calendar", "event", "file", "frame", "subject", "words":
		return true
	}
	return false
}

// add adds a value with its place.
func (v *view) add(val indicator.Value, place Place, kind string) *link {
	key := string(val.Kind) + " " + val.Value
	l := v.byValue[key]
	if l == nil {
		if len(v.links) >= maxLinks {
			v.cut["mailcheck.cut.links"] = true
			return nil
		}
		l = &link{Link: Link{Value: val}, kind: kind}
		l.site = siteOf(val.Host)
		l.brand, l.own = v.k.brandOf(val.Host), v.isOwn(val.Host)
		v.links, v.byValue[key] = append(v.links, l), l
	}
	if len(l.Places) < maxPlaces {
		l.Places = append(l.Places, place)
	}
	if !l.follows && clickable(kind) {
		l.follows = true
		if l.kind != "words" || kind == "a" {
			l.kind = kind
		}
	}
	return l
}

// like says whom a host imitates; nil for nobody.
func (v *view) like(host string) *likeness {
	if l, ok := v.likes[host]; ok {
		return l
	}
	var l *likeness
	if host != "" && !v.isOwn(host) && v.k.brandOf(host) == nil && !under(v.k.freeMail, host) && len(v.likes) < 300 {
		if found, ok := imitates(host, v.targets, v.k.added); ok {
			l = &found
		}
	}
	v.likes[host] = l
	return l
}

// readHeader adds the addresses and hosts of the header.
func (v *view) readHeader() {
	m := v.m
	address := func(field string, all ...mail.Address) {
		for _, a := range all[:min(len(all), 20)] {
			if val, err := indicator.Normalise(indicator.Email, a.Address); err == nil {
				v.add(val, Place{Where: "header:" + field, Text: clip(a.Address)}, "header")
			}
		}
	}
	address("From", m.From...)
	address("Sender", m.Sender)
	address("Reply-To", m.ReplyTo...)
	address("Return-Path", m.ReturnPath)
	if _, host, ok := strings.Cut(m.MessageID, "@"); ok {
		if val, err := indicator.Normalise(indicator.Domain, host); err == nil {
			v.add(val, Place{Where: "header:Message-ID", Text: clip(host)}, "header")
		}
	}
	for _, name := range []string{"List-Unsubscribe", "Content-Location", "Content-Base"} {
		for _, value := range m.All(name) {
			found := indicator.Extract(value[:min(len(value), 4096)])
			v.addFound(found[:min(len(found), 10)], "header:"+name, "", "header")
		}
	}
	for _, name := range []string{"Received", "X-Originating-IP", "X-Sender-IP"} {
		for i, value := range m.All(name) {
			if i == 30 {
				break
			}
			for j, f := range indicator.Extract(received(value)) {
				if j == 10 || f.Kind == indicator.URL || f.Kind == indicator.Email {
					continue
				}
				if a, err := netip.ParseAddr(f.Value.Value); err == nil && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()) {
					continue
				}
				v.add(f.Value, Place{Where: "header:" + name, Text: clip(f.Written)}, "header")
			}
		}
	}
}

// received is the part of a Received field about where the mail came from: the
// host that wrote it says nothing about the sender.
func received(s string) string {
	s = s[:min(len(s), 2048)]
	if i := strings.Index(s, " by "); i > 0 {
		s = s[:i]
	}
	return s
}
