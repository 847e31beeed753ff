// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// word reads what consists of one word at i: a mail address, network, address,
// hash, or bare name with or without a path. Without success next is where to
// go on.
func (s *scanner) word(i int) (f Found, next int, ok bool) {
	if f, next, ok = s.ipv6(i); ok {
		return f, next, true
	}
	if s.text[i] == ':' {
		return f, i + 2, false
	}
	end, defanged, mail := s.run(i)
	if n := s.at(end); n > 0 {
		if f, next, ok = s.email(i, end, n); ok {
			return f, next, true
		}
		return f, end + n, false
	}
	if mail { // "%" or "+" inside is no name; go on behind it
		return f, i + strings.IndexAny(s.text[i:end], "%+&=~'") + 1, false
	}
	to := end
	for to > i && strings.IndexByte(".-_", s.text[to-1]) >= 0 {
		to--
	}
	if to == i {
		return f, end, false
	}
	written := s.text[i:to]
	if kind, ok := hashKind(written); ok {
		f, ok = s.value(kind, i, to)
		return f, end, ok
	}
	if f, next, ok = s.ipv4(i, to, defanged); ok {
		return f, next, true
	}
	if f, next, ok = s.domain(i, to, defanged); ok {
		return f, next, true
	}
	return f, end, false
}

// run returns the end of a word at i of labels and dots; mail tells that it
// holds characters which only local parts have.
func (s *scanner) run(i int) (end int, defanged, mail bool) {
	for j := i; j < len(s.text); {
		r, n := utf8.DecodeRuneInString(s.text[j:])
		switch {
		case isLabel(r):
			j += n
		case strings.ContainsRune("%+&=~'", r):
			// Only in front of an "@": "a=b" are two words.
			if !s.localAhead(j) {
				return j, defanged, mail
			}
			mail = true
			j += n
		default:
			length, fanged := s.dot(j)
			if length == 0 {
				return j, defanged, mail
			}
			defanged = defanged || fanged
			j += length
		}
		end = j
	}
	return end, defanged, mail
}

// localAhead reports whether a local part goes on at i up to an "@".
func (s *scanner) localAhead(i int) bool {
	for j := i; j < len(s.text) && j-i <= maxLocal; j++ {
		c := s.text[j]
		if !isAlnum(c) && strings.IndexByte("._-%+~'&=", c) < 0 {
			return s.at(j) > 0
		}
	}
	return false
}

// at returns the length of an at sign at i, plain or defanged.
func (s *scanner) at(i int) int {
	rest := s.text[i:]
	if strings.HasPrefix(rest, "@") {
		return 1
	}
	if strings.HasPrefix(rest, "＠") {
		return len("＠")
	}
	blank := 0
	if strings.HasPrefix(rest, " ") {
		blank = 1
	}
	if sep, n := bracketed(rest[blank:], inHost); sep == "@" {
		n += blank
		if strings.HasPrefix(rest[n:], " ") {
			n++
		}
		return n
	}
	return 0
}

func (s *scanner) email(i, end, n int) (Found, int, bool) {
	to, _, _ := s.run(end + n)
	if to <= end+n {
		return Found{}, end, false
	}
	for to > end+n && strings.IndexByte(".-_", s.text[to-1]) >= 0 {
		to--
	}
	for i < end && strings.IndexByte("'=&", s.text[i]) >= 0 {
		i++
	}
	f, ok := s.value(Email, i, to)
	if !ok || !hasTLD(f.Host) && !strings.Contains(f.Host, ".xn--") {
		return Found{}, end, false
	}
	return f, to, true
}

func hashKind(s string) (Kind, bool) {
	for kind, digits := range hashDigits {
		if len(s) == digits {
			for _, r := range s {
				if !isHex(r) {
					return "", false
				}
			}
			return kind, true
		}
	}
	return "", false
}

// ipv4 reads four decimal numbers, with a prefix length if one follows. Zero-padded
// numbers are left: nobody knows which base was meant.
func (s *scanner) ipv4(i, to int, defanged bool) (f Found, next int, ok bool) {
	plain := refang(fold(s.text[i:to]), inHost)
	if !isQuad(plain) || !defanged && s.numbered(i, to) {
		return f, to, false
	}
	if to+1 < len(s.text) && s.text[to] == '/' && isDigit(s.text[to+1]) {
		end := to + 1
		for end < len(s.text) && isDigit(s.text[end]) {
			end++
		}
		if end-to <= 3 && (end == len(s.text) || s.text[end] != '/' && s.text[end] != '.') {
			if f, ok = s.value(CIDR, i, end); ok {
				return f, end, true
			}
		}
	}
	if f, next, ok = s.pathURL(i, to); ok {
		return f, next, true
	}
	f, ok = s.value(IPv4, i, to)
	return f, next, ok
}

// versions are words in front of, and sections words behind, four numbers that are
// no address.
// A version without any such word ("FortiOS 6.4.13.1") cannot be told from one.
var (
	versions = []string{"version", "ver.", "ver", "バージョン", "ビルド", "build", "release", "リリース", "firmware", "ファームウェア", "第", "§", "rev.", "rev"}
	sections = []string{"節", "項", "章", "版", "以前", "以降", "未満", "より前"}
)

func (s *scanner) numbered(i, to int) bool {
	before := strings.ToLower(strings.TrimRight(s.text[max(0, i-40):i], " \t:：=　"))
	for _, w := range versions {
		if !strings.HasSuffix(before, w) {
			continue
		}
		rest := before[:len(before)-len(w)]
		if rest == "" || w[0] >= utf8.RuneSelf || !isAlpha(rest[len(rest)-1]) {
			return true // but not "server 192.0.2.1"
		}
	}
	if strings.HasSuffix(before, " v") || before == "v" {
		return true
	}
	for _, w := range sections {
		if strings.HasPrefix(strings.TrimLeft(s.text[to:min(len(s.text), to+40)], " "), w) {
			return true
		}
	}
	return false
}

// ipv6 reads an address of at least two groups and a digit, with a prefix length
// if one follows; "::" alone, times and MAC addresses are none.
func (s *scanner) ipv6(i int) (f Found, next int, ok bool) {
	end, colons := i, 0
	for end < len(s.text) && end-i < 160 {
		c := s.text[end]
		if strings.HasPrefix(s.text[end:], "[:]") {
			end += 3
			colons++
			continue
		}
		if c == ':' {
			colons++
		} else if !isHex(rune(c)) && c != '.' {
			break
		}
		end++
	}
	if colons < 2 || end-i >= 160 || end < len(s.text) && (isAlnum(s.text[end]) || s.text[end] == '_') {
		return f, i, false
	}
	to := end
	for to > i && s.text[to-1] == '.' {
		to--
	}
	if to > i+1 && s.text[to-1] == ':' && s.text[to-2] != ':' {
		to--
	}
	plain := refang(s.text[i:to], inHost)
	a, err := netip.ParseAddr(plain)
	if err != nil || !a.Is6() || len(plain) < 6 || !strings.ContainsAny(plain, "0123456789") {
		return f, i, false
	}
	if to+1 < len(s.text) && s.text[to] == '/' && isDigit(s.text[to+1]) {
		stop := to + 1
		for stop < len(s.text) && isDigit(s.text[stop]) {
			stop++
		}
		if f, ok = s.value(CIDR, i, stop); ok {
			return f, stop, true
		}
	}
	f, ok = s.value(IPv6, i, to)
	return f, to, ok
}

// domain reads a bare name; with a path behind it, it is a URL without scheme.
func (s *scanner) domain(i, to int, defanged bool) (f Found, next int, ok bool) {
	if i > 0 && strings.IndexByte("/\\@", s.text[i-1]) >= 0 && !defanged {
		return f, to, false // part of a file's path
	}
	if to < len(s.text) && (s.text[to] == '(' && !defanged || s.text[to] == '\\') {
		return f, to, false // a call, or DOMAIN\user
	}
	v, err := Normalise(Domain, s.text[i:to])
	if err != nil || !looksLikeDomain(v.Host, s.text[i:to], defanged) {
		return f, to, false
	}
	if f, next, ok = s.pathURL(i, to); ok {
		return f, next, true
	}
	return Found{Value: v, Start: i, End: to}, next, true
}

// pathURL reads a URL without scheme whose host is text[i:to]; there must be a
// path or query. Next is behind it also when it is too long, so that a long text
// without blanks is read once.
func (s *scanner) pathURL(i, to int) (f Found, next int, ok bool) {
	start := s.port(to)
	end := s.tail(start, false)
	if end = s.trim(i, to, end); end <= start || end == start+1 && s.text[start] != '/' {
		return f, to, false
	}
	f, ok = s.value(URL, i, end)
	return f, end, ok
}
