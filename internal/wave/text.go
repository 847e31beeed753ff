// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"strings"
	"unicode"

	"teiten/internal/fold"
	"teiten/internal/mail"
)

const (
	maxSource = 512 << 10 // bytes of a body that are looked at
	maxText   = 64 << 10  // bytes of its visible text
	maxName   = 16        // characters before 様 that are taken for a name
)

// people are those to whom a mail was sent, by what of them may stand in it.
type people struct {
	words   map[string]bool // folded names, local parts and addresses
	domains map[string]bool
}

const maxPeople = 50

func recipients(m *mail.Message) people {
	p := people{words: map[string]bool{}, domains: map[string]bool{}}
	n := 0
	for _, list := range [][]mail.Address{m.To, m.Cc} {
		for _, a := range list {
			if n++; n > maxPeople {
				return p
			}
			p.word(a.Name)
			address := fold.Text(a.Address)
			p.word(address)
			if local, domain, ok := strings.Cut(address, "@"); ok {
				p.word(local)
				if domain != "" {
					p.domains[domain] = true
				}
			}
		}
	}
	return p
}

func (p people) word(s string) {
	if len(s) > 300 {
		return
	}
	s = fold.Text(s)
	if len([]rune(s)) >= 2 {
		p.words[s] = true
	}
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '.' || r == '_' || r == '-' }) {
		if len([]rune(part)) >= 3 {
			p.words[part] = true
		}
	}
}

// inside reports whether a host is a recipient's.
func (p people) inside(host string) bool {
	for host != "" {
		if p.domains[host] {
			return true
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return false
}

// titles stand behind a person's or an institution's name.
var titles = []string{"様", "さま", "殿", "御中", "先生", "さん"}

// letters returns the letters of a text that tell something: folded, without
// space and punctuation, and with one letter in place of each number, name,
// address and token, so that what differs from recipient to recipient does not.
func (p people) letters(text string, most int) []rune {
	var out []rune
	for line := range strings.Lines(text) {
		line = nameless(fold.Text(line))
		for line != "" && len(out) < most {
			n := strings.IndexFunc(line, func(r rune) bool { return !inWord(r) })
			if n < 0 {
				n = len(line)
			}
			if n > 0 {
				out = append(out, []rune(p.general(line[:n]))...)
				line = line[n:]
				continue
			}
			r, size := firstRune(line)
			if unicode.IsLetter(r) || unicode.IsNumber(r) {
				out = append(out, r)
			}
			line = line[size:]
		}
		if len(out) >= most {
			return out[:most]
		}
	}
	return out
}

func firstRune(s string) (rune, int) {
	for i, r := range s {
		if i == 0 {
			n := len(string(r))
			if r == unicode.ReplacementChar { // one byte that is no UTF-8, or the character itself
				n = 1
				if strings.HasPrefix(s, "\uFFFD") {
					n = 3
				}
			}
			return r, n
		}
	}
	return 0, len(s)
}

// inWord reports whether a character belongs to a word in ASCII, an address or
// a number.
func inWord(r rune) bool {
	return r < 0x80 && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("@./:_-+%&=?#~,", r))
}

// general is what a word in ASCII says to every recipient.
func (p people) general(word string) string {
	trimmed := strings.Trim(word, ".,:;-_/?&#~+%=")
	letters, digits := 0, 0
	for i := 0; i < len(trimmed); i++ {
		switch c := trimmed[i]; {
		case c >= 'a' && c <= 'z':
			letters++
		case c >= '0' && c <= '9':
			digits++
		}
	}
	switch {
	case letters+digits == 0:
		return ""
	case strings.Contains(word, "://") || strings.HasPrefix(word, "www."):
		return "/"
	case strings.Contains(trimmed, "@") || p.words[trimmed] || p.inside(trimmed):
		return "@"
	case letters == 0:
		return "0"
	case digits > 0 && letters+digits >= 5:
		return "#"
	default:
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' {
				return r
			}
			if r >= '0' && r <= '9' {
				return '0'
			}
			return -1
		}, trimmed)
	}
}

// nameless takes out of a folded line the short beginning before 様 and the
// like, and the word behind a greeting in English.
func nameless(line string) string {
	for _, t := range titles {
		if i := strings.Index(line, t); i >= 0 && i <= 4*maxName {
			if len([]rune(line[:i])) <= maxName {
				return t + line[i+len(t):]
			}
		}
	}
	for _, greeting := range []string{"dear ", "hello ", "hi "} {
		if rest, ok := strings.CutPrefix(line, greeting); ok {
			if end := strings.IndexAny(rest, ",:!"); end >= 0 && end <= 4*maxName {
				return greeting + rest[end:]
			}
		}
	}
	return line
}
