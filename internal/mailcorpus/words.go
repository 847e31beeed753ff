// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// firstDay is the earliest date of a mail; they lie within the year after it.
var firstDay = time.Date(2026, 1, 5, 8, 0, 0, 0, time.FixedZone("JST", 9*60*60))

const (
	digits = "0123456789"
	small  = "abcdefghijklmnopqrstuvwxyz"
	hexes  = "0123456789abcdef"
)

// draw is a string of n characters of the alphabet.
func (s *scope) draw(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[s.r.IntN(len(alphabet))]
	}
	return string(b)
}

// builtin makes the words that no file lists.
//
//	n6 a8 l5 x16  digits, small letters and digits, small letters, hexadecimal
//	D3 d3 s3 ymd3 the date three days after the mail's, in full, as month, day
//	              and weekday, with slashes, without anything
//	clock         a time in the working day
//	yen yenl      an amount, small and large
//	p1 p1s p1k p1r p1a p1u  a person: name, surname, kana, Roman, and the local
//	              part of an address, short
//	toaddr toname tourl tob64  the recipient
//	homograph     the bound label with Cyrillic letters, as an A-label
func (s *scope) builtin(name string) (string, bool) {
	if len(name) > 1 && name[0] == 'p' && name[1] >= '1' && name[1] <= '9' {
		return s.person(name)
	}
	head, tail := name, ""
	if i := strings.IndexAny(name, "-0123456789"); i > 0 {
		head, tail = name[:i], name[i:]
	}
	n, err := strconv.Atoi(tail)
	if tail != "" && err == nil {
		switch day := s.at.AddDate(0, 0, n); head {
		case "n":
			return s.draw("123456789", 1) + s.draw(digits, n-1), true
		case "a":
			return s.draw(small+digits, n), true
		case "l":
			return s.draw(small, n), true
		case "x":
			return s.draw(hexes, n), true
		case "D":
			return fmt.Sprintf("%d年%d月%d日", day.Year(), day.Month(), day.Day()), true
		case "d":
			return fmt.Sprintf("%d月%d日（%s）", day.Month(), day.Day(), weekday(day)), true
		case "s":
			return day.Format("2006/01/02"), true
		case "ymd":
			return day.Format("20060102"), true
		}
	}
	switch name {
	case "clock":
		return fmt.Sprintf("%d:%02d", 9+s.r.IntN(9), 5*s.r.IntN(12)), true
	case "yen":
		return thousands(1000 + 10*s.r.IntN(6000)), true
	case "yenl":
		return thousands(1000 * (50 + s.r.IntN(9000))), true
	case "toaddr":
		return s.word("p9u", false) + "@" + OwnDomain, true
	case "toname":
		return s.word("p9", false), true
	case "tourl":
		return url.QueryEscape(s.word("toaddr", false)), true
	case "tob64":
		return base64.RawURLEncoding.EncodeToString([]byte(s.word("toaddr", false))), true
	case "homograph":
		return homograph(s.word("label", false)), true
	case "month":
		return strconv.Itoa(int(s.at.Month())), true
	case "year":
		return strconv.Itoa(s.at.Year()), true
	}
	return "", false
}

func weekday(t time.Time) string { return string([]rune("日月火水木金土")[t.Weekday()]) }

func thousands(n int) string {
	d := strconv.Itoa(n)
	for i := len(d) - 3; i > 0; i -= 3 {
		d = d[:i] + "," + d[i:]
	}
	return d
}

// person draws the two names of a person once and returns the form asked for.
func (s *scope) person(name string) (string, bool) {
	who, form := name[:2], name[2:]
	if _, ok := s.bound[who]; !ok {
		l := shapes()
		f := l.tables["surname"].rows
		g := l.tables["given"].rows
		family, given := f[s.r.IntN(len(f))], g[s.r.IntN(len(g))]
		s.bound[who] = family[0] + " " + given[0]
		s.bound[who+"s"] = family[0]
		s.bound[who+"k"] = family[1] + " " + given[1]
		s.bound[who+"r"] = family[2] + " " + given[2]
		s.bound[who+"a"] = strings.ToLower(given[2] + "." + family[2])
		s.bound[who+"u"] = strings.ToLower(family[2] + "-" + given[2][:1])
	}
	v, ok := s.bound[who+form]
	return v, ok
}

// homograph writes a name with letters that look the same (UTS 39).
func homograph(label string) string {
	twins := strings.NewReplacer("a", "а", "c", "с", "e", "е", "o", "о", "p", "р", "x", "х", "y", "у", "i", "і", "j", "ј", "s", "ѕ")
	a, err := idna.Punycode.ToASCII(twins.Replace(label))
	if err != nil || !strings.HasPrefix(a, "xn--") {
		// A name without any such letter gets an accent.
		a, _ = idna.Punycode.ToASCII(strings.NewReplacer("u", "ü", "n", "ñ", "m", "ṃ", "b", "ḅ", "t", "ţ", "r", "ŕ").Replace(label))
	}
	return a
}
