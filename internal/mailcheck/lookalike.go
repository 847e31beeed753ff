// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// target is a domain that others imitate.
type target struct {
	domain   string // as it is
	name     string // for people
	brand    *brand // nil for the institution's own
	site     string // registrable domain
	label    string // the label below the public suffix
	skeleton string
	hyphens  string   // the site with hyphens for dots
	words    []string // of the label, between hyphens
}

// newTarget makes a target; false where the name is too short to be imitated
// recognisably.
func newTarget(domain, name string, b *brand) (target, bool) {
	t := target{domain: domain, name: name, brand: b, site: registrable(domain)}
	t.label, _, _ = strings.Cut(t.site, ".")
	t.skeleton = skeleton(t.label)
	t.hyphens, t.words = strings.ReplaceAll(t.site, ".", "-"), strings.Split(t.label, "-")
	return t, len(t.label) >= 4 && t.site != "" && !ordinary[t.label]
}

// ordinary labels are words that many rightly have in their domains.
var ordinary = map[string]bool{"line": true, "live": true, "visa": true, "office": true, "windows": true, "apple": false, "digital": true, "slack": true,
	"nurse": true, "canon": true, "click": true, "mail": true, "matsui": true, "daiwa": true, "nomura": true, "point": true, "x": true, "box": true,
	"meta": true, "meti": true, "zoom": true, "twitter": false, "courts": true, "lycorp": true, "loyalty": true, "teams": true, "terumo": true, "kabu": true,
	"plala": true, "nifty": true, "disney": true, "norton": true, "stripe": true, "cyber": true, "wester": true, "orca": true, "sakura": true, "coop": true,
	"sony": true, "seino": true, "ponta": true, "tsite": true, "waon": true, "kepco": true, "myna": true, "shinkin": true, "rokin": true, "aeon": true, "diners": true,
	"monex": true, "nuro": true, "adobe": false, "dropbox": false, "outlook": false, "expy": true, "smcc": true, "azure": true, "skype": false, "microsoft": false}

// generic labels say what somebody is, not who.
var generic = map[string]bool{"hospital": true, "clinic": true, "byoin": true, "iryo": true, "medical": true, "health": true, "kokuho": true, "pharmacy": true,
	"daigaku": true, "university": true, "center": true, "kyoukaikenpo": false}

// registrable returns the domain that somebody registered, "" for an address or
// a public suffix.
func registrable(host string) string {
	site, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return ""
	}
	// Names that are reserved for examples (RFC 2606) belong to nobody: in drills
	// and documents each name below them is a site of its own.
	if strings.HasPrefix(site, "example.") && len(host) > len(site) {
		below := host[:len(host)-len(site)-1]
		return below[strings.LastIndexByte(below, '.')+1:] + "." + site
	}
	return site
}

// skeleton is the form in which labels that look alike are alike (after UTS 39,
// section 4): other scripts and digits as the Latin letters that they look like.
func skeleton(label string) string {
	if strings.HasPrefix(label, "xn--") {
		if u, err := idna.ToUnicode(label); err == nil {
			label = u
		}
	}
	if !isASCII(label) {
		label = norm.NFKD.String(label)
	}
	b := make([]byte, 0, len(label))
	for _, r := range label {
		if l, ok := latinLike[r]; ok {
			r = rune(l)
		}
		switch {
		case r == '0':
			r = 'o'
		case r == '1' || r == 'i' || r == '|':
			r = 'l'
		case r == '5':
			r = 's'
		case r == '3':
			r = 'e'
		case r == '4' || r == '@':
			r = 'a'
		case r == '8':
			r = 'b'
		case r == '-' || unicode.Is(unicode.Mn, r):
			continue
		}
		b = utf8.AppendRune(b, unicode.ToLower(r))
	}
	s := string(b)
	for _, pair := range [][2]string{{"rn", "m"}, {"vv", "w"}, {"cl", "d"}, {"nn", "m"}} {
		s = strings.ReplaceAll(s, pair[0], pair[1])
	}
	return s
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// likeness says how a host imitates a domain.
type likeness struct {
	target target
	how    string // homograph, subdomain, typo, added, suffix
	weight int
}

// imitates returns the strongest imitation of a target by a host that belongs to
// none of them.
func imitates(host string, targets []target, added map[string]bool) (best likeness, ok bool) {
	site := registrable(host)
	if site == "" {
		return best, false
	}
	label, suffix, _ := strings.Cut(site, ".")
	skel, sub := skeleton(label), strings.TrimSuffix(strings.TrimSuffix(host, site), ".")
	tokens := strings.Split(label, "-")
	unicodeLabel := strings.HasPrefix(label, "xn--")
	for i := range targets {
		t := &targets[i]
		if t.site == site { // some other host of the same owner, or of the same hoster
			continue
		}
		l := likeness{target: *t}
		switch {
		case skel == t.skeleton && label != t.label && !unicodeLabel && strings.ReplaceAll(label, "-", "") == strings.ReplaceAll(t.label, "-", ""):
			l.how, l.weight = "typo", 60
		case skel == t.skeleton && label != t.label:
			l.how, l.weight = "homograph", 80
			if unicodeLabel {
				l.weight = 90
			}
		case sub != "" && inside(sub, t):
			l.how, l.weight = "subdomain", 80
		case label == t.label && generic[label]:
		case label == t.label:
			if _, theirs, _ := strings.Cut(t.site, "."); theirs != suffix && len(label) >= 5 && t.brand == nil || under(bundled().cheap, suffix) {
				l.how, l.weight = "suffix", 60
			} else if len(label) >= 6 {
				l.how, l.weight = "suffix", 35
			}
		case containsName(label, tokens, t, added, &l):
		case len(t.label) >= 5 && !generic[t.label] && !added[label] && typo(label, t.label): // mobile is a word, not ymobile
			l.how, l.weight = "typo", 60
			if len(t.label) >= 8 {
				l.weight = 70
			}
		case sub != "" && len(t.label) >= 5 && !generic[t.label] && slices.Contains(strings.Split(sub, "."), t.label):
			l.how, l.weight = "subdomain", 40
		}
		if l.weight > best.weight || l.weight == best.weight && l.weight > 0 && len(t.label) > len(best.target.label) {
			best = l
		}
	}
	return best, best.weight > 0
}

// inside reports whether the labels in front of a domain spell another domain:
// with its dots, or with hyphens for them.
func inside(sub string, t *target) bool {
	if !strings.Contains(sub, t.site) && !strings.Contains(sub, t.hyphens) {
		return false
	}
	if strings.Contains("."+sub+".", "."+t.site+".") {
		return true
	}
	hyphens := t.hyphens
	return strings.Contains("."+sub+".", "."+hyphens+".") || strings.Contains("."+sub, "."+hyphens+"-") || strings.Contains(sub+".", "-"+hyphens+".")
}

// containsName reports whether the label is the target's with something added:
// smbc-card-login, mhlwjp, amazon-co-jp.
func containsName(label string, tokens []string, t *target, added map[string]bool, l *likeness) bool {
	if label != t.label && (strings.HasPrefix(label, t.hyphens) || strings.HasSuffix(label, t.hyphens)) {
		l.how, l.weight = "added", 80
		return true
	}
	name := t.words
	if i := indexTokens(tokens, name); i >= 0 && len(tokens) > len(name) {
		l.how, l.weight = "added", 45
		if generic[t.label] { // kita-hospital is another hospital, hospital-login is not
			l.weight = 0
		}
		for j, tok := range tokens {
			if (j < i || j >= i+len(name)) && added[tok] {
				l.weight = 65
			}
		}
		return l.weight > 0
	}
	if len(tokens) > 1 && len(t.label) >= 5 { // amaz0n-login
		for _, tok := range tokens {
			if tok != t.label && skeleton(tok) == t.skeleton && strings.ContainsAny(tok, "0134578") {
				l.how, l.weight = "homograph", 80
				return true
			}
		}
	}
	if generic[t.label] {
		return false
	}
	rest, ok := strings.CutPrefix(label, t.label)
	if !ok {
		rest, ok = strings.CutSuffix(label, t.label)
	}
	if ok && len(t.label) >= 5 && added[strings.Trim(rest, "-0123456789")] {
		l.how, l.weight = "added", 65
		return true
	}
	return false
}

func indexTokens(tokens, name []string) int {
	for i := 0; i+len(name) <= len(tokens); i++ {
		if slices.Equal(tokens[i:i+len(name)], name) {
			return i
		}
	}
	return -1
}

// typo reports whether two labels are one keystroke apart (Damerau and
// Levenshtein): one letter more, less, another, or two exchanged. Long ones may
// differ in two.
func typo(a, b string) bool {
	most := 1
	if len(b) >= 12 {
		most = 2
	}
	if a == b || len(a)-len(b) > most || len(b)-len(a) > most || len(a) > 63 || len(b) > 63 {
		return false
	}
	if a[0] != b[0] && a[len(a)-1] != b[len(b)-1] {
		return false
	}
	var rows [3][64]int
	for j := range len(b) + 1 {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur, prev, before := &rows[(i+1)%3], &rows[i%3], &rows[(i+2)%3]
		cur[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			cur[j] = d
			least = min(least, d)
		}
		if least > most {
			return false
		}
	}
	return rows[(len(a)+1)%3][len(b)] <= most
}
