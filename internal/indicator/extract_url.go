// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// url reads a URL with a scheme at i. Next is i if there is none, and behind what
// cannot be read otherwise.
func (s *scanner) url(i int) (f Found, next int, ok bool) {
	c := s.text[i] | 0x20
	if c != 'h' && c != 't' && c != 'f' && c != 'w' && c != 'x' && s.text[i] < utf8.RuneSelf {
		return f, i, false
	}
	p, ok := readScheme(s.text[i:min(len(s.text), i+64)])
	if !ok || p.slashes < 2 {
		return f, i, false
	}
	start := i + p.length
	if f, next, ok = s.enclosed(i); ok {
		return f, next, true
	}
	end := s.authority(start, p.wide)
	if end == start {
		return f, start, false
	}
	// The host alone first: what follows a bad one is looked at on its own, and
	// must not be read to its end each time.
	if _, ok = s.value(URL, i, end); !ok {
		return f, start, false
	}
	end = s.tail(end, p.wide)
	end = s.unwrap(end)
	f, ok = s.value(URL, i, s.trim(i, start, end))
	if !ok {
		return f, end, false // too long
	}
	return f, f.End, true
}

// enclosed takes everything between "<" and ">", which may have been wrapped (RFC
// 3986, appendix C).
func (s *scanner) enclosed(i int) (f Found, next int, ok bool) {
	if i == 0 || s.text[i-1] != '<' {
		return f, i, false
	}
	n := strings.IndexAny(s.text[i:min(len(s.text), i+MaxURL)], "<>\"")
	if n < 0 || s.text[i+n] != '>' {
		return f, i, false
	}
	inner := s.text[i : i+n]
	if strings.ContainsAny(inner, " \t") && !strings.ContainsAny(inner, "\r\n") {
		return f, i, false // <https://a.example class=x>
	}
	for _, line := range strings.FieldsFunc(inner, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if strings.ContainsAny(strings.TrimSpace(line), " \t") {
			return f, i, false
		}
	}
	f, ok = s.value(URL, i, i+n)
	return f, i + n, ok
}

// authority returns the end of user information, host and port at i.
func (s *scanner) authority(i int, wide bool) int {
	for j := i; j < len(s.text); j++ { // user information, if there is an "@" in front of the path
		c := s.text[j]
		if c == '@' {
			i = j + 1
		} else if !isAlnum(c) && strings.IndexByte("-._~%!$&'*+=:", c) < 0 {
			break
		}
	}
	if i < len(s.text) && s.text[i] == '[' { // IPv6
		j := i + 1
		for j < len(s.text) && (isHex(rune(s.text[j])) || strings.IndexByte(":.[]", s.text[j]) >= 0) {
			j++
		}
		if close := strings.LastIndexByte(s.text[i:j], ']'); close > 0 {
			return s.port(i + close + 1)
		}
		return i
	}
	end := s.host(i)
	if end == i {
		return i
	}
	return s.port(end)
}

// host returns the end of a host at i. In Japanese text letters that are not ASCII
// end it, unless they make a name that can exist: they begin a label or follow
// one that is no suffix yet, and all of it lies under a known suffix.
func (s *scanner) host(i int) int {
	end, ascii := i, i // ascii: where the part without other letters ends
	idn := false
	for j := i; j < len(s.text); {
		r, n := utf8.DecodeRuneInString(s.text[j:])
		switch {
		case isLabel(r) || r == '%' && j+2 < len(s.text) && isHex(rune(s.text[j+1])):
			j += n
			end = j
		case isInvisible(r):
			j += n
		case unicode.In(r, unicode.Letter, unicode.Mark, unicode.Nd):
			if end > i && end == j && s.text[j-1] < utf8.RuneSelf && s.known(i, end) {
				return end // example.jpをクリック
			}
			idn = true
			j += n
			end = j
		default:
			n = s.separator(j, r)
			if j += n; n == 0 {
				j = len(s.text)
			}
		}
		if !idn {
			ascii = end
		}
		if end-i > 4*maxHost {
			break
		}
	}
	if idn && !s.known(i, end) {
		return strip(s.text, i, ascii)
	}
	return end
}

// separator is the dot at j with a label behind it, of whatever letters. An
// ideographic full stop counts only in front of an ASCII label: else it ends the
// sentence.
func (s *scanner) separator(j int, r rune) int {
	n, _ := s.dot(j)
	if n > 0 {
		return n
	}
	after := j + utf8.RuneLen(r)
	next, _ := utf8.DecodeRuneInString(s.text[min(after, len(s.text)):])
	switch {
	case r == '.' || r == '．':
		if unicode.IsLetter(next) {
			return after - j
		}
	case r == '。' || r == '｡':
		if isLabel(next) && next != '-' {
			return after - j
		}
	}
	return 0
}

func (s *scanner) known(from, to int) bool {
	host, err := domainOf(refang(fold(s.text[from:to]), inHost))
	return err == nil && publicName(host)
}

// strip takes dots off the end of text[from:to].
func strip(text string, from, to int) int {
	for to > from && text[to-1] == '.' {
		to--
	}
	return to
}

// port returns the end of a port at i.
func (s *scanner) port(i int) int {
	j := i
	switch {
	case strings.HasPrefix(s.text[i:], ":"):
		j = i + 1
	case strings.HasPrefix(s.text[i:], "[:]"):
		j = i + 3
	default:
		return i
	}
	end := j
	for end < len(s.text) && isDigit(s.text[end]) && end-j < 5 {
		end++
	}
	if end == j {
		return i
	}
	return end
}

// entities end a URL in source text of HTML.
var entities = []string{"&gt;", "&lt;", "&quot;", "&#34;", "&#39;", "&nbsp;"}

// tail returns the end of path, query and fragment at i.
func (s *scanner) tail(i int, wide bool) int {
	query, start := false, i
	for j := i; j < len(s.text); {
		r, n := utf8.DecodeRuneInString(s.text[j:])
		f := r
		if wide {
			f = foldRune(r)
		}
		if j == start && f != '/' && f != '?' && f != '#' && !(f == '\\' && strings.HasPrefix(s.text[j:], `\/`)) &&
			!strings.HasPrefix(s.text[j:], "[/]") && r != '／' {
			return i
		}
		switch {
		case r == '／' && j == start:
		case wide && r == '。':
			return j
		case isInvisible(r):
			after, _ := utf8.DecodeRuneInString(s.text[j+n:])
			if after >= 0x80 || !isURLByte(byte(after)) {
				return j
			}
		case f == '[' || f == '{':
			if _, length := bracketed(s.text[j:], inRest); length > 0 {
				n = length
			} else if length := index(s.text[j:]); query && length > 0 {
				n = length
			} else {
				return j
			}
		case f == '\\':
			if !strings.HasPrefix(s.text[j:], `\/`) {
				return j
			}
		case f >= 0x80 || !isURLByte(byte(f)):
			return j
		case f == '&':
			for _, e := range entities {
				if strings.HasPrefix(s.text[j:], e) {
					return j
				}
			}
		case f == ',' || f == ';':
			if p, ok := readScheme(s.text[j+1 : min(len(s.text), j+65)]); ok && p.slashes >= 2 {
				return j // a list without blanks
			}
		}
		query = query || f == '?'
		j += n
		i = j
	}
	return i
}

// index returns the length of an index such as [0] or [] in a query.
func index(s string) int {
	i := 1
	for i < len(s) && (isAlnum(s[i]) || s[i] == '_') {
		i++
	}
	if i < len(s) && s[i] == ']' {
		return i + 1
	}
	return 0
}

func isURLByte(c byte) bool { return class[c]&classPlain != 0 || c == '%' || c == '#' }

// trim takes off what belongs to the sentence.
func (s *scanner) trim(begin, start, end int) int {
	before := byte(0)
	if begin > 0 {
		before = s.text[begin-1]
	}
	if before == '\'' {
		if n := strings.IndexByte(s.text[begin:end], '\''); n > 0 {
			end = begin + n
		}
	}
	open := strings.Count(s.text[start:end], "(")
	closed := strings.Count(s.text[start:end], ")")
	for end > start {
		c := s.text[end-1]
		switch {
		case strings.IndexByte(".,;:!?'", c) >= 0:
		case (c == '*' || c == '_' || c == '~') && c == before: // Markdown
		case c == ')' && closed > open:
			closed--
		default:
			return end
		}
		end--
	}
	return end
}

// unwrap joins a URL that a mail program broke at the end of a full line. It is
// unambiguous when the next line is nothing but URL characters, not a plain
// word, and not the beginning of something else.
func (s *scanner) unwrap(end int) int {
	const widest = 80 * utf8.UTFMax
	for range 30 {
		next := end
		if strings.HasPrefix(s.text[next:], "\r") {
			next++
		}
		if !strings.HasPrefix(s.text[next:], "\n") {
			return end
		}
		from := max(0, end-widest)
		line := from + strings.LastIndexByte(s.text[from:end], '\n') + 1
		if width := utf8.RuneCountInString(s.text[line:end]); width < 70 || width > 80 {
			return end
		}
		next++
		stop := next
		for stop < len(s.text) && isURLByte(s.text[stop]) {
			stop++
		}
		if stop < len(s.text) && s.text[stop] != '\n' && s.text[stop] != '\r' {
			return end
		}
		if !s.continues(s.text[next:stop]) {
			return end
		}
		end = stop
	}
	return end
}

func (s *scanner) continues(line string) bool {
	if line == "" || len(line) > 80 || !strings.ContainsAny(line, "/%=&?_~0123456789") || strings.Contains(line, "@") {
		return false
	}
	if _, ok := readScheme(line); ok {
		return false
	}
	if _, ok := Recognise(line); ok {
		return false
	}
	return line[0] != '-' && strings.Trim(line, "0123456789.)") != "" // no list, no number alone
}
