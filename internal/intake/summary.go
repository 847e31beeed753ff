// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
)

// Progress is how far an import has come. It is told after each batch.
type Progress struct {
	File       string
	Rows       int64 // read so far, rejected ones included
	Bytes      int64 // read of the file as it lies on disk, packed or not
	TotalBytes int64 // 0 when unknown
	intel.Outcome
}

// Problem is a row that was not taken, or something about the file.
type Problem struct {
	File string
	Line int64 // the first line of the row, from 1; of KEV the entry's; 0 for the file
	Err  error // a fault, whose sentence package locale has
}

// Counts are the figures of an import. Rows = Added + Known + Rejected for
// indicators; for advisories also + Renewed.
type Counts struct {
	Rows     int64 // read, rejected ones included
	Added    int64 // observations, or advisories, that were not there
	Known    int64 // that were there already
	New      int64 // indicators heard of for the first time from this organisation
	Renewed  int64 // indicators whose last seen or validity moved; advisories corrected
	Excluded int64 // added ones whose indicator the guard keeps out of filters
	Rejected int64 // not taken, each with its reason
	Repaired int64 // taken although a broken scheme, blanks or the like had to be put right
}

// Add sums counts.
func (c *Counts) Add(d Counts) {
	c.Rows += d.Rows
	c.Added += d.Added
	c.Known += d.Known
	c.New += d.New
	c.Renewed += d.Renewed
	c.Excluded += d.Excluded
	c.Rejected += d.Rejected
	c.Repaired += d.Repaired
}

// FileSummary is what came of one file.
type FileSummary struct {
	Name     string
	Run      int64  // its record, 0 for a dry run
	Encoding string // as it was recognised: UTF-8, Shift_JIS, …
	Ignored  []string
	Counts
}

// Summary is what came of an import.
type Summary struct {
	Counts
	Problems []Problem // the first 10,000
	Dropped  int64     // further problems, counted only
	Files    []FileSummary
}

// MaxProblems is how many problems of a file are kept.
const MaxProblems = 10_000

// Add joins the summary of another file.
func (s *Summary) Add(t Summary) {
	s.Counts.Add(t.Counts)
	s.Dropped += t.Dropped
	s.problems(t.Problems...)
	s.Files = append(s.Files, t.Files...)
}

func (s *Summary) problems(more ...Problem) {
	n := min(len(more), MaxProblems-len(s.Problems))
	s.Problems = append(s.Problems, more[:n]...)
	s.Dropped += int64(len(more) - n)
}

// shown makes the arguments of a fault fit to be shown and kept: what another
// package quotes of a row is masked and defanged, and the cause, which may quote
// the row, is left out. Our own faults quote with quote.
func shown(err error) *fault.Error {
	f := *fault.From(err)
	f.Err = nil
	if strings.HasPrefix(f.Code, "import.") {
		return &f
	}
	args := make(fault.Args, len(f.Args))
	for name, v := range f.Args {
		if s, ok := v.(string); ok {
			v = quote(s)
		}
		args[name] = v
	}
	f.Args = args
	return &f
}

// quote is text of a row as it may be shown: defanged, without what stands
// before an "@", for that is somebody, and without a query, which may name one.
func quote(s string) string {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		s = "*@" + strings.TrimPrefix(s[at+1:], "]")
	}
	if at := strings.IndexAny(s, "?#"); at >= 0 {
		s = s[:at+1] + "…"
	}
	return clip(indicator.Defang(indicator.URL, s))
}

// clip keeps what is echoed short and printable.
func clip(s string) string {
	const most = 80
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return s
}

// printable reports whether s can be stored and shown as a word.
func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}
