// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"teiten/internal/indicator"
)

const maxReasons = 16

// judgement gathers the reasons of one verdict.
type judgement struct {
	guard   *Guard
	reasons []Reason
	from    [maxReasons]uint32 // the list of each reason
}

// fresh reports whether list is not among the reasons and still fits.
func (j *judgement) fresh(list uint32) bool {
	return len(j.reasons) < maxReasons && !slices.Contains(j.from[:len(j.reasons)], list)
}

// hit notes that list holds matched, once per list, and returns its effect.
func (j *judgement) hit(list uint32, matched string) Effect {
	a := &j.guard.lists[list]
	if j.fresh(list) {
		j.from[len(j.reasons)] = list
		j.reasons = append(j.reasons, Reason{List: a.name, Slug: a.slug, Matched: matched, Effect: a.effect})
	}
	return a.effect
}

// aside notes a reason that comes from no list.
func (j *judgement) aside(r Reason) {
	if len(j.reasons) == maxReasons {
		j.reasons = j.reasons[:maxReasons-1]
	}
	j.from[len(j.reasons)] = ^uint32(0)
	j.reasons = append(j.reasons, r)
}

// sorted returns the reasons, the strongest first and overrules last.
func (j *judgement) sorted() []Reason {
	slices.SortStableFunc(j.reasons, func(a, b Reason) int { return int(b.Effect - a.Effect) })
	return j.reasons
}

// overruled reports whether somebody let s through, and notes who.
func (j *judgement) overruled(s subject) bool {
	if len(j.guard.overrules) == 0 {
		return false
	}
	o, ok := j.guard.overrules[s]
	if ok && !slices.ContainsFunc(j.reasons, func(r Reason) bool { return r.Overrule != nil && *r.Overrule == o }) {
		j.aside(Reason{Slug: SlugOverrule, Matched: s.value, Overrule: &o})
	}
	return ok
}

// host returns the strongest effect on a host name or address. If the host
// was let through there is none, which also holds for URLs on it.
func (j *judgement) host(host string) Effect {
	if host == "" {
		return 0
	}
	if a, ok := address(host); ok {
		effect := j.addresses(netip.PrefixFrom(a, a.BitLen()))
		kind := indicator.IPv4
		if a.Is6() {
			kind = indicator.IPv6
		}
		if effect > Note && j.overruled(subject{kind, a.String()}) {
			return 0
		}
		return effect
	}
	effect := j.name(host)
	if p := j.guard.ofHosts; p != nil {
		p.match(host, func(list uint32, what string) { effect = max(effect, j.hit(list, what)) })
	}
	if effect > Note && j.overruled(subject{indicator.Domain, host}) {
		return 0
	}
	return effect
}

// border is where names begin to be rented out.
type border int

const (
	inside     border = iota // below the registrable domain
	atSuffix                 // an ordinary public suffix or above
	atLandlord               // somebody who rents out names, or above
)

// name returns the strongest effect on a host name.
func (j *judgement) name(host string) Effect {
	suffix, icann := publicsuffix.PublicSuffix(host)
	landlord := !icann && strings.Contains(suffix, ".")
	bare, www := strings.CutPrefix(host, "www.")

	var effect Effect
	switch {
	case landlord && (host == suffix || bare == suffix):
		effect = Shared
		j.aside(Reason{Slug: SlugSuffix, Matched: suffix, Effect: effect})
	case host == suffix:
		effect = HostOnly
		j.aside(Reason{Slug: SlugSuffix, Matched: suffix, Effect: effect})
	}
	for _, r := range j.guard.names.find(host) {
		effect = max(effect, j.hit(r.list, host))
	}
	if www {
		for _, r := range j.guard.names.find(bare) {
			effect = max(effect, j.hit(r.list, bare))
		}
	}

	reached := inside
	for parent := host; ; {
		dot := strings.IndexByte(parent, '.')
		if dot < 0 {
			return effect
		}
		parent = parent[dot+1:]
		if len(parent) > maxHost {
			continue // only what could be on a list is looked up
		}
		if len(parent) <= len(suffix) && reached == inside {
			if reached = atSuffix; landlord {
				reached = atLandlord
			}
		}
		refs := j.guard.names.find(parent)
		if len(refs) == 0 {
			continue
		}
		if slices.ContainsFunc(refs, j.guard.rents) {
			reached = atLandlord
		}
		for _, r := range refs {
			a := &j.guard.lists[r.list]
			heard := a.own || reached == inside || reached == atSuffix && r.cover == dotted
			if r.cover != alone && heard && a.effect != Shared {
				effect = max(effect, j.hit(r.list, parent))
			}
		}
	}
}

// rents reports whether the listed name rents out the names below it.
func (g *Guard) rents(r ref) bool {
	return r.cover != alone && g.lists[r.list].effect == Shared
}

// addresses returns the strongest effect on what p shares an address with.
func (j *judgement) addresses(p netip.Prefix) Effect {
	all := j.guard.v6
	if p.Addr().Is4() {
		all = j.guard.v4
	}
	var effect Effect
	all.overlapping(p, func(list uint32, listed netip.Prefix) bool {
		effect = max(effect, j.hitRange(list, listed))
		return effect < Exclude || len(j.reasons) < maxReasons
	})
	return effect
}

// hitRange is hit without writing out a range that is not new.
func (j *judgement) hitRange(list uint32, listed netip.Prefix) Effect {
	if !j.fresh(list) {
		return j.guard.lists[list].effect
	}
	if listed.IsSingleIP() {
		return j.hit(list, listed.Addr().String())
	}
	return j.hit(list, listed.String())
}

// whole returns the strongest effect on the whole of a URL, mail address or
// hash.
func (j *judgement) whole(v indicator.Value, p *patterns) Effect {
	text := strings.ToLower(v.Value)
	var effect Effect
	for _, r := range j.guard.names.find(text) {
		effect = max(effect, j.hit(r.list, text))
	}
	if p != nil {
		p.match(text, func(list uint32, what string) { effect = max(effect, j.hit(list, what)) })
	}
	return effect
}
