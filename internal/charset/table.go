// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package charset

import (
	"bytes"
	_ "embed"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// cells is the number of characters of a row of a 94-set.
const cells = 94

// tables are the Japanese sets by (row-1)*94 + (cell-1), 0 where nothing is
// assigned.
type tables struct {
	// x0208 is JIS X 0208 with the extensions of CP932: NEC's row 13 and rows 89
	// to 92, IBM's rows 115 to 119 which only Shift_JIS reaches, and the rows of
	// users, which become U+E000 and up.
	x0208 [120 * cells]uint16
	x0212 [94 * cells]uint16
}

// japaneseTables takes the tables out of x/text's decoders, which are right
// character by character; what they lack is tolerance.
var japaneseTables = sync.OnceValue(func() *tables {
	var t tables
	fill(t.x0208[:], japanese.ShiftJIS, func(i int) []byte {
		lead, trail := i/188, i%188
		if lead += 0x81; lead > 0x9f {
			lead += 0x40
		}
		if trail += 0x40; trail > 0x7e {
			trail++
		}
		return []byte{byte(lead), byte(trail)}
	})
	for i := range 20 * cells { // lead bytes 0xF0 to 0xF9
		t.x0208[94*cells+i] = uint16(0xe000 + i)
	}
	fill(t.x0212[:], japanese.EUCJP, func(i int) []byte {
		return []byte{0x8f, byte(0xa1 + i/cells), byte(0xa1 + i%cells)}
	})
	return &t
})

// foreign are the 94-sets of ISO-2022-JP-2 (RFC 1554), -KR and -CN.
var (
	gb2312  = sync.OnceValue(func() *[94 * cells]uint16 { return eucTable(simplifiedchinese.GBK) })
	ksx1001 = sync.OnceValue(func() *[94 * cells]uint16 { return eucTable(korean.EUCKR) })
)

func eucTable(e encoding.Encoding) *[94 * cells]uint16 {
	var t [94 * cells]uint16
	fill(t[:], e, func(i int) []byte { return []byte{byte(0xa1 + i/cells), byte(0xa1 + i%cells)} })
	return &t
}

// fill decodes every code of a table at once.
func fill(table []uint16, e encoding.Encoding, code func(int) []byte) {
	all := make([]byte, 0, 4*len(table))
	for i := range table {
		all = append(append(all, code(i)...), '\n')
	}
	text, _ := e.NewDecoder().Bytes(all) // decoders replace, and do not fail
	for i, line := range bytes.Split(text, []byte("\n")) {
		if r, n := utf8.DecodeRune(line); n == len(line) && r > 0x7f && r < 0xfffd && i < len(table) {
			table[i] = uint16(r)
		}
	}
}

//go:embed jisx0213.txt
var x0213Text string

// x0213 is JIS X 0213:2004 where it differs from JIS X 0208, by plane and
// place. A few characters are two of Unicode (か with a small circle).
var x0213 = sync.OnceValue(func() map[[2]int]string {
	m := make(map[[2]int]string, 4400)
	for line := range strings.Lines(x0213Text) {
		if line[0] == '#' {
			continue
		}
		plane, row := int(line[0]-'0'), 0
		i := 2
		for ; line[i] != ' '; i++ {
			row = row*10 + int(line[i]-'0')
		}
		for cell, s := range strings.Split(strings.TrimSuffix(line[i+1:], "\n"), " ") {
			if s != "-" {
				m[[2]int{plane, (row-1)*cells + cell}] = s
			}
		}
	}
	return m
})
