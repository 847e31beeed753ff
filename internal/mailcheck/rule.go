// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import "slices"

// RulesVersion names the rules; it changes when a rule, a weight or a bundled
// list does, so that answers can be compared.
const RulesVersion = "2026.11"

// family groups rules that say much the same thing.
type family string

const (
	knownFamily     family = "known" // shared information
	senderFamily    family = "sender"
	authFamily      family = "auth"
	brandFamily     family = "brand"
	linkFamily      family = "link"
	formFamily      family = "form"
	fileFamily      family = "file"
	disguiseFamily  family = "disguise" // of files
	textFamily      family = "text"
	evasionFamily   family = "evasion" // of filters
	structureFamily family = "structure"
	goodFamily      family = "good" // what speaks for the mail
)

// sayer takes a finding of a rule: points (0 for the rule's), places, and the
// arguments of its sentence.
type sayer func(weight int, places []Place, args ...any)

// rule is one check. Its sentences are the locale's "mailcheck.rule." and
// "mailcheck.why." with the id behind.
type rule struct {
	ID     string
	Weight int
	Family family
	look   func(v *view, say sayer)
}

// rules are all rules, by family.
var rules = slices.Concat(knownRules, senderRules, authRules, brandRules, linkRules, formRules, fileRules, textRules, evasionRules, structureRules, goodRules)

// Rule is a rule as documentation and pages show it.
type Rule struct {
	ID     string
	Weight int
	Family string
}

// Rules returns all rules in their order.
func Rules() []Rule {
	all := make([]Rule, len(rules))
	for i, r := range rules {
		all[i] = Rule{r.ID, r.Weight, string(r.Family)}
	}
	return all
}

// at is a list of one place.
func at(where, path, text string) []Place {
	return []Place{{Where: where, Path: path, Text: clip(text)}}
}

func header(name, text string) []Place { return at("header:"+name, "", text) }
