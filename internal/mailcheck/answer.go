// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"slices"

	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/mail"
	"teiten/internal/wave"
)

// Verdict is the answer to "is this mail dangerous?". There is no "safe".
type Verdict string

const (
	Malicious  Verdict = "malicious"
	Suspicious Verdict = "suspicious"
	Unknown    Verdict = "unknown" // nothing known
)

// Name returns the word for it.
func (v Verdict) Name(lang locale.Lang) string { return lang.T("mailcheck.verdict." + string(v)) }

// graver reports whether the verdict is worse than another.
func (v Verdict) graver(than Verdict) bool {
	order := []Verdict{Unknown, Suspicious, Malicious}
	return slices.Index(order, v) > slices.Index(order, than)
}

// Action is what the person already did with the mail.
type Action string

const (
	None    Action = ""        // only looked at it
	Clicked Action = "clicked" // followed a link
	Entered Action = "entered" // entered a password
	Opened  Action = "opened"  // opened an attachment
	Replied Action = "replied"
)

// Actions are all of them, in the order in which people are asked.
var Actions = []Action{None, Clicked, Entered, Opened, Replied}

// Name returns what the person says: "I clicked".
func (a Action) Name(lang locale.Lang) string {
	if a == None {
		return lang.T("mailcheck.action.none")
	}
	return lang.T("mailcheck.action." + string(a))
}

// Place is where in the mail a finding is. Start and End are bytes of the text
// that Where and Path name, that of an HTML part as [Render] gives it; 0, 0 for
// all of it.
type Place struct {
	Where      string // "header:From", "subject", "text", "html", "link", "form", "file", "image", "calendar", "structure"
	Path       string // of the part, "" for the header
	Text       string // what stands there, shortened, as it is: hostile
	Start, End int
}

// Finding is one reason.
type Finding struct {
	Rule     string // id, such as "sender.lookalike"; its sentences are the locale's "mailcheck.rule." with it
	Family   string
	Weight   int   // points, negative for what speaks for the mail; see the package documentation
	Args     []any // of the explanation: pairs of name and value, defanged
	Places   []Place
	Advisory int64 // shared information that says so, 0 for none
}

// Explain is the sentence that says what was found.
func (f Finding) Explain(lang locale.Lang) string {
	return lang.T("mailcheck.rule."+f.Rule, f.Args...)
}

// Why is the sentence that says why it matters.
func (f Finding) Why(lang locale.Lang) string { return lang.T("mailcheck.why." + f.Rule) }

// Link is an address in the mail: of any kind of indicator.
type Link struct {
	indicator.Value
	Places []Place
	Hit    intel.Hit
}

// File is an attachment.
type File struct {
	Path, Name, MediaType string
	Size                  int64
	MD5, SHA1, SHA256     string
	Names                 []string // inside an archive, at most 100
	Encrypted             bool
}

// Answer is what is said about a mail, the same at every surface.
type Answer struct {
	Verdict    Verdict
	Score      int
	Findings   []Finding // the strongest first
	Links      []Link
	Files      []File
	Mail       *mail.Message // the mail in question
	Found      mail.Found    // how it was found in what was handed in
	Wave       *wave.Seen    // nil for none
	Signature  Signature
	Rules      string   // version of the rules
	Incomplete []string // what was not looked at: keys of package locale

	lures bool // it wants a link followed or a file opened
}

// Reasons are the findings to show first, at most three; what speaks for the
// mail and what is only noted are not among them.
func (a *Answer) Reasons() []Finding {
	n := 0
	for n < len(a.Findings) && n < 3 && a.Findings[n].Weight > 0 {
		n++
	}
	return a.Findings[:n]
}
