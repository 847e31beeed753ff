// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"teiten/internal/charset"
	"teiten/internal/fault"
)

// Body is what a document in RTF says as the body of a mail.
type Body struct {
	// HTML is in UTF-8, whatever a meta element in it says: the HTML that was
	// encapsulated, or what the text and the links of ordinary RTF come to.
	HTML []byte
	Text string // plain text that was encapsulated; then HTML is nil
	// Encapsulated reports that the RTF was made from HTML or plain text.
	Encapsulated bool
	Repairs      []Repair
}

// ReadRTF reads a document in RTF, taking HTML or text out of it again if it
// was made from such (MS-OXRTFEX, section 3.1.5).
func ReadRTF(b []byte, limits Limits) (Body, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(b, "\x00\t\r\n "), []byte(`{\rtf`)) {
		return Body{}, fault.New(fault.Invalid, "outlook.not_rtf")
	}
	s, n := newSession(limits), &notes{}
	doc := readRTF(b, s, n)
	if s.err != nil {
		return Body{}, s.err
	}
	body := Body{Encapsulated: doc.kind != rtfPlain, Repairs: n.list}
	if doc.kind == rtfText {
		body.Text = string(doc.out)
	} else {
		body.HTML = doc.out
	}
	return body, nil
}

// What an RTF document was made from.
const (
	rtfPlain = iota // nothing else
	rtfHTML
	rtfText
)

// Where the text of a group goes.
const (
	toBody  = iota
	toTag   // \htmltag: to the body as it is
	toFonts // the table of fonts
	toField // the instruction of a field
	toNone
)

const (
	deepestGroup = 1 << 16
	mostFonts    = 1 << 12
	longestField = 64 << 10
)

// group is what a group of RTF inherits and may change for itself.
type group struct {
	to    uint8
	quiet bool // \htmlrtf: there only for readers that know no encapsulation
	ends  uint8
	uc    int32 // characters to skip after \u
	page  int32 // code page, 0 for the document's
	font  int32 // being defined in the table of fonts
	field int32 // whose instruction is read
}

// What the end of a group means.
const (
	endsNothing = iota
	endsField
	endsResult
)

type rtfReader struct {
	in    []byte
	s     *session
	notes *notes

	kind   int
	out    []byte
	groups []group
	g      group // the current one
	page   int32 // of the document
	first  int32 // \deff
	fonts  map[int32]int32
	fields []field

	run      []byte // text of 8 bits that was not decoded yet
	runPage  int32
	runTo    uint8
	runField int32
	skip     int32 // characters to skip, because \u said them
	high     rune  // first half of a surrogate pair
	star     bool  // \* came before
	wrote    bool
}

func readRTF(b []byte, s *session, n *notes) *rtfReader {
	r := &rtfReader{in: b, s: s, notes: n, page: 1252, fonts: map[int32]int32{}, g: group{uc: 1}}
	r.read()
	r.flush()
	r.lost()
	if len(r.groups) > 0 && s.err == nil {
		r.notes.add("outlook.repair_truncated", "RTF text")
	}
	for range r.fields {
		r.endField()
	}
	if r.kind == rtfPlain && len(r.out) > 0 {
		r.out = append(append([]byte("<html><body>"), r.out...), "</body></html>"...)
	}
	if !s.spend(len(r.out)) {
		r.out = nil
	}
	return r
}

func (r *rtfReader) read() {
	for i := 0; i < len(r.in) && r.s.err == nil; {
		if int64(len(r.out)+len(r.run)) > r.s.left {
			r.s.spend(len(r.out) + len(r.run))
			return
		}
		switch c := r.in[i]; c {
		case '{':
			i++
			if len(r.groups) == deepestGroup {
				r.notes.add("outlook.repair_rtf_depth", "RTF text")
				return
			}
			r.groups = append(r.groups, r.g)
			r.g.ends = endsNothing
			r.skip, r.star = 0, false
		case '}':
			i++
			r.close()
			if len(r.groups) == 0 {
				return // what follows the document is none of it
			}
		case '\\':
			i = r.control(i + 1)
		case '\r', '\n', 0:
			i++
		default:
			i++
			r.char(c)
		}
	}
}

func (r *rtfReader) close() {
	r.skip, r.star = 0, false
	switch r.g.ends {
	case endsResult:
		r.flush()
		r.endLink()
	case endsField:
		r.flush()
		r.endField()
	}
	if n := len(r.groups); n > 0 {
		r.g = r.groups[n-1]
		r.groups = r.groups[:n-1]
	}
}

// control reads what follows a backslash and returns where the rest begins.
func (r *rtfReader) control(i int) int {
	if i >= len(r.in) {
		return i
	}
	c := r.in[i]
	if c|0x20 < 'a' || c|0x20 > 'z' {
		return r.symbol(c, i+1)
	}
	start := i
	for i < len(r.in) && i-start < 32 && r.in[i]|0x20 >= 'a' && r.in[i]|0x20 <= 'z' {
		i++
	}
	word := r.in[start:i]
	negative, has := false, false
	if i+1 < len(r.in) && r.in[i] == '-' && digit(r.in[i+1]) {
		negative = true
		i++
	}
	n := int64(0)
	for i < len(r.in) && digit(r.in[i]) {
		has = true
		n = min(n*10+int64(r.in[i]-'0'), 1<<31-1)
		i++
	}
	if negative {
		n = -n
	}
	if i < len(r.in) && r.in[i] == ' ' {
		i++
	}
	if string(word) == "bin" {
		if r.skip > 0 {
			r.skip--
		}
		return int(min(int64(len(r.in)), int64(i)+max(n, 0)))
	}
	// A control word after \u counts as one character of its replacement.
	if r.skip > 0 && string(word) != "u" {
		r.skip--
		return i
	}
	r.word(string(word), int32(n), has)
	return i
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func (r *rtfReader) symbol(c byte, i int) int {
	switch c {
	case '*':
		r.star = true
		return i
	case '\'':
		if i+1 < len(r.in) {
			hi, lo := hex(r.in[i]), hex(r.in[i+1])
			if hi >= 0 && lo >= 0 {
				r.char(byte(hi<<4 | lo))
				return i + 2
			}
		}
		r.notes.add("outlook.repair_rtf_escape", "RTF text")
		return i
	case '\\', '{', '}':
		r.char(c)
		return i
	}
	if r.skip > 0 {
		r.skip--
		return i
	}
	switch c {
	case '~':
		r.say("\u00A0", "&nbsp;")
	case '_':
		r.say("\u2011", "&#8209;")
	case '\r', '\n':
		r.line()
	case '\t':
		r.say("\t", "\t")
	}
	return i
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// char takes a byte of text.
func (r *rtfReader) char(c byte) {
	r.star = false
	if r.skip > 0 {
		r.skip--
		return
	}
	switch r.g.to {
	case toNone, toFonts:
		return
	case toBody:
		if r.g.quiet {
			return
		}
	}
	r.lost()
	page := r.g.page
	if page == 0 {
		page = r.page
	}
	// Bytes of one character may be written in two ways, even across groups:
	// they are decoded when something else comes.
	if len(r.run) > 0 && (page != r.runPage || r.g.to != r.runTo || r.g.field != r.runField) {
		r.flush()
	}
	r.runPage, r.runTo, r.runField = page, r.g.to, r.g.field
	r.run = append(r.run, c)
}

// flush decodes the run.
func (r *rtfReader) flush() {
	if len(r.run) == 0 {
		return
	}
	text := r.run
	if !ascii(text) {
		t := charset.Decode(text, charset.CodePage(int(r.runPage)))
		if t.Lied || t.Lost > 0 {
			r.notes.add("outlook.repair_charset", "RTF text")
		}
		text = []byte(t.Text)
	}
	r.put(text, r.runTo, r.runField)
	r.run = r.run[:0]
}

// put writes text, escaped where it is not HTML already.
func (r *rtfReader) put(text []byte, to uint8, of int32) {
	switch to {
	case toField:
		if of > 0 && int(of) <= len(r.fields) {
			f := &r.fields[of-1]
			if len(f.instruction)+len(text) > longestField {
				r.notes.add("outlook.repair_rtf_field", "RTF text")
				return
			}
			f.instruction = append(f.instruction, text...)
		}
		return
	case toTag:
		r.wrote = true
		r.out = append(r.out, text...)
		return
	}
	r.wrote = true
	if r.kind == rtfText {
		r.out = append(r.out, text...)
		return
	}
	r.out = appendEscaped(r.out, text, r.kind == rtfHTML)
}

// appendEscaped escapes text for HTML. Some programs write character
// references as text into encapsulated HTML; keep leaves those alone.
func appendEscaped(out, text []byte, keep bool) []byte {
	for i, c := range text {
		switch c {
		case '<':
			out = append(out, "&lt;"...)
		case '>':
			out = append(out, "&gt;"...)
		case '&':
			if keep && reference(text[i+1:]) {
				out = append(out, c)
			} else {
				out = append(out, "&amp;"...)
			}
		default:
			out = append(out, c)
		}
	}
	return out
}

// reference reports whether a character reference continues with b.
func reference(b []byte) bool {
	for i, c := range b[:min(len(b), 33)] {
		switch {
		case c == ';':
			return i > 1
		case c == '#' && i == 0, c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z':
		default:
			return false
		}
	}
	return false
}

// say writes a character that RTF has a word for.
func (r *rtfReader) say(text, html string) {
	r.star = false
	if r.g.to == toNone || r.g.to == toFonts || r.g.to == toBody && r.g.quiet {
		return
	}
	r.flush()
	r.lost()
	if r.kind == rtfText || r.g.to == toField {
		r.put([]byte(text), r.g.to, r.g.field)
		return
	}
	r.wrote = true
	r.out = append(r.out, html...)
}

// line ends a line or a paragraph.
func (r *rtfReader) line() {
	if r.kind == rtfPlain && r.g.to == toBody {
		r.say("\n", "<br>\n")
		return
	}
	r.say("\r\n", "\r\n")
}

// unicode writes the character of \u, of which characters beyond the basic
// plane need two.
func (r *rtfReader) unicode(n int32) {
	r.skip = r.g.uc
	if r.g.to == toNone || r.g.to == toFonts || r.g.to == toBody && r.g.quiet {
		return
	}
	c := rune(uint16(n))
	// The flush comes first: the run is what stands before.
	r.flush()
	switch {
	case utf16.IsSurrogate(c) && c < 0xDC00:
		r.lost()
		r.high = c
		return
	case utf16.IsSurrogate(c):
		c = utf16.DecodeRune(r.high, c)
		r.high = 0
	default:
		r.lost()
	}
	r.put(utf8.AppendRune(nil, c), r.g.to, r.g.field)
}

// lost writes the first half of a pair that has no second.
func (r *rtfReader) lost() {
	if r.high != 0 {
		r.high = 0
		r.put([]byte("\uFFFD"), r.g.to, r.g.field)
	}
}
