// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import "unicode/utf8"

// prefix is what readScheme found at the start of a URL.
type prefix struct {
	scheme  string // http, https, ftp, ws or wss
	length  int    // in bytes, up to and with the slashes
	slashes int
	colon   bool
	broken  bool // misspelt, not just defanged
	wide    bool // written with full-width characters
}

// schemes maps what people write before a host. These are the schemes with a
// host that browsers open (WHATWG URL, section 4.2: special schemes).
var schemes = schemeTable()

type spelling struct {
	scheme string
	broken bool
}

func schemeTable() map[string]spelling {
	t := map[string]spelling{"ftp": {"ftp", false}, "fxp": {"ftp", false}, "ws": {"ws", false}, "wss": {"wss", false}}
	for _, s := range []string{"http", "hxxp", "htxp", "hxtp", "h**p", "h__p", "h--p", "h++p"} {
		t[s], t[s+"s"] = spelling{"http", false}, spelling{"https", false}
	}
	// One letter lost, doubled or moved. "tp" could also be ftp and is left out;
	// "ttp" is how careful Japanese writers have long kept a URL from linking.
	for _, s := range []string{"hhttp", "ttp", "htp", "htttp", "httpp", "thttp", "hptt", "httt", "hhxxp", "xxp", "hxp"} {
		t[s], t[s+"s"] = spelling{"http", true}, spelling{"https", true}
	}
	for _, s := range []string{"httsp", "httpss", "htpts", "htttsp"} {
		t[s] = spelling{"https", true}
	}
	return t
}

// readScheme reads a scheme in any spelling, with what separates it from the
// host. It is false unless a known scheme is followed by a colon or two slashes.
func readScheme(s string) (prefix, bool) {
	var p prefix
	var name [8]byte
	length, i := 0, 0
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		f := foldRune(r)
		switch {
		case isInvisible(r):
		case f < 0x80 && isAlpha(byte(f)) || f == '*' || f == '_' || f == '+' || f == '-':
			if length == len(name) {
				return p, false
			}
			c := byte(f)
			if isAlpha(c) {
				c |= 0x20
			}
			name[length] = c
			length++
			p.wide = p.wide || f != r
		case (r == '[' || r == '(' || r == '{') && i+1 < len(s) && isAlpha(s[i+1]): // http[s], h[xx]p
		case (r == ']' || r == ')' || r == '}') && length > 0:
		default:
			n = 0
		}
		if n == 0 {
			break
		}
		i += n
	}
	known, ok := schemes[string(name[:length])]
	if !ok {
		return p, false
	}
	p.scheme, p.broken = known.scheme, known.broken
	// The separator: ":", "：", "[:]", "[://]", and ";" as a slip of the finger.
	bracket := false
	semicolon := false
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch f := foldRune(r); {
		case isInvisible(r):
		case (f == '[' || f == '(' || f == '{') && !bracket && i+n < len(s) &&
			(s[i+n] == '/' || s[i+n] == ':' && !p.colon && p.slashes == 0): // not the bracket of an IPv6 host
			bracket = true
		case (f == ']' || f == ')' || f == '}') && bracket:
			bracket = false
		case f == ':' && !p.colon && p.slashes == 0:
			p.colon = true
			p.wide = p.wide || f != r
		case f == ';' && !p.colon && p.slashes == 0 && !semicolon:
			semicolon = true
		case f == '/' || f == '\\':
			p.slashes++
			p.wide = p.wide || f != r
		default:
			n = 0
		}
		if n == 0 {
			break
		}
		i += n
	}
	p.length = i
	if !p.colon && p.slashes < 2 {
		return p, false
	}
	p.broken = p.broken || !p.colon || p.slashes != 2
	return p, true
}
