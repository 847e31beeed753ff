// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"net/netip"
	"regexp"
	"regexp/syntax"
	"strings"

	"golang.org/x/net/idna"
)

// family is a set of the sorts of things a list speaks about, from its
// matching_attributes. A hash list never speaks about hosts, and "3::" in one
// is a fuzzy hash, no address.
type family uint8

const (
	hosts family = 1 << iota
	urls         // whole URLs, in lists that speak of no hosts
	emails
	hashes
	addresses
	anything = hosts | emails | hashes | addresses
)

var familyOf = map[string]family{
	"domain": hosts, "hostname": hosts, "domain|ip": hosts | addresses, "hostname|port": hosts,
	"url": urls, "uri": urls, "link": urls,
	"email": emails, "email-src": emails, "email-dst": emails, "email-reply-to": emails,
	"target-email": emails, "whois-registrant-email": emails, "dns-soa-email": emails,
	"ip-src": addresses, "ip-dst": addresses, "ip-src|port": addresses, "ip-dst|port": addresses,
	"md5": hashes, "sha1": hashes, "sha256": hashes,
	"sha224": hashes, "sha384": hashes, "sha512": hashes,
}

// families returns what a list with these attributes speaks about; a list
// without attributes speaks about anything.
func families(attributes []string) family {
	if len(attributes) == 0 {
		return anything
	}
	var f family
	for _, a := range attributes {
		a = strings.TrimPrefix(a, "filename|")
		f |= familyOf[a]
	}
	if f&hosts != 0 {
		f &^= urls
	}
	return f
}

// entry is one value of a list, read.
type entry struct {
	kind   entryKind
	text   string // of names, exact values and substrings: folded
	dotted bool   // a name written with a leading dot
	prefix netip.Prefix
	regex  *pattern
}

type entryKind uint8

const (
	isName entryKind = iota
	isExact
	isPrefix
	isSubstring
	isRegex
)

// readValue reads one trimmed value of a list. If it is not usable it returns
// the code of the reason.
func readValue(typ string, f family, v string) (e entry, reason string) {
	switch {
	case v == "":
		return e, "guard.value_empty"
	case len(v) > MaxValueBytes:
		return e, "guard.value_long"
	case strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }):
		return e, "guard.value_control"
	}
	switch typ {
	case TypeCIDR:
		p, ok := readPrefix(v)
		if !ok {
			return e, "guard.value_cidr"
		}
		return entry{kind: isPrefix, prefix: p}, ""
	case TypeHostname:
		if p, ok := readPrefix(v); ok {
			return entry{kind: isPrefix, prefix: p}, ""
		}
		name, dotted, ok := readName(v)
		if !ok {
			return e, "guard.value_hostname"
		}
		return entry{kind: isName, text: name, dotted: dotted}, ""
	case TypeSubstring:
		if len(v) < MinSubstring {
			return e, "guard.value_substring"
		}
		return entry{kind: isSubstring, text: strings.ToLower(v)}, ""
	case TypeRegex:
		p, ok := readRegex(v)
		if !ok {
			return e, "guard.value_regex"
		}
		return entry{kind: isRegex, regex: p}, ""
	}
	return readString(f, v), ""
}

// readString tells what a value of a list of type string is: such lists mix
// hosts, addresses, hashes and mail addresses.
func readString(f family, v string) entry {
	if f&addresses != 0 {
		if p, ok := readPrefix(v); ok {
			return entry{kind: isPrefix, prefix: p}
		}
	}
	if f&hosts != 0 || f&urls != 0 {
		if name, dotted, ok := readName(v); ok {
			return entry{kind: isName, text: name, dotted: dotted}
		}
	}
	return entry{kind: isExact, text: strings.ToLower(v)}
}

// readPrefix reads an address or a range. Host bits are dropped, and IPv4
// written inside IPv6 (RFC 4291, section 2.5.5.2) becomes IPv4.
func readPrefix(v string) (netip.Prefix, bool) {
	// Most values of mixed lists are names; they cost no error made for them.
	if !strings.ContainsAny(v, ":/") && (v == "" || v[len(v)-1] < '0' || v[len(v)-1] > '9') {
		return netip.Prefix{}, false
	}
	if a, err := netip.ParseAddr(v); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(v)
	if err != nil {
		return p, false
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, false
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}

// readName reads a host name, in lower case and as A-labels (RFC 5890).
// ".example.org" and "*.example.org" are dotted.
func readName(v string) (name string, dotted, ok bool) {
	name = strings.TrimPrefix(v, "*")
	name, dotted = strings.CutPrefix(name, ".")
	if !dotted && strings.HasPrefix(v, "*") {
		return "", false, false
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for i := 0; i < len(name); i++ {
		if name[i] >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(name)
			if err != nil {
				return "", false, false
			}
			name = ascii
			break
		}
	}
	return name, dotted, isHostname(name)
}

const maxHost = 253 // bytes of a host name (RFC 1035, section 2.3.4)

// isHostname reports whether s has the form of a host name (RFC 1123, section
// 2.1) with the underscore and the leading hyphen that occur in practice.
func isHostname(s string) bool {
	if s == "" || len(s) > maxHost {
		return false
	}
	label := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
			continue
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return label > 0
}

// readRegex reads an expression as MISP writes it: bare, or /between slashes/
// with PHP's flags. What RE2 cannot do, such as look-behind, is not usable.
func readRegex(v string) (*pattern, bool) {
	if len(v) > MaxRegexBytes {
		return nil, false
	}
	source, flags := v, ""
	if end := strings.LastIndexByte(v, '/'); end > 0 && v[0] == '/' {
		source, flags = v[1:end], v[end+1:]
	}
	keep := ""
	for _, c := range flags {
		switch c {
		case 'i', 'm', 's':
			keep += string(c)
		case 'g', 'u', 'D':
		default:
			return nil, false
		}
	}
	if keep != "" {
		source = "(?" + keep + ")" + source
	}
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil, false
	}
	tree = tree.Simplify()
	// [a-z]{1000} is short and compiles to thousands of instructions.
	if program, err := syntax.Compile(tree); err != nil || len(program.Inst) > maxRegexProgram {
		return nil, false
	}
	re, err := regexp.Compile(source)
	if err != nil || re.MatchString("") {
		return nil, false // matching the empty text is matching everything
	}
	return &pattern{regex: re, literal: literalIn(tree), source: v}, true
}
