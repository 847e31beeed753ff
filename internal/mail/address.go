// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"strings"
	"unicode/utf8"

	"teiten/internal/charset"
)

// maxAddresses bounds the addresses of one field.
const maxAddresses = 5000

// ParseAddresses reads a list of addresses as people and programs write them:
// RFC 5322, section 3.4, and beside it names with commas, dots and colons that
// are not quoted, Japanese punctuation, full-width brackets and at signs,
// encoded words wherever they stand. What has no address at all is kept as a
// name.
func ParseAddresses(v string) []Address { return (*scope)(nil).addresses(v, "", "") }

func (s *scope) addresses(raw, hint, what string) []Address {
	v := raw
	if !isPlain(v) && !asciiOnly(v) {
		v = charset.Decode([]byte(v), hint).Text
	}
	if strings.Contains(v, "=?") && !strings.ContainsAny(v, "@＠") {
		// The whole field, address and all, in encoded words.
		if d := s.decodeWords(v, hint, "", what); strings.ContainsAny(d, "@＠") {
			s.repair("mail.repair_address", "", what)
			v = d
		}
	}
	p := addressParser{s: s, v: v, what: what, group: strings.LastIndexAny(v, ";；")}
	p.parse()
	return p.all
}

func asciiOnly(v string) bool {
	for i := 0; i < len(v); i++ {
		if v[i] >= 0x80 || v[i] == 0x1b {
			return false
		}
	}
	return true
}

type addressParser struct {
	s       *scope
	v, what string
	group   int // the last semicolon, which can end a group
	all     []Address

	words   []string // of the phrase so far, decoded
	glue    []bool   // no blank before the word
	comment string
	at      bool // an at sign was in the phrase
	close   int  // the next closing bracket
	open    bool // a parenthesis is not closed: no more comments
	done    bool // an address in brackets was read in this entry
}

func (p *addressParser) parse() {
	v := p.v
	w := words{s: v, end: -1, begin: -1}
	spaced := false
	for i := 0; i < len(v) && len(p.all) < maxAddresses; {
		r, n := rune(v[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(v[i:])
		}
		switch {
		case r == ' ' || r == '\t' || r == '\r' || r == '\n':
			spaced = true
			i += n
			continue
		case r == ',' || r == ';' || r == '，' || r == '；' || r == '、' && (p.at || p.done):
			if !p.at && !p.done && (r == ',' || r == '，') && len(p.words) > 0 && p.nameGoesOn(i+n) {
				p.add(string(r), !spaced)
				i += n
				spaced = false
				continue
			}
			p.flush()
			i += n
		case r == ':' && !p.at && p.group > i && len(p.words) > 0:
			p.words, p.glue, p.comment = nil, nil, "" // the name of a group
			i += n
		case r == '<' || r == '＜':
			i = p.angle(i + n)
		case r == '(' && p.open:
			i += n
		case r == '(':
			var c string
			c, i = p.parenthesis(i)
			if p.comment == "" {
				p.comment = c
			}
		case r == '"' || r == '“' && !p.at:
			var q string
			q, i = p.quoted(i + n)
			p.add(q, !spaced)
		case r == '=' && i+1 < len(v) && v[i+1] == '?':
			if e, ok := w.at(i); ok {
				end := e.next
				// Words that follow at once belong together, since characters may be
				// cut between them.
				for {
					k := end
					for k < len(v) && (v[k] == ' ' || v[k] == '\t') {
						k++
					}
					if !strings.HasPrefix(v[k:], "=?") {
						break
					}
					if e, ok = w.at(k); !ok {
						break
					}
					end = e.next
				}
				p.add(p.s.decodeWords(v[i:end], "", "", p.what), !spaced)
				if strings.ContainsAny(p.words[len(p.words)-1], "@＠") && end < len(v) && v[end] == '@' {
					p.at = true
				}
				i = end
				break
			}
			fallthrough
		default:
			start := i
			for i < len(v) {
				r, n = utf8.DecodeRuneInString(v[i:])
				if strings.ContainsRune(" \t\r\n,;，；<＜(\"", r) || r == '、' && p.at || r == ':' && !p.at && p.group > i ||
					r == '=' && i > start && strings.HasPrefix(v[i:], "=?") {
					break
				}
				if r == '@' || r == '＠' {
					p.at = true
				}
				i += n
			}
			if i == start { // '“' and the like
				i += n
			}
			p.add(v[start:i], !spaced)
		}
		spaced = false
	}
	p.flush()
}

// nameGoesOn reports whether behind a comma the name goes on: an address in
// brackets follows before another comma, and no bare address.
func (p *addressParser) nameGoesOn(i int) bool {
	rest := p.v[i:min(len(p.v), i+200)]
	end := strings.IndexAny(rest, "<＜,，;；@＠")
	if end < 0 {
		return false
	}
	r, _ := utf8.DecodeRuneInString(rest[end:])
	return r == '<' || r == '＜'
}

func (p *addressParser) add(word string, glue bool) {
	p.words = append(p.words, word)
	p.glue = append(p.glue, glue && len(p.words) > 1)
}

func (p *addressParser) phrase() string {
	if len(p.words) == 1 {
		return strings.TrimSpace(p.words[0])
	}
	var b strings.Builder
	for i, w := range p.words {
		if i > 0 && !p.glue[i] {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return strings.TrimSpace(b.String())
}

func (p *addressParser) flush() {
	phrase := p.phrase()
	if !p.done && phrase != "" {
		a := Address{}
		switch {
		case p.at && p.several():
			return
		case p.at:
			a = Address{Name: strings.TrimSpace(p.comment), Address: p.clean(phrase)}
			// "name a@b" without brackets.
			if sp := strings.LastIndexAny(a.Address, " \u3000"); sp > 0 && !strings.ContainsAny(a.Address[:sp], "@") {
				a = Address{Name: strings.TrimSpace(a.Address[:sp]), Address: p.clean(strings.TrimLeft(a.Address[sp:], " \u3000"))}
				p.s.repair("mail.repair_address", "", p.what)
			}
		default:
			a.Name = phrase
		}
		p.all = append(p.all, a)
	}
	p.words, p.glue, p.comment, p.at, p.done = p.words[:0], p.glue[:0], "", false, false
}

// several splits addresses between which there are only blanks.
func (p *addressParser) several() bool {
	if len(p.words) < 2 {
		return false
	}
	for i, w := range p.words {
		if p.glue[i] || strings.Count(w, "@") != 1 || w[0] == '@' || w[len(w)-1] == '@' {
			return false
		}
	}
	p.s.repair("mail.repair_address", "", p.what)
	for _, w := range p.words {
		p.all = append(p.all, Address{Address: p.clean(w)})
	}
	p.words, p.glue, p.comment, p.at = p.words[:0], p.glue[:0], "", false
	return true
}

// angle reads an address in brackets up to i, behind the opening one.
func (p *addressParser) angle(i int) int {
	v := p.v[i:]
	if p.close < i { // looked for once, so that the time is linear
		if p.close = len(p.v); strings.ContainsAny(v, ">＞") {
			p.close = i + strings.IndexAny(v, ">＞")
		}
	}
	end := p.close - i
	if p.close == len(p.v) {
		end = -1
	}
	var next int
	if comma := strings.IndexAny(v, ",;<＜"); end < 0 || comma >= 0 && comma < end && strings.IndexByte(v[comma:end], '<') >= 0 {
		p.s.repair("mail.repair_address", "", p.what)
		if end = comma; end < 0 {
			end = len(v)
		}
		next = i + end
	} else {
		_, n := utf8.DecodeRuneInString(v[end:])
		next = i + end + n
	}
	spec := v[:end]
	if strings.Contains(spec, "=?") {
		p.s.repair("mail.repair_address", "", p.what)
		spec = p.s.decodeWords(spec, "", "", p.what)
	}
	a := Address{Name: p.phrase(), Address: p.clean(spec)}
	if a.Name == "" {
		a.Name = strings.TrimSpace(p.comment)
	}
	if p.done {
		p.s.repair("mail.repair_address_two", "", p.what)
	}
	if a.Address != "" || a.Name != "" {
		p.all = append(p.all, a)
	}
	p.words, p.glue, p.at, p.done = p.words[:0], p.glue[:0], false, true
	return next
}

// parenthesis reads a comment from its opening parenthesis on.
func (p *addressParser) parenthesis(i int) (text string, next int) {
	v := p.v
	depth := 0
	for j := i; j < len(v); j++ {
		switch v[j] {
		case '\\':
			j++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return p.s.decodeWords(v[i+1:j], "", "", p.what), j + 1
			}
		}
	}
	// Never closed: only the sign is left out, and others after it.
	p.open = true
	p.s.repair("mail.repair_quote", "", p.what)
	return "", i + 1
}

// quoted reads a quoted string from behind its opening quote on.
func (p *addressParser) quoted(i int) (text string, next int) {
	v := p.v
	var out []byte
	for j := i; j < len(v); j++ {
		switch c := v[j]; {
		case c == '\\' && j+1 < len(v):
			j++
			out = append(out, v[j])
			continue
		case c == '"':
			return p.decodeQuoted(out), j + 1
		case strings.HasPrefix(v[j:], "”"):
			return p.decodeQuoted(out), j + len("”")
		}
		out = append(out, v[j])
	}
	p.s.repair("mail.repair_quote", "", p.what)
	end := strings.IndexAny(v[i:], "<＜")
	if end < 0 {
		end = len(v) - i
	}
	return p.decodeQuoted([]byte(v[i : i+end])), i + end
}

func (p *addressParser) decodeQuoted(b []byte) string {
	v := string(b)
	if strings.Contains(v, "=?") {
		p.s.repair("mail.repair_word", "", p.what)
		return p.s.decodeWords(v, "", "", p.what)
	}
	return v
}

// clean brings local@domain into one form: no blanks, brackets or routes, ASCII
// for full-width letters, the domain in lower case.
func (p *addressParser) clean(v string) string {
	v = strings.TrimSpace(v)
	wide := false
	v = strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			wide = true
			return r - '！' + '!'
		case r == '\u3000':
			return ' '
		case r == '。':
			return '.'
		}
		return r
	}, v)
	if wide {
		p.s.repair("mail.repair_address_wide", "", p.what)
	}
	v = strings.Trim(v, "<>[]'\"`,; \t")
	if len(v) > 7 && strings.EqualFold(v[:7], "mailto:") {
		v = v[7:]
	}
	if strings.HasPrefix(v, "@") { // a route (RFC 5322, section 4.4)
		if colon := strings.IndexByte(v, ':'); colon >= 0 {
			v = v[colon+1:]
		}
	}
	at := strings.LastIndexByte(v, '@')
	if at < 0 {
		return v
	}
	local, domain := strings.TrimSpace(v[:at]), strings.TrimSpace(v[at+1:])
	return local + "@" + strings.ToLower(strings.TrimSuffix(domain, "."))
}
