// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

// earliest is the first year in which a row can have been observed.
const earliest = 1990

// parseDate reads a date of a list: "2024/09/02 11:34:00", with or without
// time, with "-" or "." for "/", RFC 3339, "2024年9月2日 11時34分", all of them also in
// full width. Without a zone it is Tokyo's. Blank is the zero time. A date more
// than two days ahead of now is refused: it would keep an indicator alive.
func parseDate(text string, now time.Time) (time.Time, error) {
	t, ok := listDate(text)
	if !ok {
		text = strings.TrimSpace(norm.NFKC.String(text))
		if text == "" {
			return time.Time{}, nil
		}
		if t, ok = anyDate(text); !ok {
			return time.Time{}, fault.New(fault.Invalid, "import.date", "date", quote(text))
		}
	}
	if t.Year() < earliest || t.After(now.Add(48*time.Hour)) {
		return time.Time{}, fault.New(fault.Invalid, "import.date_range", "date", quote(strings.TrimSpace(text)))
	}
	return t.Truncate(time.Microsecond), nil // as it is stored
}

// listDate reads "2006/01/02 15:04:05", as nearly every row has it.
func listDate(s string) (time.Time, bool) {
	if len(s) != 19 || s[4] != '/' || s[7] != '/' || s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	n := func(from, to int) int {
		v := 0
		for _, c := range []byte(s[from:to]) {
			if c < '0' || c > '9' {
				return -1
			}
			v = 10*v + int(c-'0')
		}
		return v
	}
	y, m, d, hour, min, sec := n(0, 4), n(5, 7), n(8, 10), n(11, 13), n(14, 16), n(17, 19)
	if y < 0 || m < 1 || m > 12 || d < 1 || hour < 0 || hour > 23 || min < 0 || min > 59 || sec < 0 || sec > 59 {
		return time.Time{}, false
	}
	t := time.Date(y, time.Month(m), d, hour, min, sec, 0, locale.Tokyo)
	return t, t.Day() == d
}

var (
	zoned    = []string{time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-1-2T15:04:05Z0700"}
	zoneless = []string{"2006-1-2 15:4:5", "2006-1-2 15:4", "2006-1-2", "2006-1-2T15:4:5", "2006-1-2T15:4", "20060102", "20060102150405"}
	kanji    = strings.NewReplacer("年", "-", "月", "-", "日", " ", "時", ":", "分", ":", "秒", "")
	slashes  = strings.NewReplacer("/", "-", ".", "-")
)

func anyDate(s string) (time.Time, bool) {
	for _, layout := range zoned {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	if strings.Contains(s, "年") {
		s = strings.Trim(kanji.Replace(s), " :-")
	}
	day, clock, _ := strings.Cut(s, " ")
	s = strings.TrimSpace(slashes.Replace(day) + " " + strings.TrimSpace(clock))
	for _, layout := range zoneless {
		if t, err := time.ParseInLocation(layout, s, locale.Tokyo); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
