// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"cmp"
	"maps"
	"slices"

	"teiten/internal/indicator"
	"teiten/internal/mail"
)

// Thresholds of the score; see the package documentation.
const (
	SuspiciousScore = 50
	MaliciousScore  = 140
	Strong          = 55 // points of a finding that can make a mail malicious together with another family's
)

// maxOfRule is how many findings of one rule are kept.
const maxOfRule = 10

// Judge answers for a mail with what is known besides it, without a store: the
// zero Facts let the rules speak alone. It changes nothing and asks nobody.
func Judge(m *mail.Message, f Facts) *Answer {
	return newView(m, &f).judge()
}

// judge lets every rule speak, and weighs.
func (v *view) judge() *Answer {
	a := &Answer{Mail: v.m, Found: mail.Itself, Wave: v.facts.wave, Signature: v.signature(), Rules: RulesVersion}
	for i := range rules {
		r := &rules[i]
		n := 0
		r.look(v, func(weight int, places []Place, args ...any) {
			if n++; n > maxOfRule {
				return
			}
			if weight == 0 {
				weight = r.Weight
			}
			f := Finding{Rule: r.ID, Family: string(r.Family), Weight: weight, Places: places}
			for j := 0; j+1 < len(args); j += 2 {
				if args[j] == advisoryArg {
					f.Advisory, _ = args[j+1].(int64)
					continue
				}
				f.Args = append(f.Args, args[j], args[j+1])
			}
			a.Findings = append(a.Findings, f)
		})
	}
	slices.SortStableFunc(a.Findings, func(x, y Finding) int { return cmp.Compare(y.Weight, x.Weight) })
	a.weigh()
	a.lures = v.lured()
	for _, l := range v.links {
		if l.Value.Kind == "" || knownFile(l) {
			continue // what has no indicator, and hashes, which Files have
		}
		l.Hit = v.facts.hits[key(l.Value)].Hit
		a.Links = append(a.Links, l.Link)
	}
	for _, f := range v.files {
		a.Files = append(a.Files, f.File)
		if f.Encrypted || f.has("closed") {
			v.cut["mailcheck.cut.encrypted"] = true
		}
	}
	a.Incomplete = slices.Sorted(maps.Keys(v.cut))
	return a
}

// weigh sets score and verdict.
func (a *Answer) weigh() {
	counted, strong := map[string]int{}, map[string]bool{}
	known, decisive := 0, false
	for _, f := range a.Findings { // the strongest first
		if f.Weight == 0 {
			continue
		}
		if f.Weight < 0 {
			a.Score += f.Weight
			continue
		}
		if n := counted[f.Family]; n < 3 {
			a.Score += f.Weight >> n
			counted[f.Family]++
		}
		if f.Weight >= Strong {
			strong[f.Family] = true
		}
		if f.Family == string(knownFamily) {
			known = max(known, f.Weight)
			decisive = decisive || f.Weight >= Decisive
		}
	}
	switch {
	case decisive, a.Score >= MaliciousScore && len(strong) >= 2:
		a.Verdict = Malicious
	case known > 0, a.Score >= SuspiciousScore:
		a.Verdict = Suspicious
	default:
		a.Verdict = Unknown
	}
	a.Score = max(a.Score, known, 0)
}

// values are what is looked up for a mail: what it holds, the hosts and the
// domains above them, and addresses without what may identify the recipient.
func (v *view) values() (values []indicator.Value, hosts []string) {
	seen := map[string]bool{}
	add := func(val indicator.Value) {
		if k := key(val); !seen[k] && val.Value != "" {
			seen[k] = true
			values = append(values, val)
		}
	}
	host := map[string]bool{}
	for _, l := range v.links {
		if l.Value.Kind == "" {
			continue
		}
		add(l.Value)
		if l.Host == "" {
			continue
		}
		if !host[l.Host] {
			host[l.Host] = true
			if l.Kind != indicator.Email {
				hosts = append(hosts, l.Host)
			}
			add(hostValue(l.Host))
			for parent := range above(l.Host) {
				add(hostValue(parent))
			}
		}
		if l.Kind == indicator.URL {
			if page, ok := withoutQuery(l.Value); ok {
				add(page)
			}
			for _, other := range alternatives(l.Value) {
				add(other)
			}
		}
	}
	return values, hosts
}
