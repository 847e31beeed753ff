// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

// fontPages are the code pages of \fcharset (Rich Text Format Specification
// 1.9.1, "Font Table"). 1 means the document's.
var fontPages = map[int32]int32{
	0: 1252, 2: 1252, 77: 10000, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950,
	161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256, 186: 1257, 204: 1251,
	222: 874, 238: 1250, 254: 437, 255: 850,
}

// destinations hold no text for the reader, with or without \* before.
var destinations = map[string]bool{
	"annotation": true, "author": true, "bkmkend": true, "bkmkstart": true, "buptim": true, "colorschememapping": true,
	"colortbl": true, "comment": true, "company": true, "creatim": true, "datafield": true, "datastore": true,
	"defchp": true, "defpap": true, "doccomm": true, "filetbl": true, "fname": true, "formfield": true, "generator": true,
	"info": true, "keywords": true, "latentstyles": true, "listoverridetable": true, "listtable": true, "listtext": true,
	"manager": true, "mhtmltag": true, "nonshppict": true, "objclass": true, "objdata": true, "objname": true,
	"operator": true, "panose": true, "pict": true, "pntext": true, "printim": true, "private": true, "revtbl": true,
	"revtim": true, "rsidtbl": true, "sn": true, "sv": true, "stylesheet": true, "subject": true, "tc": true,
	"themedata": true, "title": true, "txe": true, "userprops": true, "wgrffmtfilter": true, "xe": true, "xmlnstbl": true,
}

// starred destinations hold text although \* stands before them.
var starred = map[string]bool{"shpinst": true, "shptxt": true, "shppict": true}

// characters that have a word, with the word of HTML.
var characters = map[string][2]string{
	"tab": {"\t", "\t"}, "lquote": {"\u2018", "&lsquo;"}, "rquote": {"\u2019", "&rsquo;"},
	"ldblquote": {"\u201C", "&ldquo;"}, "rdblquote": {"\u201D", "&rdquo;"}, "bullet": {"\u2022", "&bull;"},
	"endash": {"\u2013", "&ndash;"}, "emdash": {"\u2014", "&mdash;"}, "enspace": {"\u2002", "&ensp;"},
	"emspace": {"\u2003", "&emsp;"}, "zwj": {"\u200D", "&zwj;"}, "zwnj": {"\u200C", "&zwnj;"},
}

// word obeys a control word. has tells \htmlrtf from \htmlrtf0.
func (r *rtfReader) word(word string, n int32, has bool) {
	star := r.star
	r.star = false
	switch word {
	case "par", "line", "sect", "page":
		r.line()
	case "u":
		r.unicode(n)
	case "uc":
		r.g.uc = min(max(n, 0), 16)
	case "htmlrtf":
		r.flush()
		r.g.quiet = !has || n != 0
	case "htmltag":
		r.begin(toTag)
	case "fromhtml":
		if n == 1 && !r.wrote {
			r.kind = rtfHTML
		}
	case "fromtext":
		if !r.wrote {
			r.kind = rtfText
		}
	case "ansicpg":
		if n > 0 {
			r.page = n
		}
	case "mac":
		r.page = 10000
	case "pc":
		r.page = 437
	case "pca":
		r.page = 850
	case "deff":
		r.first = n
	case "plain":
		r.g.page = r.fonts[r.first]
	case "fonttbl":
		r.begin(toFonts)
	case "f":
		if r.g.to == toFonts {
			r.g.font = n
		} else {
			r.g.page = r.fonts[n]
		}
	case "fcharset":
		if page, known := fontPages[n]; known {
			r.font(page)
		}
	case "cpg":
		r.font(n)
	case "field":
		r.beginField()
	case "fldinst":
		r.begin(toField)
		r.g.field = int32(len(r.fields))
	case "fldrslt":
		r.beginResult()
	case "cell", "nestcell":
		if r.kind == rtfPlain {
			r.say("\t", "\t")
		}
	case "row", "nestrow":
		if r.kind == rtfPlain {
			r.line()
		}
	default:
		if c, ok := characters[word]; ok {
			r.say(c[0], c[1])
			return
		}
		if destinations[word] || star && !starred[word] {
			r.begin(toNone)
		}
	}
}

// begin sends the text of the rest of the group elsewhere. Inside of what is
// passed over nothing is read.
func (r *rtfReader) begin(to uint8) {
	if r.g.to == toNone {
		return
	}
	r.flush()
	r.g.to = to
}

func (r *rtfReader) font(page int32) {
	if r.g.to != toFonts || page <= 0 {
		return
	}
	if _, known := r.fonts[r.g.font]; known || len(r.fonts) < mostFonts {
		r.fonts[r.g.font] = page
	}
}
