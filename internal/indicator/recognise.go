// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import "strings"

// Recognise reads a text that is exactly one indicator, in any written form, as
// somebody types or pastes it into the search box. It is stricter than
// [Normalise], because nothing says which kind is meant: a number alone is no
// address, a word no host, and a bare name needs a known public suffix.
func Recognise(s string) (Value, bool) {
	if len(s) > maxWritten {
		return Value{}, false
	}
	c, err := clean(s)
	if err != nil {
		return Value{}, false
	}
	c = strings.TrimRight(c, "、。，")
	if p, ok := readScheme(c); ok && p.slashes > 0 {
		return normal(URL, s, c)
	}
	if len(c) >= 7 && strings.EqualFold(c[:7], "mailto:") {
		return normal(Email, s, c)
	}
	flat := strings.TrimRight(refang(fold(c), inHost), ".,;")
	if strings.ContainsAny(flat, " \t　") {
		return Value{}, false
	}
	slash := strings.IndexByte(flat, '/')
	head := flat
	if slash >= 0 {
		head = flat[:slash]
	}
	switch kind, isHash := hashKind(flat); {
	case isHash:
		return normal(kind, s, flat)
	case isQuad(head) || strings.Count(head, ":") > 1 && isAddress(strings.Trim(head, "[]")):
		if slash < 0 {
			a, err := addressOf(head)
			if err != nil {
				return Value{}, false
			}
			return normal(kindOf(a), s, flat)
		}
		if v, ok := normal(CIDR, s, flat); ok {
			return v, true
		}
		return normal(URL, s, c)
	case strings.IndexByte(head, '@') > 0 && strings.IndexByte(head, ':') < 0 && slash < 0:
		return normal(Email, s, flat)
	case strings.ContainsAny(flat, "/?:"):
		v, ok := normal(URL, s, c)
		if !ok || strings.IndexByte(v.Host, ':') < 0 && !isQuad(v.Host) && !looksLikeDomain(v.Host, head, flat != c) {
			return Value{}, false
		}
		return v, true
	}
	v, ok := normal(Domain, s, flat)
	if !ok || !looksLikeDomain(v.Host, flat, flat != c) {
		return Value{}, false
	}
	return v, true
}

// normal normalises one form and keeps the other as written.
func normal(kind Kind, written, form string) (Value, bool) {
	v, err := Normalise(kind, form)
	if err != nil {
		return Value{}, false
	}
	v.Written = written
	return v, true
}
