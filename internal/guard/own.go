// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Own returns the list of what belongs to an institution: domains, each with
// all names below it, addresses and ranges. Its effect is [Exclude], and no
// rented border hides it: hospital.example.ne.jp is the hospital's also when
// example.ne.jp rents out names.
//
// What cannot be read, and public suffixes ("jp", "or.jp", "workers.dev"),
// which would exclude everybody's hosts, are left out and named in Problems.
func Own(name string, domains []string) *List {
	l := &List{
		Slug: "own-" + slugOf(name), Name: name, Type: TypeHostname,
		Effect: Exclude, own: true,
	}
	var usable packer
	for i, d := range domains {
		d = strings.TrimSpace(d)
		e, reason := readValue(TypeHostname, hosts, d)
		switch {
		case reason != "":
			l.skip(i, reason)
		case e.kind == isName && isSuffix(e.text):
			l.skip(i, "guard.own_suffix")
		default:
			usable.add(d)
		}
	}
	l.Values = usable.values()
	return l
}

func isSuffix(name string) bool {
	suffix, _ := publicsuffix.PublicSuffix(name)
	return suffix == name
}
