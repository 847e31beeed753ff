// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import "strings"

// Defang writes an indicator so that no program makes it a link and nobody follows
// it by mistake: hxxps://evil[.]example/path, user[@]example[.]jp,
// 192[.]0[.]2[.]1, 2001[:]db8[:][:]1. Hashes are unchanged. A URL in the path or
// query is broken as well. [Normalise] of the result gives the value again. It
// is meant for normal values, but breaks whatever it is given, and what is
// defanged already it leaves alone.
func Defang(kind Kind, value string) string {
	switch kind {
	case URL:
		return defangURL(value)
	case IPv6:
		return colons(dots(value))
	case CIDR:
		if strings.IndexByte(value, ':') >= 0 {
			return colons(dots(value))
		}
		return dots(value)
	case MD5, SHA1, SHA256:
		return value
	default:
		return bracket(dots(value), "@")
	}
}

func defangURL(value string) string {
	p, ok := readScheme(value)
	head := ""
	if ok {
		switch {
		case p.broken || p.wide:
			head = bracket(value[:p.length], ":")
		case p.scheme == "http":
			head = "hxxp://"
		case p.scheme == "https":
			head = "hxxps://"
		case p.scheme == "ftp":
			head = "fxp://"
		default:
			head = p.scheme + "[:]//"
		}
		value = value[p.length:]
	}
	end := strings.IndexAny(value, "/?#\\")
	if end < 0 {
		end = len(value)
	}
	authority, rest := value[:end], value[end:]
	if strings.HasPrefix(authority, "[") && strings.Count(authority, ":") > 1 {
		if close := strings.LastIndexByte(authority, ']'); close > 0 { // not the colon of the port
			authority = "[" + colons(authority[1:close]) + authority[close:]
		}
	}
	authority = dots(bracket(authority, "@"))
	rest = strings.ReplaceAll(rest, "://", "[:]//")
	rest = bracket(rest, "@")
	for i := 0; i+4 <= len(rest); i++ { // "www." is made a link without a scheme
		if strings.EqualFold(rest[i:i+3], "www") && rest[i+3] == '.' {
			rest = rest[:i+3] + "[.]" + rest[i+4:]
		}
	}
	return head + authority + rest
}

func dots(s string) string   { return bracket(s, ".") }
func colons(s string) string { return bracket(s, ":") }

// bracket puts every c that is not in brackets yet into brackets.
func bracket(s, c string) string {
	if !strings.Contains(s, c) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); i++ {
		if s[i] != c[0] || i > 0 && i+1 < len(s) && s[i-1] == '[' && s[i+1] == ']' {
			b.WriteByte(s[i])
			continue
		}
		b.WriteString("[" + c + "]")
	}
	return b.String()
}
