// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"slices"
	"strings"
	"time"
)

// Dates of birth are hidden behind a label ("生年月日"), before 生 or 生まれ, in
// an era before 平成, on a line that speaks of one patient if they are past,
// and wherever they are more than oldest years before the mail. Other dates are
// what a mail is about, such as a deadline, and stay. A child's date of birth
// without any of this is not told from a date of business.
const oldest = 15

// eras and the year before their first.
var eras = []struct {
	name string
	base int
}{
	{"明治", 1867}, {"大正", 1911}, {"昭和", 1925}, {"平成", 1988}, {"令和", 2018},
	{"m", 1867}, {"t", 1911}, {"s", 1925}, {"h", 1988}, {"r", 2018},
	{"明", 1867}, {"大", 1911}, {"昭", 1925}, {"平", 1988}, {"令", 2018},
}

// births finds dates of birth without a label.
func (p *people) births() {
	v := p.v
	for i := 0; i < len(v.low); i++ {
		if !v.mayBeginDate(i) {
			continue
		}
		d, ok := v.date(i)
		if !ok {
			continue
		}
		end, born := p.bornBehind(d.to)
		year := p.red.sent.Year()
		past := !time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC).After(p.red.sent)
		switch {
		case born:
		case d.year < 1868 || !past:
			i = d.to - 1
			continue
		case d.year < 1989 && d.era, d.year <= year-oldest && d.year >= 1900, p.aboutPatient(i):
		default:
			i = d.to - 1
			continue
		}
		p.hit(i, end, Birth)
		i = end - 1
	}
}

// mayBeginDate is a quick look, because dates are read at every place of a text.
func (v *view) mayBeginDate(i int) bool {
	c := v.low[i]
	switch {
	case c >= 0x80:
		return c == 0xE4 || c == 0xE5 || c == 0xE6 || c == 0xE3 // eras and figures in kanji
	case !isDigit(c) && (!isAlpha(c) || i+3 > len(v.low)):
		return false
	case i > 0 && (isAlnum(v.low[i-1]) || strings.IndexByte("-./", v.low[i-1]) >= 0):
		return false
	case isDigit(c):
		return true
	}
	next := v.low[i+1]
	return strings.IndexByte("mtshr", c) >= 0 && (!isAlpha(next)) || slices.Contains(months, v.low[i:i+3])
}

func (p *people) aboutPatient(i int) bool {
	return overlaps(p.patient, i, i+1)
}

// bornBehind reads 生, 生まれ, 誕生 behind a date.
func (p *people) bornBehind(i int) (int, bool) {
	v := p.v
	j := v.blanks(i)
	if r, n := v.after(j); r == '(' && n > 0 { // the weekday
		if end := strings.IndexByte(v.flat[j:min(len(v.flat), j+16)], ')'); end > 0 {
			j = v.blanks(j + end + 1)
		}
	}
	for _, w := range []string{"生まれ", "生れ", "うまれ", "誕生", "生"} {
		if strings.HasPrefix(v.flat[j:], w) {
			if rest := v.flat[j+len(w):]; w == "生" && (strings.HasPrefix(rest, "産") || strings.HasPrefix(rest, "効")) {
				return i, false
			}
			return j + len(w), true
		}
	}
	return i, false
}

// birthBehind hides the date behind a label, however it is written.
func (p *people) birthBehind(i int) {
	start, _ := p.value(i)
	if start < 0 {
		return
	}
	v := p.v
	if r, n := v.after(start); r == '(' {
		start += n
	}
	if d, ok := v.date(start); ok {
		end, _ := p.bornBehind(d.to)
		p.hit(start, end, Birth)
		return
	}
	end := v.run(start, 20, func(r rune) bool {
		return r >= '0' && r <= '9' || strings.ContainsRune("年月日/.- 元明治大正昭和平成令MTSHRmtshr", r) || kanjiDigit(r) >= 0
	})
	digits := 0
	for _, r := range v.flat[start:end] {
		if r >= '0' && r <= '9' || kanjiDigit(r) >= 0 {
			digits++
		}
	}
	if digits >= 3 {
		p.hit(start, start+len(strings.TrimRight(v.flat[start:end], " -./")), Birth)
	}
}

// date is a date in a view: flat[…:to].
type date struct {
	to               int
	year, month, day int
	era              bool // written in a Japanese era
}

// date reads a full date at i: 1950-01-02, 1950年1月2日, 昭和25年1月2日, S25.1.2,
// 19500102, Jan 2, 1950, 2 January 1950.
func (v *view) date(i int) (date, bool) {
	if d, ok := v.eraDate(i); ok {
		return d, true
	}
	if d, ok := v.englishDate(i); ok {
		return d, true
	}
	y, j := v.number(i, 8)
	if j == i {
		return date{}, false
	}
	if j-i == 8 && isDigit(v.flat[i]) {
		if j < len(v.flat) && (isAlnum(v.flat[j]) || v.flat[j] == '-') {
			return date{}, false
		}
		return valid(date{to: j, year: y / 10000, month: y / 100 % 100, day: y % 100})
	}
	if y < 1000 {
		// 02/01/1950, day or month first
		a := y
		b, k := v.partBehind(j)
		c, l := v.partBehind(k)
		if k > j && l > k && c >= 1000 {
			if d, ok := valid(date{to: l, year: c, month: a, day: b}); ok {
				return d, true
			}
			return valid(date{to: l, year: c, month: b, day: a})
		}
		return date{}, false
	}
	return v.monthDay(j, date{year: y})
}

// eraDate reads a date in a Japanese era.
func (v *view) eraDate(i int) (date, bool) {
	for _, e := range eras {
		if !strings.HasPrefix(v.low[i:], e.name) {
			continue
		}
		j := i + len(e.name)
		if j < len(v.flat) && v.flat[j] == '.' && e.name[0] < 0x80 {
			j++
		}
		j = v.blanks(j)
		y, k := 1, j
		if strings.HasPrefix(v.flat[j:], "元") {
			k = j + len("元")
		} else if y, k = v.number(j, 2); k == j {
			continue
		}
		if d, ok := v.monthDay(k, date{year: e.base + y, era: true}); ok {
			return d, true
		}
	}
	return date{}, false
}

// monthDay reads month and day behind a year.
func (v *view) monthDay(i int, d date) (date, bool) {
	var j int
	if d.month, j = v.partBehind(i); j == i {
		return d, false
	}
	if d.day, d.to = v.partBehind(j); d.to == j {
		return d, false
	}
	for _, end := range []string{" 日", "日"} {
		if strings.HasPrefix(v.flat[d.to:], end) {
			d.to += len(end)
			break
		}
	}
	if d.to < len(v.flat) && isDigit(v.flat[d.to]) {
		return d, false
	}
	return valid(d)
}

// partBehind reads what parts two numbers of a date, and the second.
func (v *view) partBehind(i int) (int, int) {
	j := v.blanks(i)
	r, n := v.after(j)
	if !strings.ContainsRune("/.-年月日", r) || n == 0 {
		return 0, i
	}
	j = v.blanks(j + n)
	value, end := v.number(j, 4)
	if end == j {
		return 0, i
	}
	return value, end
}

// number reads a number in Arabic or Chinese figures.
func (v *view) number(i, most int) (value, end int) {
	for end = i; end < len(v.flat) && end-i < most && isDigit(v.flat[end]); end++ {
		value = value*10 + int(v.flat[end]-'0')
	}
	if end > i {
		return value, end
	}
	tens := false
	for k := 0; k < 5; k++ {
		r, n := v.after(end)
		d := kanjiDigit(r)
		switch {
		case d < 0:
			return value, end
		case d == 10:
			value, tens = max(value, 1)*10, true
		case tens:
			value, tens = value+d, false
		default:
			value = value*10 + d
		}
		end += n
	}
	return value, end
}

// kanjiDigit is the value of a Chinese figure, -1 for none.
func kanjiDigit(r rune) int {
	switch r {
	case '〇', '零':
		return 0
	case '十':
		return 10
	}
	if i := strings.IndexRune("一二三四五六七八九", r); i >= 0 {
		return i/3 + 1
	}
	return -1
}

var months = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

func (v *view) month(i int) (month, end int) {
	for m, name := range months {
		if strings.HasPrefix(v.low[i:], name) {
			end = v.run(i, 10, isLatin)
			if end < len(v.flat) && v.flat[end] == '.' {
				end++
			}
			return m + 1, end
		}
	}
	return 0, i
}

func (v *view) englishDate(i int) (date, bool) {
	var d date
	j := i
	if d.day, j = v.number(i, 2); j > i && j < len(v.flat) && isDigit(v.flat[i]) {
		for _, th := range []string{"st", "nd", "rd", "th"} {
			if strings.HasPrefix(v.low[j:], th) {
				j += 2
			}
		}
		j = v.run(j, 2, func(r rune) bool { return r == ' ' || r == '-' })
		if d.month, d.to = v.month(j); d.month == 0 {
			return d, false
		}
	} else {
		if d.month, j = v.month(i); d.month == 0 {
			return d, false
		}
		j = v.blanks(j)
		if d.day, d.to = v.number(j, 2); d.to == j {
			return d, false
		}
		for _, th := range []string{"st", "nd", "rd", "th"} {
			if strings.HasPrefix(v.low[d.to:], th) {
				d.to += 2
			}
		}
	}
	j = v.run(d.to, 2, func(r rune) bool { return r == ' ' || r == ',' || r == '-' })
	if d.year, d.to = v.number(j, 4); d.to-j != 4 {
		return d, false
	}
	return valid(d)
}

func valid(d date) (date, bool) {
	return d, d.year >= 1850 && d.year < 2200 && d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= 31
}
