// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"strconv"
	"strings"
	"time"
)

var months = map[string]time.Month{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}

// zones are those of RFC 5322, section 4.3, and what Japan and Europe write.
var zones = map[string]int{
	"ut": 0, "utc": 0, "gmt": 0, "z": 0, "jst": 9 * 3600, "kst": 9 * 3600, "est": -5 * 3600, "edt": -4 * 3600,
	"cst": -6 * 3600, "cdt": -5 * 3600, "mst": -7 * 3600, "mdt": -6 * 3600, "pst": -8 * 3600, "pdt": -7 * 3600,
	"cet": 3600, "cest": 7200, "bst": 3600,
}

var tokyo = time.FixedZone("JST", 9*3600)

// parseDate reads the date of a mail: RFC 5322, section 3.3, its parts in any
// order, and as Japanese mail programs write it in what they quote:
// 2026年11月22日(日) 12:34. Without a zone it is Japan's. It returns the zero
// time for what is none.
func parseDate(v string) time.Time {
	if len(v) > 200 {
		v = v[:200]
	}
	var year, day, hour, minute, second int
	var month time.Month
	zone, zoned, clock := 0, false, false
	depth := 0
	pm, am := false, false
	for i := 0; i < len(v); {
		c := v[i]
		switch {
		case c == '(':
			depth++
			i++
		case c == ')':
			depth = max(0, depth-1)
			i++
		case depth > 0:
			i++
		case c >= '0' && c <= '9':
			j := i
			for j < len(v) && v[j] >= '0' && v[j] <= '9' {
				j++
			}
			n, err := strconv.Atoi(v[i:j])
			if err != nil {
				return time.Time{}
			}
			rest := v[j:]
			switch {
			case !clock && (strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, "時")):
				hour, clock = n, true
				minute, j = nextNumber(v, j)
				if strings.HasPrefix(v[j:], ":") || strings.HasPrefix(v[j:], "分") && j+3 < len(v) && v[j+3] >= '0' && v[j+3] <= '9' {
					second, j = nextNumber(v, j)
				}
			case strings.HasPrefix(rest, "年") || j-i == 4 && year == 0:
				year = n
			case strings.HasPrefix(rest, "月"):
				month = time.Month(n)
			case strings.HasPrefix(rest, "日"):
				day = n
			case month == 0 && n <= 12 && (strings.HasPrefix(rest, "/") || year != 0 && strings.HasPrefix(rest, "-")):
				month = time.Month(n)
			case day == 0:
				day = n
			case year == 0:
				if year = n; j-i <= 3 { // RFC 5322, section 4.3
					if year += 1900; n < 50 {
						year += 100
					}
				}
			}
			i = j
		case (c == '+' || c == '-') && clock && !zoned && i+1 < len(v) && v[i+1] >= '0' && v[i+1] <= '9':
			j := i + 1
			digits := ""
			for j < len(v) && len(digits) < 4 && (v[j] >= '0' && v[j] <= '9' || v[j] == ':') {
				if v[j] != ':' {
					digits += v[j : j+1]
				}
				j++
			}
			n, _ := strconv.Atoi(digits) // at most four digits
			if len(digits) <= 2 {
				n *= 100
			}
			if zone = n/100*3600 + n%100*60; c == '-' {
				zone = -zone
			}
			zoned = n/100 <= 14
			i = j
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			j := i
			for j < len(v) && v[j]|0x20 >= 'a' && v[j]|0x20 <= 'z' {
				j++
			}
			w := strings.ToLower(v[i:j])
			if m := months[w[:min(3, len(w))]]; m != 0 && month == 0 {
				month = m
			} else if z, ok := zones[w]; ok && clock && !zoned {
				zone, zoned = z, true
			}
			pm, am = pm || w == "pm", am || w == "am"
			i = j
		default:
			if strings.HasPrefix(v[i:], "午後") {
				pm = true
			} else if strings.HasPrefix(v[i:], "午前") {
				am = true
			}
			i++
		}
	}
	if pm && hour < 12 {
		hour += 12
	} else if am && hour == 12 {
		hour = 0
	}
	if year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60 {
		return time.Time{}
	}
	at := tokyo
	if zoned {
		at = time.FixedZone("", zone)
	}
	return time.Date(year, month, day, hour, minute, second, 0, at)
}

// nextNumber skips a separator and reads a number of at most two digits.
func nextNumber(v string, i int) (n, next int) {
	for i < len(v) && (v[i] < '0' || v[i] > '9') {
		if v[i] == ' ' && n == 0 && i+1 < len(v) && v[i+1] == ' ' {
			return 0, i
		}
		i++
	}
	for k := 0; k < 2 && i < len(v) && v[i] >= '0' && v[i] <= '9'; k++ {
		n = n*10 + int(v[i]-'0')
		i++
	}
	return n, i
}
