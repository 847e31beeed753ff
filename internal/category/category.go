// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package category names the four kinds of shared information (情報) and, for
// notices (注意喚起), what they are about. The names people see are in package
// locale; the values here are what the store, the API and scripts use.
package category

import (
	"teiten/internal/fault"
	"teiten/internal/locale"
)

// Category is the one kind that every advisory has.
type Category string

const (
	// MaliciousSite is a site that harms its visitor: fake shops, support
	// scams, drive-by downloads (悪意のあるサイト).
	MaliciousSite Category = "malicious_site"
	// Phishing is mail, SMS or a site that steals passwords or money from
	// anyone it reaches (フィッシング).
	Phishing Category = "phishing"
	// Targeted is an attack made for the hospital or its trade (標的型).
	Targeted Category = "targeted"
	// Notice is a warning that is not one attack: a vulnerability, a
	// guideline, an incident elsewhere (注意喚起).
	Notice Category = "notice"
)

// All returns every category in the order in which people see them. The slice
// is the caller's.
func All() []Category {
	return []Category{MaliciousSite, Phishing, Targeted, Notice}
}

// Parse returns the category written s. Its error is fault.Invalid with code
// "category.unknown".
func Parse(s string) (Category, error) {
	for _, c := range All() {
		if string(c) == s {
			return c, nil
		}
	}
	return "", fault.New(fault.Invalid, "category.unknown", "value", clip(s))
}

// Name returns the word for the category in the language.
func (c Category) Name(lang locale.Lang) string { return lang.T("category." + string(c)) }

// About explains the category in one sentence.
func (c Category) About(lang locale.Lang) string { return lang.T("category." + string(c) + ".about") }

// clip keeps what is echoed to a person short; a wrong value can be a whole page.
func clip(s string) string {
	const most = 40
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
