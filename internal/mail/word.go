// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"strings"

	"teiten/internal/charset"
)

// word is an encoded word of RFC 2047.
type word struct {
	charset string
	q       bool   // Q, else B
	text    string // between the third question mark and the end
	next    int    // behind it
	broken  bool   // its end was missing, or blanks stood in it
}

// words reads encoded words from left to right. Where the next end and the next
// beginning stand is kept, so that looking for them costs linear time in all.
type words struct {
	s          string
	end, begin int // next "?=" and "=?" not before the place last asked for; -1 unknown, len(s) none
}

func seek(s, what string, at, last int) int {
	if last >= at {
		return last
	}
	if i := strings.Index(s[at:], what); i >= 0 {
		return at + i
	}
	return len(s)
}

// at reads the encoded word that begins at i, where "=?" stands.
func (w *words) at(i int) (word, bool) {
	s := w.s
	var v word
	j := i + 2
	k := j
	for k < len(s) && k-j < 80 && s[k] != '?' && s[k] != '=' && s[k] != '<' && s[k] != '"' {
		k++
	}
	if k >= len(s) || s[k] != '?' {
		return v, false
	}
	v.charset = strings.TrimSpace(s[j:k])
	if star := strings.IndexByte(v.charset, '*'); star >= 0 { // RFC 2231, section 5
		v.charset = v.charset[:star]
	}
	j = k + 1
	for j < len(s) && s[j] == ' ' {
		j++
	}
	if j >= len(s) {
		return v, false
	}
	switch s[j] {
	case 'q', 'Q':
		v.q = true
	case 'b', 'B':
	default:
		return v, false
	}
	j++
	for j < len(s) && s[j] == ' ' {
		j++
	}
	if j >= len(s) || s[j] != '?' {
		return v, false
	}
	j++
	if v.q {
		w.quoted(&v, j)
	} else {
		w.base64(&v, j)
	}
	return v, true
}

// quoted finds the end of a Q word. "?=" is it, but not where a bare question
// mark stands before an escape, or where another word begins first.
func (w *words) quoted(v *word, j int) {
	s := w.s
	from := j
	for {
		w.end = seek(s, "?=", from, w.end)
		w.begin = seek(s, "=?", from, w.begin)
		if w.begin+1 == w.end { // "=?=", a text that ends in "="
			w.begin = seek(s, "=?", w.begin+1, -1)
		}
		if w.end >= len(s) || w.begin < w.end {
			v.broken = true
			stop := min(w.begin, len(s))
			if sp := strings.IndexAny(s[j:stop], " \t"); sp >= 0 {
				stop = j + sp
			}
			v.text, v.next = s[j:stop], stop
			return
		}
		if e := w.end; e+3 < len(s) && isHex(s[e+2]) && isHex(s[e+3]) && hexEnds(s, e+4) {
			from = e + 2
			v.broken = true
			continue
		}
		break
	}
	v.text, v.next = s[j:w.end], w.end+2
	v.broken = v.broken || strings.IndexByte(v.text, ' ') >= 0
}

// hexEnds reports whether the word goes on behind an escape: its end follows
// without a blank.
func hexEnds(s string, i int) bool {
	for k := i; k+1 < len(s) && k < i+200 && s[k] > ' '; k++ {
		if s[k] == '?' && s[k+1] == '=' {
			return true
		}
		if s[k] == '=' && s[k+1] == '?' {
			return false
		}
	}
	return false
}

func (w *words) base64(v *word, j int) {
	s := w.s
	k := j
	for k < len(s) {
		c := s[k]
		if unbase64URL[c] < 64 || c == '=' {
			if c == '=' && k+1 < len(s) && s[k+1] == '?' && k+2 < len(s) && s[k+2] != '=' {
				break // another word: this one was not closed
			}
			k++
			continue
		}
		if c == ' ' || c == '\t' {
			n := k
			for n < len(s) && (s[n] == ' ' || s[n] == '\t') {
				n++
			}
			m := n
			for m < len(s) && unbase64URL[s[m]] < 64 {
				m++
			}
			for m < len(s) && s[m] == '=' {
				m++
			}
			if m > n && m+1 < len(s) && s[m] == '?' && s[m+1] == '=' {
				v.broken = true
				k = m
				continue
			}
		}
		break
	}
	v.text, v.next = s[j:k], k
	switch {
	case strings.HasPrefix(s[k:], "?="):
		v.next = k + 2
	case strings.HasPrefix(s[k:], "?"):
		v.next, v.broken = k+1, true
	default:
		v.broken = true
	}
}

// decodeWords decodes a field's body: encoded words, and raw eight-bit text or
// escape sequences, for which the hint names a charset. Bytes of adjacent words of one
// charset are joined before they become characters: many programs cut inside
// a character or an escape sequence.
func (s *scope) decodeWords(v, hint, path, what string) string {
	var out strings.Builder
	out.Grow(len(v))
	var pending []byte // bytes of adjacent words
	var name string    // their charset
	var rest string    // base64 that did not come out even
	open := false
	flush := func() {
		if !open {
			return
		}
		if rest != "" {
			pending, _ = appendBase64(pending, rest)
			rest = ""
		}
		t := charset.Decode(pending, name)
		if t.Lied {
			s.repair("mail.repair_charset", path, what)
		}
		if t.Lost > 0 {
			s.repair("mail.repair_lost", path, what)
		}
		out.WriteString(oneLine(t.Text))
		pending, open = pending[:0], false
	}
	w := words{s: v, end: -1, begin: -1}
	raw := 0 // begin of text that is not encoded
	for i := 0; i < len(v); {
		n := strings.Index(v[i:], "=?")
		if n < 0 {
			break
		}
		i += n
		e, ok := w.at(i)
		if !ok {
			i += 2
			continue
		}
		between := v[raw:i]
		if !open || strings.Trim(between, " \t") != "" {
			flush()
			out.WriteString(s.decodeRaw(between, hint, path, what))
		} else if !strings.EqualFold(name, e.charset) {
			flush()
		}
		if e.broken {
			s.repair("mail.repair_word", path, what)
		}
		name, open = e.charset, true
		if e.q {
			if rest != "" {
				pending, _ = appendBase64(pending, rest)
				rest = ""
			}
			pending = appendQ(pending, e.text)
		} else if text := rest + e.text; joins(rest, e.text) {
			rest = ""
			if len(text)%4 != 0 && !strings.HasSuffix(text, "=") {
				rest = text
			} else {
				pending, _ = appendBase64(pending, text)
			}
		} else {
			pending, _ = appendBase64(pending, rest)
			rest = e.text
			if len(rest)%4 == 0 || strings.HasSuffix(rest, "=") {
				pending, _ = appendBase64(pending, rest)
				rest = ""
			}
		}
		i = e.next
		raw = i
	}
	flush()
	if raw == 0 {
		return s.decodeRaw(v, hint, path, what)
	}
	out.WriteString(s.decodeRaw(v[raw:], hint, path, what))
	return out.String()
}

// joins reports whether base64 that did not come out even goes on in the next
// word, rather than having lost its padding.
func joins(rest, text string) bool {
	if rest == "" {
		return true
	}
	if len(rest) > 1<<16 { // no program cuts that often; it keeps the time linear
		return false
	}
	return (len(rest)+len(text))%4 == 0 || len(text)%4 != 0 && !strings.HasSuffix(text, "=")
}

// decodeRaw decodes text that is not in encoded words.
func (s *scope) decodeRaw(v, hint, path, what string) string {
	if isPlain(v) {
		return v
	}
	t := charset.Decode([]byte(v), hint)
	if t.Text == v && t.Name != "UTF-8" {
		return v
	}
	s.repair("mail.repair_raw_header", path, what)
	if t.Lost > 0 {
		s.repair("mail.repair_lost", path, what)
	}
	return t.Text
}

// oneLine makes line breaks that were encoded into blanks: a header is a line,
// and another one must not be made up inside.
func oneLine(v string) string {
	if !strings.ContainsAny(v, "\r\n\x00") {
		return v
	}
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\x00", "").Replace(v)
}

func isHex(c byte) bool { return unhex(c) >= 0 }

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// appendQ decodes the text of a Q word (RFC 2047, section 4.2).
func appendQ(dst []byte, v string) []byte {
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '_':
			dst = append(dst, ' ')
		case c == '=' && i+2 < len(v) && isHex(v[i+1]) && isHex(v[i+2]):
			dst = append(dst, byte(unhex(v[i+1])<<4|unhex(v[i+2])))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
