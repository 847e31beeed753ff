// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
)

// A postal address is hidden from its prefecture or municipality to its number
// and building. The name of a town alone stays.

// addresses finds the numbers that end a Japanese address, and what stands
// before them, and addresses in Latin letters.
func (p *people) addresses() {
	v := p.v
	for i := 0; i < len(v.flat); {
		r, n := v.after(i)
		if r >= '0' && r <= '9' || kanjiDigit(r) >= 0 {
			end := v.lotNumber(i)
			if end > i {
				if start := v.townBefore(i); start < i {
					p.hit(start, v.building(end), Postal)
				}
				i = end
				continue
			}
			for n < 8 && i+n < len(v.flat) && isDigit(v.flat[i+n]) {
				n++
			}
		}
		i += n
	}
	for _, suffix := range []string{"-ku", "-shi", "-gun", "-cho", "-machi", "-mura", "-dori"} {
		for from := 0; ; {
			n := strings.Index(v.low[from:], suffix)
			if n < 0 {
				break
			}
			at := from + n + len(suffix)
			from = at
			if r, _ := v.after(at); !isWord(r) {
				p.latinAddress(at)
			}
		}
	}
}

// lotNumber reads 1-2-3, 1丁目2番3号, 123番地 or 一丁目二番 at i; i if there is
// none.
func (v *view) lotNumber(i int) int {
	_, end := v.number(i, 5)
	if end == i {
		return i
	}
	counted := false
	for range 5 {
		unit := false
		for _, u := range []string{"丁目", "番地の", "番地", "番", "号", "条", "の"} {
			if strings.HasPrefix(v.flat[end:], u) {
				end += len(u)
				unit = true
				counted = counted || u != "の"
				break
			}
		}
		dash := end < len(v.flat) && v.flat[end] == '-'
		if dash {
			end++
		}
		_, next := v.number(end, 5)
		if next == end || !unit && !dash {
			if dash {
				end--
			}
			break
		}
		counted = counted || dash
		end = next
	}
	if !counted {
		return i
	}
	return end
}

func isPlace(r rune) bool { return isKanji(r) || isKana(r) }

// townBefore returns where the address begins whose number begins at i; i if
// none does.
func (v *view) townBefore(i int) int {
	end := v.runBack(i, 1, func(r rune) bool { return r == ' ' })
	from := end
	for range 3 { // 東京都 千代田区 丸の内
		start := v.runBack(from, 20, isPlace)
		if start == from {
			break
		}
		from = start
		b, n := v.before(from)
		if b != ' ' {
			break
		}
		if c, _ := v.before(from - n); !strings.ContainsRune("都道府県市区町村郡", c) {
			break
		}
		from -= n
	}
	if from == end {
		return i
	}
	region := v.flat[from:end]
	if at, ok := prefectureIn(region); ok {
		return from + at
	}
	at := strings.IndexFunc(region, func(r rune) bool { return strings.ContainsRune("市区郡町村", r) })
	if at <= 0 {
		return i
	}
	if after := []rune(region[at:]); len(after) > 16 {
		return i
	}
	start := v.runBack(from+at, 5, isKanji)
	if start == from+at {
		start = v.runBack(from+at, 4, isHiragana)
	}
	if start == from+at {
		return i
	}
	return start
}

// prefectureIn finds the last name of a prefecture in a text.
func prefectureIn(s string) (at int, ok bool) {
	for _, w := range vocabularyWords {
		if w.class != prefecture {
			continue
		}
		for _, name := range strings.Fields(w.words) {
			if i := strings.LastIndex(s, name); i >= 0 && (!ok || i < at) {
				at, ok = i, true
			}
		}
	}
	return at, ok
}

var buildings = []string{"ビル", "マンション", "ハイツ", "コーポ", "荘", "タワー", "レジデンス", "メゾン", "アパート", "棟", "号室", "ハイム", "パーク", "団地", "館", "プラザ", "コート", "階", "F", "号"}

// building returns the end of the name of a building and room behind a lot.
func (v *view) building(i int) int {
	for range 2 {
		start := v.run(i, 1, func(r rune) bool { return r == ' ' || r == '-' })
		end := v.run(start, 24, func(r rune) bool { return isPlace(r) || isWord(r) || r == '-' || r == '・' })
		chunk := v.flat[start:end]
		found := false
		for _, b := range buildings {
			if n := strings.LastIndex(chunk, b); n >= 0 && (b != "F" || n > 0 && isDigit(chunk[n-1])) {
				found = true
				break
			}
		}
		if !found || end == start {
			return i
		}
		i = end
	}
	return i
}

// addressBehind hides the rest of the line behind a label for an address.
func (p *people) addressBehind(i int) {
	start, strong := p.value(i)
	if start < 0 || !strong {
		return
	}
	v := p.v
	most := start + 240
	end := start
	for end < len(v.flat) && end < most {
		r, n := v.after(end)
		if r == '\n' || r == '。' || r == hole || strings.HasPrefix(v.low[end:], "tel") || strings.HasPrefix(v.flat[end:], "電話") || strings.HasPrefix(v.flat[end:], "  ") {
			break
		}
		end += n
	}
	end = start + len(strings.TrimRight(v.flat[start:end], " ,、"))
	text := v.flat[start:end]
	if strings.Contains(text, "@") || !strings.ContainsAny(text, "0123456789都道府県市区町村郡丁番") {
		return
	}
	if strings.ContainsAny(text, "をくだ") && !strings.ContainsAny(text, "0123456789") {
		return // a sentence
	}
	for j := start; j < end; { // it ends with its number
		r, n := v.after(j)
		if r >= '0' && r <= '9' || kanjiDigit(r) >= 0 {
			if lot := v.lotNumber(j); lot > j {
				end = min(end, v.building(lot))
				break
			}
			n = max(n, v.run(j, 8, func(r rune) bool { return r >= '0' && r <= '9' })-j)
		}
		j += n
	}
	p.hit(start, end, Postal)
}

// addressFrom hides an address that begins with a prefecture.
func (p *people) addressFrom(i int) {
	v := p.v
	end := v.run(i, 40, func(r rune) bool { return isPlace(r) || r == ' ' })
	for j := i; j < end; {
		r, n := v.after(j)
		if kanjiDigit(r) >= 0 {
			if lot := v.lotNumber(j); lot > j {
				p.hit(i, v.building(lot), Postal)
				return
			}
		}
		j += n
	}
	lot := v.lotNumber(end)
	if lot == end {
		if _, number := v.number(end, 5); number > end && strings.ContainsAny(v.flat[i:end], "市区町村郡") {
			if r, _ := v.after(number); !strings.ContainsRune("年月日時分円名件人社施院回個", r) || r == 0 {
				p.hit(i, number, Postal)
			}
		}
		return
	}
	p.hit(i, v.building(lot), Postal)
}

// latinAddress hides the address on the line around a name such as Chiyoda-ku,
// if it has a number.
func (p *people) latinAddress(i int) {
	v := p.v
	part := func(r rune) bool { return isWord(r) || strings.ContainsRune(" ,-.'#", r) }
	start, end := v.runBack(i, 80, part), v.run(i, 60, part)
	text := v.flat[start:i]
	first := strings.IndexFunc(text, func(r rune) bool { return r >= '0' && r <= '9' })
	if first < 0 {
		return
	}
	p.hit(start+first, start+len(strings.TrimRight(v.flat[start:end], " ,.")), Postal)
}
