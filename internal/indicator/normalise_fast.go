// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import "strings"

// fastURL handles a URL that is normal already, but for a missing "/" after the
// host or a fragment, which is nearly every URL of a feed. It allocates at
// most once and decides nothing: for every URL it accepts, parseURL gives the same
// (FuzzNormalise holds that).
func fastURL(s string) (value, host string, ok bool) {
	if len(s) > MaxURL {
		return "", "", false
	}
	start := 0
	switch {
	case strings.HasPrefix(s, "https://"):
		start = len("https://")
	case strings.HasPrefix(s, "http://"):
		start = len("http://")
	default:
		return "", "", false
	}
	i, label := start, start
	for ; i < len(s); i++ {
		c := s[i]
		if class[c]&className != 0 {
			continue
		}
		if c != '.' {
			break
		}
		if i == label || i-label > maxLabel {
			return "", "", false
		}
		label = i + 1
	}
	host = s[start:i]
	if i == label || i-label > maxLabel || len(host) > maxHost {
		return "", "", false
	}
	if isDigit(s[label]) && endsInNumber(host) && !isQuad(host) {
		return "", "", false
	}
	if strings.Contains(host, "xn--") {
		return "", "", false
	}
	if i == len(s) {
		if len(s) == MaxURL {
			return "", "", false
		}
		return s + "/", host, true
	}
	if s[i] != '/' {
		return "", "", false
	}
	query := false
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case class[c]&classPlain != 0:
			switch {
			case c == '?':
				query = true
			case c == '.' && !query && s[i-1] == '/' && isDots(s[i:]):
				return "", "", false
			}
		case c == '%':
			if i+2 >= len(s) || !isUpperHex(s[i+1]) || !isUpperHex(s[i+2]) ||
				class[unhex(s[i+1])<<4|unhex(s[i+2])]&classUnreserved != 0 {
				return "", "", false
			}
			i += 2
		case c == '#':
			for j := i + 1; j < len(s); j++ {
				if class[s[j]]&classPlain == 0 && s[j] != '#' && s[j] != '%' {
					return "", "", false
				}
			}
			return s[:i], host, true
		default:
			return "", "", false
		}
	}
	return s, host, true
}

// isDots reports whether a segment "." or ".." begins s.
func isDots(s string) bool {
	n := 1
	if len(s) > 1 && s[1] == '.' {
		n = 2
	}
	return n == len(s) || s[n] == '/' || s[n] == '?' || s[n] == '#'
}

func isUpperHex(c byte) bool { return isDigit(c) || c >= 'A' && c <= 'F' }

// isQuad reports whether host is four decimal numbers as they are written.
func isQuad(host string) bool {
	parts, n, digits := 1, 0, 0
	for i := 0; i < len(host); i++ {
		switch c := host[i]; {
		case c == '.':
			if digits == 0 {
				return false
			}
			parts, n, digits = parts+1, 0, 0
		case !isDigit(c) || digits > 0 && n == 0:
			return false
		default:
			n, digits = n*10+int(c-'0'), digits+1
			if n > 255 {
				return false
			}
		}
	}
	return parts == 4 && digits > 0
}
