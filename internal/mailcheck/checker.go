// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"context"
	"slices"
	"strings"

	"teiten/internal/caller"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/mail"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/store"
	"teiten/internal/wave"
)

// Checker checks mails against a store. It may be used by many at once.
type Checker struct {
	guards  *intel.Guards
	options Options
}

// Options are what a caller knows better than the store: on the command line.
type Options struct {
	Own      []string // own domains, added to the institution's
	Authserv []string // authserv-ids of own mail servers, added to the institution's
	// DKIM holds TXT records by name ("selector._domainkey.example.jp"), used
	// before those that are kept.
	DKIM   map[string]string
	Limits mail.Limits
	// Forwarded says that people forward what is handed in: their own words
	// around the mail in question are not judged.
	Forwarded bool
}

// New makes a checker. guards may be nil: then the guard's decisions that are
// stored with the indicators count.
func New(guards *intel.Guards) (*Checker, error) {
	bundled()
	return &Checker{guards: guards}, nil
}

// With returns a checker that also heeds the options. The receiver does not change.
func (k *Checker) With(o Options) *Checker {
	lower := func(in []string) (out []string) {
		for _, s := range in {
			out = append(out, strings.ToLower(strings.TrimSuffix(strings.TrimSpace(s), ".")))
		}
		return out
	}
	c := *k
	c.options = Options{Own: lower(o.Own), Authserv: lower(o.Authserv), DKIM: make(map[string]string, len(o.DKIM)), Limits: o.Limits, Forwarded: o.Forwarded}
	for name, record := range o.DKIM {
		c.options.DKIM[strings.ToLower(strings.TrimSuffix(name, "."))] = record
	}
	return &c
}

// Check reads a mail and answers. It asks nobody outside, and stores nothing.
// The errors are those of mail.Read, of the store, and fault.Forbidden for who
// may not check mails.
func (k *Checker) Check(ctx context.Context, q store.Queryer, c caller.Caller, raw []byte) (*Answer, error) {
	if err := permit.Check(c, permit.MailCheck); err != nil {
		return nil, err
	}
	m, err := mail.Read(raw, k.options.Limits)
	if err != nil {
		return nil, err
	}
	return k.CheckMessage(ctx, q, c, m)
}

// CheckMessage is Check of a mail that was read already.
func (k *Checker) CheckMessage(ctx context.Context, q store.Queryer, c caller.Caller, m *mail.Message) (*Answer, error) {
	if err := permit.Check(c, permit.MailCheck); err != nil {
		return nil, err
	}
	all := m.Forwards()
	if k.options.Forwarded && len(all) > 1 {
		all = all[1:]
	}
	// An attacker can put a harmless mail into his own, as if he forwarded it:
	// the gravest is the answer, and the innermost of equals.
	var answer *Answer
	for _, f := range slices.Backward(all) {
		a, err := k.judge(ctx, q, c, f.Message, f.Found)
		if err != nil {
			return nil, err
		}
		if answer == nil || a.Verdict.graver(answer.Verdict) {
			answer = a
		}
	}
	return answer, nil
}

// judge answers about one mail, found in what was handed in.
func (k *Checker) judge(ctx context.Context, q store.Queryer, c caller.Caller, m *mail.Message, found mail.Found) (*Answer, error) {
	f, err := k.facts(ctx, q, c, m)
	if err != nil {
		return nil, err
	}
	f.inline = found == mail.Inline
	v := newView(m, f)
	if err := k.ask(ctx, q, c, v); err != nil {
		return nil, err
	}
	if f.wave, err = wave.Find(ctx, q, c, wave.Of(m, q.Key)); err != nil {
		return nil, err
	}
	a := v.judge()
	a.Found = found
	return a, nil
}

// facts reads what is known of the caller's institution.
func (k *Checker) facts(ctx context.Context, q store.Queryer, c caller.Caller, m *mail.Message) (*Facts, error) {
	f := &Facts{Own: slices.Clone(k.options.Own), Authserv: slices.Clone(k.options.Authserv), hits: map[string]hit{}, hosts: map[string]hit{}}
	if c.Org != 0 {
		domains, err := member.Domains(ctx, q, c.Org)
		if err != nil {
			return nil, err
		}
		f.Own = append(f.Own, domains[c.Org]...)
		s, err := readSettings(ctx, q, c.Org)
		if err != nil {
			return nil, err
		}
		f.Authserv = append(f.Authserv, s.Authserv...)
		if c.OrgKind == caller.Institution && c.OrgName != "" {
			f.Names = []string{c.OrgName}
		}
		if err := readCorrespondents(ctx, q, c.Org, m, f); err != nil {
			return nil, err
		}
	}
	kept, err := readKeys(ctx, q, signers(m))
	if err != nil {
		return nil, err
	}
	f.DKIM = func(name string) (string, bool) {
		if r, ok := k.options.DKIM[name]; ok {
			return r, true
		}
		r, ok := kept[name]
		return r, ok
	}
	return f, nil
}

// ask looks everything up at once: one statement finds which of the values are
// known at all, and only those are asked for in full.
func (k *Checker) ask(ctx context.Context, q store.Queryer, c caller.Caller, v *view) error {
	values, hosts := v.values()
	var g *guard.Guard
	if k.guards != nil {
		var err error
		if g, err = k.guards.Current(ctx); err != nil {
			return err
		}
	}
	values, err := knownOnly(ctx, q, values)
	if err != nil {
		return err
	}
	hits, err := intel.Lookup(ctx, q, q.Key, c, values)
	if err != nil {
		return err
	}
	for i, h := range hits {
		if h.Known {
			v.facts.hits[key(values[i])] = hit{Hit: h, entry: mayEnter(g, values[i], h)}
		}
	}
	if v.facts.hosts, err = knownHosts(ctx, q, c, g, hosts); err != nil {
		return err
	}
	// A shared address may lack what identified its recipient.
	for _, l := range v.links {
		if _, ok := v.facts.hits[key(l.Value)]; ok || l.Kind != indicator.URL {
			continue
		}
		for _, other := range alternatives(l.Value) {
			if h, ok := v.facts.hits[key(other)]; ok {
				h.as = other
				v.facts.hits[key(l.Value)] = h
				break
			}
		}
	}
	return addAdvisories(ctx, q, c, v.facts)
}

// mayEnter reports whether the guard lets an indicator into filters, now and
// when it was stored.
func mayEnter(g *guard.Guard, v indicator.Value, h intel.Hit) bool {
	return h.Entry && (g == nil || g.Judge(v).Entry)
}

// alternatives are the forms in which an address may have been shared: what
// identifies the recipient masked, and with the other scheme.
func alternatives(v indicator.Value) (all []indicator.Value) {
	masked, changed := indicator.Mask(indicator.URL, v.Value)
	forms := []string{v.Value}
	if changed {
		forms = append(forms, masked)
	}
	for _, s := range forms {
		if s != v.Value {
			all = append(all, indicator.Value{Kind: indicator.URL, Value: s, Host: v.Host, Written: v.Written})
		}
		other := ""
		if rest, ok := strings.CutPrefix(s, "https://"); ok {
			other = "http://" + rest
		} else if rest, ok := strings.CutPrefix(s, "http://"); ok {
			other = "https://" + rest
		}
		if other != "" {
			all = append(all, indicator.Value{Kind: indicator.URL, Value: other, Host: v.Host, Written: v.Written})
		}
	}
	return all
}

// withoutQuery is the page of an address with a query; false where there is
// none, or the page is a mere directory or so short that others share it.
func withoutQuery(v indicator.Value) (indicator.Value, bool) {
	i := strings.IndexByte(v.Value, '?')
	if v.Kind != indicator.URL || i < 0 {
		return v, false
	}
	page := v.Value[:i]
	_, path, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(page, "https://"), "http://"), "/")
	if len(path) < 5 {
		return v, false
	}
	v.Value = page
	return v, true
}
