// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// publicName reports whether a normal host can exist on the Internet: an
// address, or a name under a known public suffix.
func publicName(host string) bool {
	if endsInNumber(host) || strings.IndexByte(host, ':') >= 0 {
		return true
	}
	dot := strings.LastIndexByte(host, '.')
	if dot <= 0 {
		return false
	}
	switch host[dot+1:] {
	case "onion": // RFC 7686
		return true
	case "example", "test", "invalid": // RFC 2606: in examples and drills
		return true
	}
	// A rule of the private section has a dot; the default rule ("*") has none
	// and is not managed by ICANN.
	suffix, icann := publicsuffix.PublicSuffix(host)
	if !icann && strings.IndexByte(suffix, '.') < 0 {
		return false
	}
	return !icann || suffix != host
}

// fileEndings are top-level domains that are commoner as file name extensions.
var fileEndings = set("zip", "mov", "sh", "md", "py", "rs", "pl", "ps", "ai", "so", "cab", "app", "bz", "cc", "pub", "st", "am", "mo", "ml")

// codeEndings are top-level domains that are commoner in names of packages and
// members when the name begins like one: com.example.app, os.name, self.id.
var (
	codeEndings = set("app", "android", "chrome", "google", "youtube", "play", "services", "name", "id", "info", "map", "java", "plus", "is", "in", "run", "build")
	codeStarts  = set("com", "org", "net", "io", "os", "sys", "self", "this", "system", "java", "javax", "console", "document", "window")
)

// notDomains are names of products.
var notDomains = set("asp.net", "vb.net", "ado.net", "paint.net", "ml.net", "socket.io", "node.js")

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// looksLikeDomain decides on a bare name as it was written in text, where file
// names, sentences without a space and source code look alike. What was defanged
// was meant.
func looksLikeDomain(host, written string, defanged bool) bool {
	if !publicName(host) || endsInNumber(host) {
		return false
	}
	if defanged {
		return true
	}
	labels := strings.Split(host, ".")
	first, last := labels[0], labels[len(labels)-1]
	if fileEndings[last] && first != "www" || codeEndings[last] && codeStarts[first] {
		return false
	}
	// "ASP.NET" is a product, "asp.net" may be the site.
	if notDomains[host] && written != host {
		return false
	}
	// "It is done.In the morning": a capital after the last dot.
	if w := written[strings.LastIndexByte(written, '.')+1:]; len(w) > 1 && w[0] >= 'A' && w[0] <= 'Z' && w[1] >= 'a' && w[1] <= 'z' {
		return written[0] >= 'A' && written[0] <= 'Z' && len(labels) > 2
	}
	return true
}
