// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"time"

	"teiten/internal/indicator"
)

// Decisive is the weight of a match with shared information that the guard lets
// into filters: it alone makes a mail malicious.
const Decisive = 100

// weak matches count, but decide nothing: the indicator has run out, the guard
// holds it back, or many share the thing.
const (
	weightExpired = 55
	weightHeld    = 15
)

var knownRules = []rule{
	{"known.url", Decisive, knownFamily, func(v *view, say sayer) { v.match(say, knownURL) }},
	{"known.page", 70, knownFamily, knownPage},
	{"known.host", Decisive, knownFamily, knownHost},
	{"known.parent", Decisive, knownFamily, knownParent},
	{"known.sender", Decisive, knownFamily, func(v *view, say sayer) { v.match(say, knownSender) }},
	{"known.sender_domain", Decisive, knownFamily, knownSenderDomain},
	{"known.ip", 60, knownFamily, func(v *view, say sayer) { v.match(say, knownIP) }},
	{"known.file", Decisive, knownFamily, func(v *view, say sayer) { v.match(say, knownFile) }},
	{"known.wave", Decisive, knownFamily, knownWave},
	{"known.reported", 40, knownFamily, knownReported},
	{"known.similar", 60, knownFamily, knownSimilar},
}

func knownURL(l *link) bool { return l.Kind == indicator.URL }
func knownSender(l *link) bool {
	return l.Kind == indicator.Email
}
func knownIP(l *link) bool { return l.Kind == indicator.IPv4 || l.Kind == indicator.IPv6 }
func knownFile(l *link) bool {
	return l.Kind == indicator.MD5 || l.Kind == indicator.SHA1 || l.Kind == indicator.SHA256
}

// weighed is the weight of a hit: decisive only while it holds and the guard
// lets it be an entry.
//
// What ended before its validity was withdrawn: somebody had been wrong.
func (h *hit) weighed(now time.Time) int {
	switch {
	case !h.Known, !h.Active && h.ValidUntil.After(now):
		return 0
	case !h.entry:
		return weightHeld
	case !h.Active:
		return weightExpired
	}
	return Decisive
}

// shown is a value as a sentence names it.
func shown(v indicator.Value) string {
	masked, _ := indicator.Mask(v.Kind, v.Value)
	return indicator.Defang(v.Kind, clip(masked))
}

// match speaks of the values that are known as they are.
func (v *view) match(say sayer, of func(*link) bool) {
	for _, l := range v.links {
		if l.Value.Kind == "" || !of(l) {
			continue
		}
		h, ok := v.facts.hits[key(l.Value)]
		if !ok || !h.Known {
			continue
		}
		weight := h.weighed(v.now)
		if weight == 0 {
			continue
		}
		if l.Kind == indicator.IPv4 || l.Kind == indicator.IPv6 {
			weight = min(weight, 60) // addresses change hands and are shared
		}
		v.tell(say, weight, l, h)
	}
}

// tell passes the advisory on as the last argument, which Finding keeps apart.
func (v *view) tell(say sayer, weight int, l *link, h hit) {
	if weight == 0 {
		return
	}
	value := l.Value
	if h.as.Value != "" {
		value = h.as
	}
	say(weight, l.Places, "value", shown(value), advisoryArg, h.advisory)
}

// advisoryArg is the name of the argument that carries Finding.Advisory.
const advisoryArg = "\x00advisory"

func knownPage(v *view, say sayer) {
	for _, l := range v.links {
		if l.Kind != indicator.URL || v.facts.hits[key(l.Value)].Known {
			continue
		}
		if page, ok := withoutQuery(l.Value); ok {
			if h, ok := v.facts.hits[key(page)]; ok && h.Known && h.entry {
				v.tell(say, h.weighed(v.now)*7/10, l, h)
			}
		}
	}
}

func knownHost(v *view, say sayer) {
	told := map[string]bool{}
	for _, l := range v.links {
		if l.Host == "" || l.Kind == indicator.Email || knownIP(l) || told[l.Host] {
			continue
		}
		h, ok := v.facts.hits[key(hostValue(l.Host))]
		if !ok || !h.Known {
			if h, ok = v.facts.hosts[l.Host]; !ok || !h.Known {
				continue
			}
		}
		told[l.Host] = true
		v.tell(say, h.weighed(v.now), l, h)
	}
}

// hostValue is a host as an indicator.
func hostValue(host string) indicator.Value {
	if v, ok := indicator.Recognise(host); ok && (v.Kind == indicator.IPv4 || v.Kind == indicator.IPv6) {
		return v
	}
	return indicator.Value{Kind: indicator.Domain, Value: host, Host: host, Written: host}
}

// knownParent matches a domain above the host, up to the one that was
// registered. The guard does not let a domain be an entry that rents out names
// below it, so that such a one says nothing here.
func knownParent(v *view, say sayer) {
	told := map[string]bool{}
	for _, l := range v.links {
		if l.Host == "" || told[l.Host] {
			continue
		}
		for parent := range above(l.Host) {
			h, ok := v.facts.hits[key(hostValue(parent))]
			if ok && h.Known && h.entry {
				told[l.Host] = true
				v.tell(say, h.weighed(v.now), l, h)
				break
			}
		}
	}
}

// above yields the names above a host, down to the registrable domain.
func above(host string) func(func(string) bool) {
	return func(yield func(string) bool) {
		site := registrable(host)
		if site == "" || site == host {
			return
		}
		for name := range parents(host) {
			if name != host && !yield(name) || name == site {
				return
			}
		}
	}
}

func knownSenderDomain(v *view, say sayer) {
	told := map[string]bool{}
	for _, l := range v.links {
		if l.Kind != indicator.Email || told[l.Host] {
			continue
		}
		h, ok := v.facts.hits[key(hostValue(l.Host))]
		if ok && h.Known && h.entry {
			told[l.Host] = true
			v.tell(say, h.weighed(v.now), l, h)
		}
	}
}

// knownWave is a mail of a wave about which information was published; one that
// is less alike may be another of the same sender or with the same subject.
func knownWave(v *view, say sayer) {
	if w := v.facts.wave; w != nil && w.Advisory != 0 && w.Alike >= closelyAlike {
		say(0, at("subject", "", v.m.Subject), advisoryArg, w.Advisory)
	}
}

const closelyAlike = 0.5

func knownSimilar(v *view, say sayer) {
	if w := v.facts.wave; w != nil && w.Advisory != 0 && w.Alike < closelyAlike {
		say(0, at("subject", "", v.m.Subject), advisoryArg, w.Advisory)
	}
}

// knownReported is a mail like one that others reported: nobody has decided yet.
func knownReported(v *view, say sayer) {
	if w := v.facts.wave; w != nil && w.Advisory == 0 && !w.Dismissed && (w.Institutions.Some() || w.Own > 0) {
		say(0, at("subject", "", v.m.Subject))
	}
}
