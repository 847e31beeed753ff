// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"teiten/internal/fold"
	"teiten/internal/indicator"
	"teiten/internal/mail"
)

const (
	maxLinks     = 60
	maxFiles     = 30
	ofFile       = 16 << 10 // bytes of its beginning and its end that are hashed
	leastShape   = 3        // words without which a path is like many
	leastFile    = 256      // bytes; what is smaller is a signature, an icon or empty
	widthOfText  = 5        // letters of a body that are taken together
	widthOfTitle = 2
)

// sender adds who sent the mail, or says to have.
func (w *maker) sender() {
	by := w.message.Sender
	if len(w.message.From) > 0 {
		by = w.message.From[0]
	}
	from := fold.Text(by.Address)
	if at := strings.LastIndexByte(from, '@'); at > 0 && at+1 < len(from) && len(from) <= 320 {
		local, at := from[:at], from[at+1:]
		parent := registrable(at)
		if w.who.inside(at) {
			at, parent = "=", "=" // a mail that pretends to come from the recipient's own
		}
		w.add(sender, token(local), at)
		w.add(domain, parent)
	}
	if name := w.who.letters(clip(by.Name, 300), 100); len(name) > 1 {
		w.add(shown, string(name))
	}
}

// subject adds the subject, without what answering and forwarding put before it.
func (w *maker) subject() {
	text := clip(w.message.Subject, 2000)
	for range 5 {
		rest := strings.TrimSpace(text)
		for _, prefix := range []string{"re:", "fw:", "fwd:", "re：", "fw：", "fwd：", "転送:", "転送：", "返信:", "返信："} {
			if len(rest) >= len(prefix) && strings.EqualFold(rest[:len(prefix)], prefix) {
				rest = rest[len(prefix):]
				break
			}
		}
		if rest == text {
			break
		}
		text = rest
	}
	letters := w.who.letters(text, 300)
	if len(letters) < 2 {
		return
	}
	w.add(subject, string(letters))
	if len(letters) >= leastTitle {
		s := w.sketcher()
		runs := s.runs(letters, widthOfTitle)
		w.print.Title = sketch(runs, s.minima(runs))
	}
}

func (w *maker) sketcher() *sketcher { return newSketcher(uint64(w.key(version, "sketch"))) }

// files adds hashes and names of attachments.
func (w *maker) files() {
	for i, p := range w.message.Files() {
		if i == maxFiles {
			return
		}
		if len(p.Data) >= leastFile && !strings.HasPrefix(p.MediaType, "image/") && p.Message == nil {
			w.add(file, strconv.Itoa(len(p.Data)), string(p.Data[:min(len(p.Data), ofFile)]), string(p.Data[max(0, len(p.Data)-ofFile):]))
		}
		if p.Name == "" || strings.HasPrefix(p.MediaType, "image/") {
			continue
		}
		stem, ext := fold.Text(clip(p.Name, 300)), ""
		if dot := strings.LastIndexByte(stem, '.'); dot >= 0 {
			stem, ext = stem[:dot], stem[dot:]
		}
		w.add(name, string(w.who.letters(stem, 100)), ext)
	}
}

// body adds the body's sketch and the links in it.
func (w *maker) body() {
	var text strings.Builder
	var links []string
	room := maxSource
	take := func(parts []*mail.Part, read func(string) (string, []string)) {
		for _, p := range parts {
			if room <= 0 || text.Len() >= maxText {
				return
			}
			source := clip(p.Text, room)
			room -= len(source)
			visible, found := read(source)
			text.WriteString(clip(visible, maxText))
			text.WriteByte('\n')
			links = append(links, found...)
		}
	}
	// What is seen is the HTML; a text beside it may say something else.
	if html := w.message.HTML(); len(html) > 0 {
		take(html, readHTML)
	}
	if strings.TrimSpace(text.String()) == "" {
		take(w.message.Texts(), readText)
	}
	for i, link := range links {
		if i == maxLinks {
			break
		}
		w.link(link)
	}
	letters := w.who.letters(text.String(), maxLetters)
	if len(letters) < leastText {
		return
	}
	w.print.Length = len(letters)
	s := w.sketcher()
	runs := s.runs(letters, widthOfText)
	minima := s.minima(runs)
	w.print.Text = sketch(runs, minima)
	for i := range bands {
		w.add(body, string(rune('a'+i)), band(minima, i))
	}
}

// readText finds the links of a plain text.
func readText(source string) (string, []string) {
	var links []string
	for _, f := range indicator.Extract(source) {
		if f.Kind == indicator.URL {
			if links = append(links, f.Value.Value); len(links) == maxLinks {
				break
			}
		}
	}
	return source, links
}

// link adds an address, with what may identify a recipient taken out.
func (w *maker) link(written string) {
	v, err := indicator.Normalise(indicator.URL, written)
	if err != nil || w.who.inside(v.Host) {
		return
	}
	_, rest, _ := strings.Cut(v.Value, "://")
	path := ""
	if slash := strings.IndexAny(rest, "/?"); slash >= 0 {
		path = rest[slash:]
	}
	path, parts := shapeOf(path)
	site := hostShape(v.Host)
	w.add(host, site)
	w.add(address, site, path)
	if parts >= leastShape {
		w.add(shape, path)
	}
}

// shapeOf is the path without tokens and numbers, and the names of the
// parameters in order; parts is how many words of it tell something.
func shapeOf(path string) (shape string, parts int) {
	path, query, _ := strings.Cut(path, "?")
	var b strings.Builder
	for i, segment := range strings.Split(clip(path, 1000), "/") {
		if segment == "" || i > 20 {
			continue
		}
		b.WriteByte('/')
		t := token(strings.ToLower(segment))
		b.WriteString(t)
		parts += telling(t)
	}
	var names []string
	for i, pair := range strings.FieldsFunc(clip(query, 2000), func(r rune) bool { return r == '&' || r == ';' }) {
		if i == 20 {
			break
		}
		name, _, valued := strings.Cut(pair, "=")
		if name = token(strings.ToLower(name)); !valued {
			name = "*" // a lone token, not a name
		} else {
			parts += telling(name)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		b.WriteString("?" + name)
	}
	return b.String(), parts
}

// telling counts a word of a path that was chosen, 1 or 0.
func telling(t string) int {
	t, _, _ = strings.Cut(t, ".")
	letters := 0
	for i := 0; i < len(t); i++ {
		if t[i] >= 'a' && t[i] <= 'z' {
			letters++
		}
	}
	return min(1, letters/3)
}

// token writes a word without numbers; one that looks random is "*".
func token(word string) string {
	stem, ext := word, ""
	if dot := strings.LastIndexByte(word, '.'); dot > 0 && len(word)-dot <= 6 {
		stem, ext = word[:dot], word[dot:]
	}
	letters, digits := 0, 0
	for i := 0; i < len(stem); i++ {
		switch c := stem[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z':
			letters++
		}
	}
	if digits > 0 && letters+digits >= 6 && letters > 0 || len(stem) >= 24 {
		return "*" + ext
	}
	var b strings.Builder
	number := false
	for i := 0; i < len(word); i++ {
		c := word[i]
		if c >= '0' && c <= '9' {
			if !number {
				b.WriteByte('0')
			}
			number = true
			continue
		}
		number = false
		b.WriteByte(c)
	}
	return b.String()
}

// hostShape is a host with what looks random below its registrable domain taken
// out: campaigns make names for each recipient.
func hostShape(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	parent := registrable(host)
	below, ok := strings.CutSuffix(host, "."+parent)
	if !ok {
		return host
	}
	labels := strings.Split(below, ".")
	for i, l := range labels {
		labels[i] = token(l)
	}
	return strings.Join(labels, ".") + "." + parent
}

// registrable is the domain that somebody registered, or rented.
func registrable(host string) string {
	parent, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return host
	}
	return parent
}

// clip cuts a text to at most n bytes, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
