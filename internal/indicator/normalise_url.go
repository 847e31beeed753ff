// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"teiten/internal/fault"
)

// parsedURL is what the careful reading of a URL gives.
type parsedURL struct {
	value, host string
	repairs     []Repair
}

// Repair is something wrong with a written URL that was put right. It is a key
// of package locale.
type Repair string

const (
	RepairedScheme   Repair = "indicator.repaired_scheme"   // misspelt, or the wrong number of slashes
	AssumedScheme    Repair = "indicator.assumed_scheme"    // there was none: http
	RepairedSpace    Repair = "indicator.repaired_space"    // blanks around it, line breaks, invisible characters
	RepairedEncoding Repair = "indicator.repaired_encoding" // characters that should have been percent-encoded
	DroppedUserinfo  Repair = "indicator.dropped_userinfo"  // user@ before the host
)

// Repaired returns what had to be put right to read the URL; nothing for a URL
// that was only defanged, and for what cannot be read at all.
func Repaired(written string) []Repair {
	if len(written) > maxWritten {
		return nil
	}
	u, err := parseURL(written)
	if err != nil {
		return nil
	}
	return u.repairs
}

// WrittenHost returns the host as net/url reads it, lower case, without port:
// of the written form, with nothing refanged, decoded or repaired but what
// net/url itself does. It is "" where net/url finds none (a leading U+3000,
// three slashes). Counts by written host use it, so that they can be compared
// with what other tools count; trimming or refanging first gives other figures.
// For anything else the Host of the normal form is right.
func WrittenHost(written string) string {
	u, err := url.Parse(written)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// parseURL reads any spelling of a URL. It is the definition; fastURL gives the
// same for those that are (nearly) normal already.
func parseURL(written string) (parsedURL, error) {
	var u parsedURL
	s, err := clean(written)
	if err != nil {
		return u, err
	}
	if len(s) != len(written) {
		u.repairs = append(u.repairs, RepairedSpace)
	}
	p, ok := readScheme(s)
	switch {
	case ok && p.broken:
		u.repairs = append(u.repairs, RepairedScheme)
	case !ok:
		if p, err = assumeScheme(s); err != nil {
			return u, err
		}
		u.repairs = append(u.repairs, AssumedScheme)
	}
	rest := s[p.length:]
	if p.wide {
		rest = fold(rest)
	}
	for _, slash := range []string{"[/]", "{/}"} {
		rest = strings.ReplaceAll(rest, slash, "/")
	}
	authority, rest := splitAuthority(rest)
	authority = refang(authority, inHost)
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
		u.repairs = append(u.repairs, DroppedUserinfo)
	}
	name, port, err := splitPort(p.scheme, authority)
	if err != nil {
		return u, err
	}
	if u.host, err = parseHost(name); err != nil {
		return u, err
	}
	if !ok && (!publicName(u.host) || endsInNumber(u.host) && !isQuad(name)) { // "3/4" is no address
		return u, fault.New(fault.Invalid, "indicator.url_scheme_missing")
	}

	rest = refang(rest, inRest)
	rest, _, _ = strings.Cut(rest, "#")
	if len(authority)+len(rest) > MaxURL {
		return u, fault.New(fault.TooLarge, "indicator.too_long", "limit", MaxURL)
	}
	path, query, asked := strings.Cut(rest, "?")
	if path == "" {
		path = "/"
	}
	if strings.IndexFunc(rest, func(r rune) bool { return r <= ' ' || r >= 0x7F }) >= 0 {
		u.repairs = append(u.repairs, RepairedEncoding)
	}
	b := make([]byte, 0, len(s)+16)
	b = append(b, p.scheme...)
	b = append(b, "://"...)
	if strings.IndexByte(u.host, ':') >= 0 {
		b = append(b, '[')
		b = append(b, u.host...)
		b = append(b, ']')
	} else {
		b = append(b, u.host...)
	}
	if port != "" {
		b = append(b, ':')
		b = append(b, port...)
	}
	b = append(b, resolveDots(string(appendEscaped(make([]byte, 0, len(path)), path, true)))...)
	if asked {
		b = append(b, '?')
		b = appendEscaped(b, query, false)
	}
	if len(b) > MaxURL {
		return u, fault.New(fault.TooLarge, "indicator.too_long", "limit", MaxURL)
	}
	u.value = string(b)
	return u, nil
}

// assumeScheme says what to do without a known scheme. Http is assumed for a
// host with a path or port; parseURL then asks for a known suffix.
func assumeScheme(s string) (prefix, error) {
	end := strings.IndexAny(s, ":/?#")
	if end < 0 {
		return prefix{}, fault.New(fault.Invalid, "indicator.url_scheme_missing")
	}
	after := s[end+1:]
	port := len(after) > 0 && isDigit(after[0])
	refanged := end > 0 && (s[end-1] == '[' || s[end-1] == '(' || s[end-1] == '{')
	if s[end] == ':' && !port && !refanged {
		if strings.HasPrefix(after, "//") || isSchemeName(s[:end]) {
			return prefix{}, fault.New(fault.Invalid, "indicator.url_scheme", "scheme", clip(s[:end]))
		}
		return prefix{}, fault.New(fault.Invalid, "indicator.url_scheme_missing")
	}
	return prefix{scheme: "http"}, nil
}

func isSchemeName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isAlnum(s[i]) && s[i] != '+' && s[i] != '-' {
			return false
		}
	}
	return s != "" && isAlpha(s[0])
}

// splitAuthority splits after the authority, which it folds to ASCII forms.
func splitAuthority(s string) (authority, rest string) {
	end := len(s)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		f := foldRune(r)
		if f == '/' || f == '\\' || f == '?' || f == '#' {
			end = i
			if f != r { // "／" must not be encoded as a character of the path
				return fold(s[:end]), string(f) + s[i+n:]
			}
			break
		}
		i += n
	}
	return fold(s[:end]), s[end:]
}

var defaultPort = map[string]string{"http": "80", "ws": "80", "https": "443", "wss": "443", "ftp": "21"}

// splitPort splits a refanged authority; the port is "" if it is the default.
func splitPort(scheme, authority string) (host, port string, err error) {
	colon := strings.LastIndexByte(authority, ':')
	if colon < 0 || strings.IndexByte(authority[colon:], ']') >= 0 {
		return authority, "", nil
	}
	host, port = authority[:colon], authority[colon+1:]
	if strings.IndexByte(host, ':') >= 0 && host[0] != '[' {
		return "", "", fault.New(fault.Invalid, "indicator.host_colon")
	}
	if strings.Trim(port, "0123456789") != "" {
		return "", "", fault.New(fault.Invalid, "indicator.port", "port", clip(port))
	}
	port = strings.TrimLeft(port, "0")
	if port == "" && authority[len(authority)-1] == '0' {
		port = "0"
	}
	if n, err := strconv.ParseUint("0"+port, 10, 32); err != nil || n > 65535 {
		return "", "", fault.New(fault.Invalid, "indicator.port", "port", clip(port))
	}
	if port == defaultPort[scheme] {
		port = ""
	}
	return host, port, nil
}
