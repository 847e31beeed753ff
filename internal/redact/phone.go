// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
)

// group is a run of figures, and what parts it from the one before.
type group struct {
	from, to int // in flat
	sep      string
}

// figures finds numbers by their shape: telephone, card, account and "my"
// numbers, postal codes, dates of birth, and the numbers in postal addresses.
func (p *people) figures() {
	v := p.v
	for i := 0; i < len(v.flat); {
		if !isDigit(v.flat[i]) {
			i++
			continue
		}
		if !p.beginsNumber(i) {
			for i < len(v.flat) && isDigit(v.flat[i]) {
				i++
			}
			continue
		}
		groups, end := p.groups(i)
		p.shapes(groups)
		i = end
	}
	p.births()
	p.addresses()
}

// beginsNumber reports whether figures at i are a number by themselves, and not
// the rest of a word, an amount or a decimal.
func (p *people) beginsNumber(i int) bool {
	if i == 0 {
		return true
	}
	c := p.v.flat[i-1]
	if isAlpha(c) {
		return strings.HasSuffix(p.v.low[:i], "tel") || strings.HasSuffix(p.v.low[:i], "fax")
	}
	return !((c == ',' || c == '.' || c == ':') && i > 1 && isDigit(p.v.flat[i-2]))
}

// groups reads runs of figures parted by what parts the runs of one number.
func (p *people) groups(i int) (groups []group, end int) {
	v := p.v
	sep := ""
	for len(groups) < 16 {
		from := i
		for i < len(v.flat) && isDigit(v.flat[i]) {
			i++
		}
		groups = append(groups, group{from, i, sep})
		end = i
		j := i
		for j < len(v.flat) && j-i < 3 && strings.IndexByte("-. ()/", v.flat[j]) >= 0 {
			j++
		}
		if j == i || j >= len(v.flat) || !isDigit(v.flat[j]) {
			return groups, end
		}
		sep, i = v.flat[i:j], j
	}
	return groups, end
}

// shapes tries groups, the longest sequence first, as each kind of number.
func (p *people) shapes(groups []group) {
	for s := 0; s < len(groups); {
		step := 1
		for e := min(len(groups), s+5); e > s; e-- {
			if kind, ok := p.shape(groups[s:e]); ok {
				from, to := groups[s].from, groups[e-1].to
				from = p.widenNumber(from)
				p.hit(from, to, kind)
				step = e - s
				break
			}
		}
		s += step
	}
}

// widenNumber takes in "+", "(" and 〒 in front.
func (p *people) widenNumber(from int) int {
	for _, front := range []string{"(+", "+", "(", "〒 ", "〒"} {
		if strings.HasSuffix(p.v.flat[:from], front) {
			if front == "(" && strings.IndexByte(p.v.flat[from:min(len(p.v.flat), from+8)], ')') < 0 {
				return from
			}
			return from - len(front)
		}
	}
	return from
}

func (p *people) shape(g []group) (Kind, bool) {
	v := p.v
	var digits []byte
	var lens [5]int
	seps := ""
	for i, one := range g {
		digits = append(digits, v.flat[one.from:one.to]...)
		lens[i] = one.to - one.from
		if i > 0 {
			seps += one.sep
		}
		if len(digits) > 40 {
			return "", false
		}
	}
	n := len(digits)
	d := string(digits)
	dashed := strings.IndexByte(seps, '/') < 0
	before := v.flat[:g[0].from]
	plus := strings.HasSuffix(before, "+")
	after, _ := v.after(g[len(g)-1].to)
	if after == ',' && g[len(g)-1].to+1 < len(v.flat) && isDigit(v.flat[g[len(g)-1].to+1]) && len(g) == 1 && n <= 3 {
		return "", false // 1,234
	}
	switch {
	case !dashed:
		return "", false
	case plus && n >= 8 && n <= 15 && d[0] != '0':
		return Phone, true
	case d[0] == '0' && p.japanesePhone(d, lens, len(g), seps):
		return Phone, true
	case len(g) >= 3 && (strings.HasPrefix(d, "81") && (n == 11 || n == 12)) && lens[0] == 2:
		return Phone, true
	case (strings.HasPrefix(d, "0081") || strings.HasPrefix(d, "01081")) && n >= 12 && n <= 16:
		return Phone, true
	case d[0] != '0' && n == 10 && len(g) == 3 && lens[0] == 3 && lens[1] == 3 && d[0] > '1' && seps != "..":
		return Phone, true // North America, as support scams give it
	case n == 11 && d[0] == '1' && len(g) == 4 && lens[0] == 1 && lens[1] == 3 && lens[2] == 3 && d[1] > '1':
		return Phone, true
	case len(g) == 2 && lens[0] == 3 && lens[1] == 4 && seps == "-":
		return Postal, p.isPostalCode(g[0].from)
	case n >= 14 && n <= 19 && cardGroups(lens, len(g)) && d[0] >= '2' && d[0] <= '6' && luhn(d):
		return Number, true
	case n == 12 && (len(g) == 1 || len(g) == 3 && lens[0] == 4 && lens[1] == 4) && myNumber(d) && !p.tracked(g[0].from):
		return Number, true
	case len(g) == 1 && n >= 7 && n <= 10 && strings.HasPrefix(d, "00"):
		return Patient, !p.tracked(g[0].from)
	case len(g) == 1 && n == 8 && p.insurance(g[0].from) && insurer(d):
		return Number, true
	}
	return "", false
}

// japanesePhone knows the numbering plan (令和の電気通信番号計画): ten figures
// for land lines, 0120, 0570 and the like, eleven for 0800 and the numbers of
// mobile, IP and M2M telephones.
func (p *people) japanesePhone(d string, lens [5]int, groups int, seps string) bool {
	mobile := len(d) == 11 && d[2] == '0' && strings.IndexByte("256789", d[1]) >= 0
	if groups == 3 && len(d) == 11 && seps == "--" && lens[0] <= 4 && lens[2] == 4 {
		return true // mistyped, but meant
	}
	if !mobile && !(len(d) == 11 && strings.HasPrefix(d, "0800")) && !(len(d) == 10 && d[1] != '0') {
		return false
	}
	switch groups {
	case 1:
		return true
	case 2:
		return lens[0] >= 2 && lens[0] <= 6 && lens[1] >= 4
	case 3:
		return lens[0] >= 2 && lens[0] <= 5 && lens[1] >= 1 && lens[1] <= 4 && lens[2] >= 3 && lens[2] <= 4
	}
	return strings.Trim(seps, "-") == "" && lens[0] >= 2
}

// cardGroups accepts a card's figures in one run or as cards print them.
func cardGroups(lens [5]int, groups int) bool {
	switch groups {
	case 1:
		return true
	case 3:
		return lens[0] == 4 && lens[1] == 6
	case 4, 5:
		return lens[0] == 4 && lens[1] == 4 && lens[2] == 4
	}
	return false
}

// luhn checks the digit of ISO/IEC 7812-1.
func luhn(d string) bool {
	sum := 0
	for i := range len(d) {
		n := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// myNumber checks the digit of an individual number (個人番号): weights 2 to 7
// and 2 to 6 from the right, modulo 11.
func myNumber(d string) bool {
	sum := 0
	for i := range 11 {
		n := int(d[10-i] - '0')
		if i < 6 {
			sum += n * (i + 2)
		} else {
			sum += n * (i - 4)
		}
	}
	want := 11 - sum%11
	if want >= 10 {
		want = 0
	}
	return int(d[11]-'0') == want
}

// insurer checks the digit of an insurer's number (保険者番号): weights 2 and 1
// in turn, the digits of products added, modulo 10. It is Luhn's.
func insurer(d string) bool { return luhn(d) }

// trackers stand before numbers of parcels, orders and products.
var trackers = []string{"伝票", "追跡", "送り状", "問い合わせ番号", "問合せ番号", "お問い合わせ", "注文", "受付", "型番", "品番", "製品", "ロット", "請求書", "見積", "契約", "部品", "order", "tracking", "invoice", "lot", "model"}

func (p *people) tracked(i int) bool { return p.precededBy(i, trackers) }

func (p *people) insurance(i int) bool {
	return p.precededBy(i, []string{"保険", "公費", "記号"})
}

// precededBy reports whether one of the words stands within the 24 characters
// before i, on the same line.
func (p *people) precededBy(i int, words []string) bool {
	from := p.v.runBack(i, 24, func(r rune) bool { return r != '\n' && r != '、' && r != '。' })
	for _, w := range words {
		if strings.Contains(p.v.low[from:i], w) {
			return true
		}
	}
	return false
}

// isPostalCode tells 123-4567 from other numbers of the shape.
func (p *people) isPostalCode(i int) bool {
	if strings.HasSuffix(strings.TrimRight(p.v.flat[:i], " "), "〒") {
		return true
	}
	return !p.tracked(i)
}

// phoneBehind hides the numbers behind a word for telephone.
func (p *people) phoneBehind(i int, short bool) {
	start, strong := p.value(i)
	if start < 0 {
		return
	}
	v := p.v
	for range 6 {
		end, digits := start, 0
		for end < len(v.flat) && end-start < 32 {
			c := v.flat[end]
			if isDigit(c) {
				digits++
			} else if strings.IndexByte("+-() .", c) < 0 || c == '(' && digits > 6 || end > start && strings.IndexByte(" .(+", c) >= 0 &&
				(end+1 >= len(v.flat) || !isDigit(v.flat[end+1]) && v.flat[end+1] != '(') {
				break
			}
			end++
		}
		for end > start && !isDigit(v.flat[end-1]) {
			end--
		}
		least := 6
		if short {
			least = 2
		} else if strong {
			least = 4
		}
		if digits < least || p.unit(end, digits) {
			return
		}
		p.hit(start, end, Phone)
		next := v.run(end, 3, func(r rune) bool { return strings.ContainsRune("/,、・~ )", r) })
		if next == end || next >= len(v.flat) || !isDigit(v.flat[next]) {
			return
		}
		start, strong = next, true
	}
}
