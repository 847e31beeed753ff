// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"strings"
	"time"
	"unicode/utf8"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/tlp"
)

// Format is what sort of file is read.
type Format string

const (
	JPCERT Format = "jpcert" // JPCERT/CC's phishing URL list: date, URL, description
	CSV    Format = "csv"    // a table whose header names its columns
	Text   Format = "text"   // any text; the indicators in it are found
	KEV    Format = "kev"    // CISA's known exploited vulnerabilities, JSON
	CSAF   Format = "csaf"   // one security advisory, CSAF 2.0 JSON
)

// Formats returns every format in the order of help texts.
func Formats() []Format { return []Format{JPCERT, CSV, Text, KEV, CSAF} }

// ParseFormat returns the format written s.
func ParseFormat(s string) (Format, error) {
	for _, f := range Formats() {
		if string(f) == s {
			return f, nil
		}
	}
	return "", fault.New(fault.Invalid, "import.format", "value", clip(s)).At("format")
}

// advisories reports whether the format brings advisories, not observations.
func (f Format) advisories() bool { return f == KEV || f == CSAF }

// Options say how a file is read. Defaults gives those of a format; of a zero
// field the default is taken, but for TLP, whose zero value is CLEAR.
type Options struct {
	Format Format
	TLP    tlp.Level // of rows and documents that name none
	Group  int64     // the sharing group that all of it is for; 0 for all whom the TLP allows
	DryRun bool      // read and count everything, store nothing

	Category category.Category // of rows that name none
	Brand    string            // of rows that name none
	Source   string            // under which the rows are counted; formats with a fixed source ignore it

	Batch    int // rows in one transaction, 1 to 200,000; 0 means 20,000
	Progress func(Progress)

	now time.Time // of the tests; zero means the clock's
}

const (
	defaultBatch = 20_000
	maxBatch     = 200_000
	maxWord      = 200 // characters of a brand or source
)

// Defaults returns the options that a format starts with. JPCERT's list, KEV
// and the CSAF documents of authorities are public; what somebody's own table
// or text says is shared with members and their vendors unless they choose.
func Defaults(f Format) Options {
	o := Options{Format: f, TLP: tlp.Amber, Category: category.MaliciousSite, Source: string(f)}
	switch f {
	case JPCERT:
		o.TLP, o.Category = tlp.Clear, category.Phishing
	case KEV, CSAF:
		o.TLP, o.Category, o.Source = tlp.Clear, category.Notice, sourceOf[f]
	}
	return o
}

// MayImport says who may import: analysts and operators everything, a security
// contact indicators for the own institution (see [File]).
func MayImport(c caller.Caller, f Format) bool {
	if f.advisories() {
		return c.Org != 0 && advisory.MayReview(c)
	}
	return c.Org != 0 && c.Is(caller.Operator, caller.Analyst, caller.Contact)
}

// check fills what was left out and refuses what cannot be.
func (o *Options) check(c caller.Caller) error {
	if _, err := ParseFormat(string(o.Format)); err != nil {
		return err
	}
	if !MayImport(c, o.Format) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	d := Defaults(o.Format)
	if o.Category == "" || o.Format.advisories() {
		o.Category = d.Category
	}
	if o.Source == "" || o.Format != CSV && o.Format != Text {
		o.Source = d.Source
	}
	if _, err := category.Parse(string(o.Category)); err != nil {
		return fault.From(err).At("category")
	}
	if o.TLP < tlp.Clear || o.TLP > tlp.Red {
		return fault.New(fault.Invalid, "tlp.unknown", "value", "").At("tlp")
	}
	// What an institution's contact imports no analyst has seen: it serves the
	// own institution until the ISAC shares it.
	if c.Is(caller.Contact) && o.TLP != tlp.Red {
		return fault.New(fault.Forbidden, "import.tlp_contact").At("tlp")
	}
	o.Brand, o.Source = strings.TrimSpace(o.Brand), strings.TrimSpace(o.Source)
	for _, w := range []struct{ field, text string }{{"brand", o.Brand}, {"source", o.Source}} {
		if !printable(w.text) {
			return fault.New(fault.Invalid, "import.word").At(w.field)
		}
		if n := utf8.RuneCountInString(w.text); n > maxWord {
			return fault.New(fault.TooLarge, "import.word_long", "length", n, "most", maxWord).At(w.field)
		}
	}
	if o.Batch == 0 {
		o.Batch = defaultBatch
	}
	if o.Batch < 1 || o.Batch > maxBatch {
		return fault.New(fault.Invalid, "fault.limit", "most", maxBatch).At("batch")
	}
	if o.now.IsZero() {
		o.now = time.Now()
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return nil
}
