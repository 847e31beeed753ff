// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// machines finds names and addresses of machines that only the inside knows:
// names under .local and the like, paths of shares, addresses of private
// networks, hardware addresses.
func (p *people) machines() {
	v := p.v
	name := func(r rune) bool { return isWord(r) || r == '-' || r == '_' || r == '.' || r == '$' }
	for _, end := range internalNames {
		for from := 0; ; {
			n := strings.Index(v.low[from:], end)
			if n < 0 {
				break
			}
			at, to := from+n, from+n+len(end)
			from = to
			if r, _ := v.after(to); isWord(r) || r == '-' {
				continue
			}
			if r, n := v.after(to); r == '.' && n > 0 {
				if r, _ := v.after(to + n); isWord(r) {
					continue // fileserver.local.example.com
				}
			}
			start := v.runBack(at, 200, name)
			if start == at {
				continue
			}
			if sign := v.atSign(start); sign >= 0 {
				p.hit(v.runBack(sign, 64, name), to, Address)
				continue
			}
			p.hit(start, to, Host)
		}
	}
	for i := 0; i < len(v.flat); i++ {
		switch c := v.flat[i]; {
		case c == '\\' || c == 0xC2 && strings.HasPrefix(v.flat[i:], "¥"):
			i = p.share(i)
		case isDigit(c) && (i == 0 || !isAlnum(v.flat[i-1]) && v.flat[i-1] != '.'):
			end := i
			for end < len(v.flat) && end-i < 16 && (isDigit(v.flat[end]) || v.flat[end] == '.') {
				end++
			}
			if a, err := netip.ParseAddr(strings.TrimRight(v.flat[i:end], ".")); err == nil && isInternal(a.String()) {
				p.hit(i, i+len(a.String()), Host)
			}
			i = max(i, end-1)
		case (c == ':' || c == '-') && i >= 2:
			if end := hardware(v.flat, i-2); end > 0 {
				p.hit(i-2, end, Host)
				i = end - 1
			}
		}
	}
}

// share hides \\server\share\path at i and returns its last byte.
func (p *people) share(i int) int {
	v := p.v
	back := func(i int) int {
		switch {
		case strings.HasPrefix(v.flat[i:], `\`):
			return 1
		case strings.HasPrefix(v.flat[i:], "¥"):
			return len("¥")
		}
		return 0
	}
	n := back(i)
	m := back(i + n)
	if m == 0 {
		return i + n - 1
	}
	start := i + n + m
	end := v.run(start, 260, func(r rune) bool {
		return r > ' ' && !strings.ContainsRune("<>|\"*?、。「」()【】", r) && r != hole
	})
	if r, _ := v.after(start); end == start || !(isWord(r) || r >= utf8.RuneSelf) {
		return max(end, start) - 1
	}
	p.hit(i, end, Host)
	return end - 1
}

// hardware returns the end of a hardware address (EUI-48) at i, 0 for none.
func hardware(s string, i int) int {
	if i+17 > len(s) || i > 0 && isAlnum(s[i-1]) || i+17 < len(s) && isAlnum(s[i+17]) {
		return 0
	}
	letters := false
	for k := range 17 {
		c := s[i+k]
		if k%3 == 2 {
			if c != s[i+2] {
				return 0
			}
			continue
		}
		if unhex(c) < 0 {
			return 0
		}
		letters = letters || isAlpha(c)
	}
	if !letters && s[i+2] == '-' {
		return 0
	}
	return i + 17
}

// machineBehind hides the name behind a label for a machine.
func (p *people) machineBehind(i int) {
	start, strong := p.value(i)
	if start < 0 || !strong {
		return
	}
	v := p.v
	end := v.run(start, 64, func(r rune) bool { return isWord(r) || strings.ContainsRune("-_.$", r) })
	if end-start >= 3 {
		p.hit(start, end, Host)
	}
}
