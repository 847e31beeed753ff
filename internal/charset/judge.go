// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package charset

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// judgement is how well bytes fit a character set.
type judgement struct {
	points int // of what the characters are; wrong readings give rare ones
	pairs  int // characters of two bytes or half-width kana
	kana   int // full-width kana
	common int // frequent kanji
	bad    int // what cannot be read
}

// score weighs what cannot be read heaviest.
func (j judgement) score() int { return j.points - 12*j.bad }

// strong reports that no other reading is likely: much of it is kana, and all
// of it can be read.
func (j judgement) strong() bool {
	return j.bad == 0 && j.kana >= 2 && j.kana*5 >= j.pairs && j.points >= j.pairs
}

// fits reports that nearly all are kana and frequent kanji.
func (j judgement) fits() bool {
	return j.bad == 0 && j.pairs >= 2 && (j.kana+j.common)*3 >= j.pairs*2 && j.points > 0
}

// fitsAs is fits for bytes that were declared to be in a set of single bytes.
// Words in Cyrillic and the like are runs of high bytes too, so that more has
// to fit.
func (j judgement) fitsAs(want *set) bool {
	return j.fits() && (want.latin || j.pairs >= 4 && (j.kana+j.common)*5 >= j.pairs*4)
}

// worth is how usual a character of JIS X 0208 is in Japanese text.
func (j *judgement) worth(at int, assigned bool) {
	j.pairs++
	if !assigned {
		j.bad++
		return
	}
	switch row := at/cells + 1; {
	case row == 4 || row == 5:
		j.kana++
		j.points += 3
	case row == 1 || row == 3:
		j.points += 2
	case row >= 16 && row <= 47: // level 1
		if frequent()[at] {
			j.common++
			j.points += 3
		}
	case row == 2 || row == 13 || row == 6:
	case row >= 48 && row <= 84: // level 2
		j.points -= 2
	case row >= 95 && row <= 114: // of users
		j.points -= 6
	default:
		j.points -= 3
	}
}

func judgeSJIS(b []byte) (j judgement) {
	t := japaneseTables()
	half := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c < 0x80 {
			half = 0
			continue
		}
		if c >= 0xa1 && c <= 0xdf {
			// Single half-width kana are what other sets look like; words of
			// them are not.
			j.pairs++
			half++
			switch {
			case c == 0xb0 && half > 1, c == 0xde && half > 1 && voiced(b[i-1]), c == 0xdf && half > 1 && b[i-1] >= 0xca && b[i-1] <= 0xce:
				j.points += 3
			case half < 3 || half > 24 || c < 0xa6:
				j.points--
			default:
				j.points++
			}
			continue
		}
		half = 0
		if i+1 >= len(b) {
			j.bad++
			break
		}
		k := sjisIndex(c, b[i+1])
		if k < 0 {
			j.bad++
			continue
		}
		j.worth(k, t.x0208[k] != 0)
		if b[i+1] < 0x80 && k/cells+1 >= 48 {
			j.points -= 2 // a letter with an accent before a plain one
		}
		i++
	}
	return j
}

// voiced reports whether a sound mark may follow the half-width kana.
func voiced(c byte) bool {
	return c == 0xb3 || c >= 0xb6 && c <= 0xc4 || c >= 0xca && c <= 0xce
}

func judgeEUC(b []byte) (j judgement) {
	t := japaneseTables()
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c < 0x80 {
			continue
		}
		trail := byte(0)
		if i+1 < len(b) {
			trail = b[i+1]
		}
		switch {
		case c == 0x8e && trail >= 0xa1 && trail <= 0xdf:
			j.pairs++
			j.points += 2
			i++
		case c == 0x8f && trail >= 0xa1 && i+2 < len(b) && b[i+2] >= 0xa1:
			j.pairs++
			j.points -= 2
			i += 2
		case c >= 0xa1 && c <= 0xfe && trail >= 0xa1 && trail <= 0xfe:
			k := int(c-0xa1)*cells + int(trail-0xa1)
			j.worth(k, t.x0208[k] != 0)
			i++
		default:
			j.bad++
		}
	}
	return j
}

// judgeUTF8 counts characters and what is broken.
func judgeUTF8(b []byte) (good, bad int) {
	for i := 0; i < len(b); {
		if b[i] < 0x80 {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			bad++
			for n < 3 && i+n < len(b) && b[i+n]&0xc0 == 0x80 && b[i] >= 0xe0 { // a character cut off
				n++
			}
		} else if n > 2 {
			good += 2
		} else {
			good++
		}
		i += n
	}
	return good, bad
}

// What choose may answer beside the kinds, for bytes of which nothing is
// declared that fits.
const (
	guessGB kind = iota + 100
	guessBig5
	guessKR
	guessLatin
	guessCyrillic
	guessKOI
)

var undeclared = map[kind]*set{
	guessGB: sets["GB18030"], guessBig5: sets["Big5"], guessKR: sets["EUC-KR"],
	guessLatin: sets["windows-1252"], guessCyrillic: sets["windows-1251"], guessKOI: sets["KOI8-R"],
}

// choose decides in what eight-bit bytes that are not valid UTF-8, or were
// declared to be something else, are.
func choose(b []byte, want *set) kind {
	good, bad := judgeUTF8(b)
	if good > 0 && bad*8 <= good || want != nil && want.kind == unicode8 && bad*2 <= good {
		if want == nil || want.kind == unicode8 || bad > 0 || want.kind != other && want.kind != euc && want.kind != sjis && want.kind != single {
			return unicode8
		}
	}
	s, e := judgeSJIS(b), judgeEUC(b)
	if want != nil {
		switch want.kind {
		case sjis:
			if e.strong() && s.kana*4 < e.kana || e.score() > s.score() && e.bad < s.bad {
				return euc
			}
			return sjis
		case euc:
			if s.strong() && (e.bad > 0 || e.kana*4 < s.kana) || s.score() > e.score() && s.bad < e.bad {
				return sjis
			}
			return euc
		case other:
			lost := otherText(b, want).Lost
			pairsOfKana := want == sets["GB18030"] || want == sets["Big5"] // at EUC-JP's places
			switch {
			case s.strong() && s.score() > e.score():
				return sjis
			case pairsOfKana && e.strong() && e.common*5 >= (e.pairs-e.kana)*2 && e.common > 1:
				return euc
			case s.fits() && s.common > 1 && s.score() > e.score():
				return sjis
			case lost == 0 && (pairsOfKana || !e.strong()):
				return declared
			case e.strong():
				return euc
			case lost*20 <= len(b):
				return declared
			}
		case single:
			if !isolated(b) {
				if (s.strong() || s.fitsAs(want)) && s.score() > e.score() {
					return sjis
				}
				if e.strong() || e.fitsAs(want) {
					return euc
				}
			}
			if want != sets["US-ASCII"] {
				return declared
			}
		}
	}
	return guess(b, s, e)
}

// guess decides where nothing is declared that fits.
func guess(b []byte, s, e judgement) kind {
	if (s.strong() || s.fits()) && s.score() >= e.score() {
		return sjis
	}
	if e.strong() || e.fits() {
		return euc
	}
	high, run, longest, lower, koi := 0, 0, 0, 0, 0
	for _, c := range b {
		if c < 0x80 {
			run = 0
			continue
		}
		high++
		run++
		longest = max(longest, run)
		if c >= 0xe0 {
			lower++
		} else if c >= 0xc0 {
			koi++
		}
	}
	if isolated(b) && s.score() < s.pairs {
		return guessLatin
	}
	if k, ok := guessForeign(b); ok && high >= 8 {
		return k
	}
	if s.bad == 0 || e.bad == 0 {
		if e.bad == 0 && (s.bad > 0 || e.score() >= s.score()) && e.score() > 0 || e.bad == 0 && s.bad > 0 && e.pairs > 1 && longest > 3 {
			return euc
		}
		if s.bad == 0 && s.score() > 0 {
			return sjis
		}
	}
	if longest >= 4 && (lower+koi)*10 >= high*9 {
		if koi > lower {
			return guessKOI
		}
		return guessCyrillic
	}
	if max(s.score(), e.score()) > 0 || s.bad+e.bad > 0 && (s.kana > 2 || e.kana > 2) {
		if s.score() > e.score() {
			return sjis
		}
		return euc
	}
	if s.bad == 0 && s.pairs > 0 && longest >= 2 && s.points >= -s.pairs {
		return sjis // half-width kana
	}
	return guessLatin
}

// isolated reports that most eight-bit bytes stand alone among letters, as in
// the languages of Western Europe, and are such as stand there: the lead bytes
// of kana in Shift_JIS are not.
func isolated(b []byte) bool {
	alone, all := 0, 0
	for i, c := range b {
		if c < 0x80 {
			continue
		}
		all++
		if c >= 0x81 && c <= 0x84 || c >= 0x86 && c <= 0x90 || c >= 0x98 && c <= 0x9f {
			continue
		}
		if (i == 0 || b[i-1] < 0x80) && (i+1 == len(b) || b[i+1] < 0x80) {
			alone++
		}
	}
	return alone*2 > all
}

// common are characters that make up much of any text in the language.
var common = map[kind]struct {
	enc  encoding.Encoding
	text string
}{
	guessGB:   {simplifiedchinese.GBK, "的一是不了在人有我他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里所去行过家十用发天如然作方成者多日都三小军二无同么经法当起与好看学进种将还分此心前面又定见只主没公从"},
	guessBig5: {traditionalchinese.Big5, "的一是不了在人有我他這為之大來以個中上們到說國和地也子時道出而要於就下得可你年生自會那後能對著事其裡所去行過家十用發天如然作方成者多日都三小軍二無同麼經法當起與好看學進種將還分此心前面又定見只主沒公從"},
	guessKR:   {korean.EUCKR, "이다는을의에가하고로한은를지도사어인그자리기나아서일수해시대정있것들보전부여라니까세요습안녕주우원메회신으면네오상게장제만장구스무"},
}

var commonPairs = sync.OnceValue(func() map[kind]map[[2]byte]bool {
	all := map[kind]map[[2]byte]bool{}
	for k, c := range common {
		b, err := encoding.ReplaceUnsupported(c.enc.NewEncoder()).Bytes([]byte(c.text))
		if err != nil {
			continue
		}
		all[k] = map[[2]byte]bool{}
		for i := 0; i+1 < len(b); i += 2 {
			all[k][[2]byte{b[i], b[i+1]}] = true
		}
	}
	return all
})

// guessForeign tells Chinese and Korean by their most frequent characters.
func guessForeign(b []byte) (best kind, ok bool) {
	hits, pairs := map[kind]int{}, 0
	sets := commonPairs()
	for i := 0; i+1 < len(b); i++ {
		if b[i] < 0x81 {
			continue
		}
		p := [2]byte{b[i], b[i+1]}
		for k, set := range sets {
			if set[p] {
				hits[k]++
			}
		}
		pairs++
		i++
	}
	for _, k := range []kind{guessKR, guessGB, guessBig5} {
		if hits[k]*5 >= pairs && (!ok || hits[k] > hits[best]) {
			best, ok = k, true
		}
	}
	return best, ok
}
