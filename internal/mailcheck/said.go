// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"slices"
	"strings"
)

// said is where a concept stands first.
type said struct {
	place Place
}

// mention is a brand that the mail names.
type mention struct {
	brand *brand
	name  string
	place Place
	where string // name, subject, body
	n     int
}

// readPhrases looks for concepts and brands in subject, name and bodies.
func (v *view) readPhrases() {
	scan := func(f *folded, where, path, text string) {
		v.k.phrases.each(f.text, func(n, from, to int) {
			p := v.k.what[n]
			place := func() Place {
				start, end := f.place(from, to)
				return Place{Where: where, Path: path, Text: clip(text[start:end]), Start: start, End: end}
			}
			if p.brand == nil {
				v.counts[p.concept]++
				if v.said[p.concept] == nil {
					v.said[p.concept] = &said{place: place()}
				}
				return
			}
			as := "body"
			switch where {
			case "header:From":
				as = "name"
			case "subject":
				as = where
			}
			for i := range v.brands {
				if v.brands[i].brand == p.brand && v.brands[i].where == as {
					v.brands[i].n++
					return
				}
			}
			if len(v.brands) < 100 {
				v.brands = append(v.brands, mention{p.brand, p.name, place(), as, 1})
			}
		})
	}
	scan(&v.name, "header:From", "", v.from.Name)
	if b := v.k.plain[v.name.text]; b != nil {
		v.brands = append(v.brands, mention{b, v.from.Name, Place{Where: "header:From", Text: clip(v.from.Name), End: len(v.from.Name)}, "name", 1})
	}
	scan(&v.subject, "subject", "", v.m.Subject)
	if s, rest, ok := strings.Cut(strings.TrimPrefix(v.subject.text, "["), "]"); ok && rest != "" && len(s) < 60 {
		v.plainIn(s)
	} else if s, rest, ok := strings.Cut(strings.TrimPrefix(v.subject.text, "【"), "】"); ok && rest != "" && len(s) < 60 {
		v.plainIn(s)
	}
	for i := range v.bodies {
		b := &v.bodies[i]
		where := "text"
		if b.html {
			where = "html"
		}
		scan(&b.folded, where, b.path, b.text)
	}
}

// plainIn takes an ordinary word in brackets at the head of a subject for the
// name of a brand: 【VISA】.
func (v *view) plainIn(s string) {
	if b := v.k.plain[s]; b != nil {
		v.brands = append(v.brands, mention{b, s, Place{Where: "subject", Text: clip(s)}, "subject", 1})
	}
}

// has reports whether one of the concepts is said.
func (v *view) has(all ...concept) bool {
	return slices.ContainsFunc(all, func(c concept) bool { return v.said[c] != nil })
}

// where gives the places of concepts that are said.
func (v *view) where(all ...concept) (places []Place) {
	for _, c := range all {
		if s := v.said[c]; s != nil {
			places = append(places, s.place)
		}
	}
	return places
}
