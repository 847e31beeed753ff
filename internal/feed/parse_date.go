// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"teiten/internal/locale"
)

// Years outside these are typing mistakes, not news.
const firstYear, lastYear = 1980, 2100

// layouts are the shapes of dates that feeds carry, after parseTime has taken
// away the day of the week and written the zone as digits: RFC 822 and its
// successors, W3C date-time (the profile of ISO 8601 that RSS 1.0 and Atom
// use), and what people type.
var layouts = []string{
	"2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04 -0700", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04", "2 Jan 2006",
	"2 Jan 06 15:04:05 -0700", "2 Jan 06 15:04 -0700", "2 Jan 06 15:04:05", "2 Jan 06 15:04",
	"2 January 2006 15:04:05 -0700", "2 January 2006 15:04:05", "2 January 2006 15:04", "2 January 2006",
	"2-Jan-2006 15:04:05 -0700", "2-Jan-2006 15:04:05", "2-Jan-06 15:04:05 -0700",
	"Jan 2 15:04:05 2006", "Jan 2 15:04:05 -0700 2006", "Jan 2 2006 15:04:05", "Jan 2 2006", "January 2 2006",
	"2006-01-02T15:04:05-0700", "2006-01-02T15:04-0700", "2006-01-02T15:04:05 -0700", "2006-01-02T15:04:05", "2006-01-02T15:04",
	"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05-0700", "2006-01-02 15:04 -0700", "2006-01-02 15:04:05", "2006-01-02 15:04",
	"2006-01-02", "2006-01", "2006",
	"2006/1/2 15:04:05 -0700", "2006/1/2 15:04:05", "2006/1/2 15:04", "2006/1/2",
	"2006.1.2 15:04:05", "2006.1.2 15:04", "2006.1.2",
	"2006年1月2日 15:04:05", "2006年1月2日 15:04", "2006年1月2日 15時4分", "2006年1月2日",
	"20060102150405", "20060102",
}

// zones are the names of RFC 822 section 5 and those of Japan. Go knows a zone
// by its name only where it is local, so names become digits.
var zones = map[string]string{
	"Z": "+0000", "UT": "+0000", "UTC": "+0000", "GMT": "+0000", "WET": "+0000",
	"JST": "+0900", "KST": "+0900", "CET": "+0100", "CEST": "+0200", "BST": "+0100",
	"EST": "-0500", "EDT": "-0400", "CST": "-0600", "CDT": "-0500",
	"MST": "-0700", "MDT": "-0600", "PST": "-0800", "PDT": "-0700",
}

var (
	weekday    = regexp.MustCompile(`(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+`)
	comment    = regexp.MustCompile(`\s*\([^()]*\)`) // RFC 822 comments, and （月）
	namedZone  = regexp.MustCompile(`(:\d\d(?:\.\d+)?)\s?([A-Za-z]{1,4})(\s\d{4})?$`)
	colonZone  = regexp.MustCompile(`(\d|\s)([+-]\d\d):(\d\d)$`)
	offsetName = regexp.MustCompile(`\b(?:GMT|UTC)([+-]\d{4})$`)
)

// parseTime reads a date. One without a zone is meant in Tokyo, where those who
// leave the zone out live. The result is in UTC.
func parseTime(s string) (time.Time, bool) {
	s = withoutBreaks(norm.NFKC.String(cutBytes(s, 200)))
	s = comment.ReplaceAllString(s, "")
	s = weekday.ReplaceAllString(s, "")
	s = strings.ReplaceAll(s, ", ", " ")
	s = strings.ReplaceAll(s, "\u2212", "-")
	s = colonZone.ReplaceAllString(s, "$1$2$3")
	s = offsetName.ReplaceAllString(s, "$1")
	if m := namedZone.FindStringSubmatchIndex(s); m != nil && len(s) > 10 {
		digits, known := zones[strings.ToUpper(s[m[4]:m[5]])]
		if !known {
			return time.Time{}, false
		}
		gap := " "
		if s[10] == 'T' { // 2006-01-02T
			gap = ""
		}
		s = s[:m[3]] + gap + digits + s[m[5]:]
	}
	for _, layout := range layouts {
		t, err := time.ParseInLocation(layout, s, locale.Tokyo)
		if err == nil && t.Year() >= firstYear && t.Year() <= lastYear {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
