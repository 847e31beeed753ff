// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"teiten/internal/indicator"
	"teiten/internal/mail"
)

// file is an attachment with what the rules ask about it.
type file struct {
	File
	part  *mail.Part
	ext   string // the last ending of the name, lower case, without the dot
	kind  string // what the bytes are: see sniff; "" for not known
	marks []mark
	r     *Rendered // of HTML and SVG
}

// mark is something about a file that a rule speaks of.
type mark struct {
	code string
	what string
}

func (f *file) mark(code, what string) { f.marks = append(f.marks, mark{code, clip(what)}) }

func (f *file) has(code string) bool {
	for _, m := range f.marks {
		if m.code == code {
			return true
		}
	}
	return false
}

const maxNested = 3 // messages inside messages

func (v *view) readFiles() { v.filesOf(v.m, "", 0) }

// filesOf looks at the attachments of a message, and at the bodies and
// attachments of messages attached to it.
func (v *view) filesOf(m *mail.Message, prefix string, depth int) {
	for _, p := range m.Files() {
		if len(v.files) >= maxFiles {
			v.cut["mailcheck.cut.files"] = true
			return
		}
		path := p.Path
		if prefix != "" {
			path = prefix + "/" + p.Path
		}
		if p.Message != nil && depth < maxNested {
			v.nested(p.Message, path)
			v.filesOf(p.Message, path, depth+1)
			if len(p.Data) == 0 {
				continue
			}
		} else if p.Message != nil {
			v.cut["mailcheck.cut.files"] = true
		}
		v.files = append(v.files, v.readFile(p, path))
	}
}

// nested adds the addresses in an attached message.
func (v *view) nested(m *mail.Message, path string) {
	for _, p := range m.Texts() {
		v.addFound(indicator.Extract(p.Text[:min(len(p.Text), 256<<10)]), "file", path, "file")
	}
	for _, p := range m.HTML() {
		r := Render(p)
		v.addTargets(&r, path, "file")
		v.addFound(indicator.Extract(r.Text[:min(len(r.Text), 256<<10)]), "file", path, "file")
	}
	for _, a := range m.From[:min(len(m.From), 5)] {
		if val, err := indicator.Normalise(indicator.Email, a.Address); err == nil {
			v.add(val, Place{Where: "file", Path: path, Text: clip(a.Address)}, "header")
		}
	}
}

func (v *view) readFile(p *mail.Part, path string) *file {
	f := &file{part: p, File: File{Path: path, Name: p.Name, MediaType: p.MediaType, Size: int64(len(p.Data))}}
	f.name()
	data := p.Data
	if len(data) == 0 && p.Text != "" {
		data = []byte(p.Text)
		f.Size = int64(len(data))
	}
	if len(data) > 0 {
		m, s1, s2 := md5.Sum(data), sha1.Sum(data), sha256.Sum256(data)
		f.MD5, f.SHA1, f.SHA256 = hex.EncodeToString(m[:]), hex.EncodeToString(s1[:]), hex.EncodeToString(s2[:])
		place := Place{Where: "file", Path: path, Text: clip(p.Name)}
		v.add(indicator.Value{Kind: indicator.MD5, Value: f.MD5, Written: f.MD5}, place, "hash")
		v.add(indicator.Value{Kind: indicator.SHA1, Value: f.SHA1, Written: f.SHA1}, place, "hash")
		v.add(indicator.Value{Kind: indicator.SHA256, Value: f.SHA256, Written: f.SHA256}, place, "hash")
	}
	f.kind = sniff(data)
	v.classify(f, data)
	return f
}

// name looks at the file's name.
func (f *file) name() {
	name := f.Name
	if strings.ContainsAny(name, "\u202e\u202d\u2066\u2067\u2068") {
		f.mark("rlo", name)
	}
	clean := strings.Map(func(r rune) rune {
		if invisible(r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, name)
	clean = strings.TrimRight(clean, ". \u3000")
	f.ext = extension(clean)
	if f.ext == "" {
		return
	}
	stem := clean[:len(clean)-len(f.ext)-1]
	k := bundled()
	dangerous := k.programs[f.ext] || k.scripts[f.ext] || k.containers[f.ext] || f.ext == "html" || f.ext == "htm" || f.ext == "svg"
	if trimmed := strings.TrimRight(stem, " \u3000\u00a0_"); dangerous && len(stem)-len(trimmed) >= 5 {
		f.mark("spaces", name)
		stem = trimmed
	}
	if before := extension(strings.TrimRight(stem, " \u3000\u00a0")); before != "" && dangerous &&
		(k.documents[before] || k.office[before] || k.archives[before]) {
		f.mark("double", name)
	}
}

// extension is the ending of a name, lower case, full-width letters narrowed.
func extension(name string) string {
	i := strings.LastIndexAny(name, ".．")
	if i < 0 {
		return ""
	}
	ext := strings.TrimLeft(name[i:], ".．")
	if ext == "" || len(ext) > 20 || strings.ContainsAny(ext, " /\\") {
		return ""
	}
	return strings.ToLower(ext)
}

// sniff says what bytes are by how they begin.
func sniff(b []byte) string {
	for _, m := range []struct {
		at   int
		what string
		kind string
	}{
		{0, "MZ", "exe"}, {0, "\x7fELF", "elf"}, {0, "PK\x03\x04", "zip"}, {0, "PK\x05\x06", "zip"}, {0, "7z\xbc\xaf\x27\x1c", "7z"}, {0, "Rar!\x1a\x07", "rar"},
		{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"}, {0, "L\x00\x00\x00\x01\x14\x02\x00", "lnk"},
		{0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "one"}, {0, "MSCF", "cab"}, {0, "ITSF", "chm"}, {0, "{\\rt", "rtf"},
		{0, "vhdxfile", "vhd"}, {0, "conectix", "vhd"}, {7, "**ACE**", "ace"}, {2, "-lh", "lzh"}, {0, "\x1f\x8b", "gz"}, {0, "BZh", "bz2"}, {0, "\xfd7zXZ", "xz"},
		{0x8001, "CD001", "iso"}, {0x8801, "CD001", "iso"}, {0x9001, "CD001", "iso"}, {0, "\x89PNG", "png"}, {0, "\xff\xd8\xff", "jpeg"}, {0, "GIF8", "gif"},
		{0, "BM", "bmp"}, {8, "WEBP", "webp"}, {0, "\xca\xfe\xba\xbe", "class"}, {0, "xar!", "pkg"}, {257, "ustar", "tar"},
	} {
		if len(b) >= m.at+len(m.what) && string(b[m.at:m.at+len(m.what)]) == m.what {
			if m.kind == "exe" && len(b) < 64 || m.kind == "bmp" && (len(b) < 54 || b[6] != 0 || b[7] != 0) {
				continue
			}
			return m.kind
		}
	}
	if n := len(b); n >= 512 && string(b[n-512:n-504]) == "conectix" {
		return "vhd"
	}
	head := b[:min(len(b), 1024)]
	if i := bytes.Index(head, []byte("%PDF-")); i >= 0 {
		return "pdf"
	}
	head = bytes.TrimPrefix(bytes.TrimPrefix(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), []byte("\xff\xfe")), []byte("\xfe\xff"))
	text := strings.ToLower(strings.TrimLeft(strings.ReplaceAll(string(head), "\x00", ""), " \t\r\n"))
	switch {
	case strings.HasPrefix(text, "[internetshortcut]"):
		return "url"
	case strings.Contains(text, "<svg"):
		return "svg"
	case strings.HasPrefix(text, "<!doctype html"), strings.HasPrefix(text, "<html"), strings.HasPrefix(text, "<script"), strings.HasPrefix(text, "<body"),
		strings.HasPrefix(text, "<head"), strings.HasPrefix(text, "<meta http"), strings.HasPrefix(text, "<form"), strings.HasPrefix(text, "<!--") && strings.Contains(text, "<html"):
		return "html"
	case strings.HasPrefix(text, "<hta:"), strings.Contains(text, "<hta:application"):
		return "hta"
	case strings.HasPrefix(text, "<?xml") && strings.Contains(text, "wsf"), strings.HasPrefix(text, "<job"):
		return "wsf"
	}
	return ""
}

// kinds of files whose names promise them: what else they are is a disguise.
var promised = map[string]string{"pdf": "pdf", "png": "png", "jpg": "jpeg", "jpeg": "jpeg", "gif": "gif", "docx": "zip", "xlsx": "zip", "pptx": "zip", "zip": "zip",
	"doc": "ole", "xls": "ole", "ppt": "ole", "txt": "", "csv": "", "mp3": "", "mp4": "", "wav": "", "ics": "", "xml": "", "bmp": "bmp", "webp": "webp", "rtf": "rtf"}

// classify looks into the file.
func (v *view) classify(f *file, data []byte) {
	k := v.k
	switch {
	case f.kind == "exe" || f.kind == "elf" || f.kind == "class" || f.kind == "pkg" || k.programs[f.ext]:
		f.mark("program", f.Name)
	case f.kind == "lnk" || f.kind == "one" || f.kind == "chm" || f.kind == "hta" || f.kind == "wsf" || k.scripts[f.ext]:
		f.mark("script", f.Name)
	case f.kind == "iso" || f.kind == "vhd" || f.kind == "cab" || f.kind == "ace" || f.kind == "lzh" && f.ext != "lzh" || k.containers[f.ext] && f.ext != "lzh" && f.ext != "bz2" && f.ext != "xz":
		f.mark("container", f.Name)
	}
	switch want, ok := promised[f.ext]; {
	case f.kind == "exe" && f.ext != "" && !k.programs[f.ext], f.kind == "lnk" && f.ext != "lnk":
		f.mark("mismatch", f.Name)
	case ok && f.kind != "" && f.kind != want && !lawful(f.ext, f.kind):
		f.mark("mismatch", f.Name)
	}
	switch f.kind {
	case "zip":
		v.readZip(f, data)
	case "7z":
		v.read7z(f, data)
	case "rar":
		readRAR(f, data)
	case "ole":
		readOLE(f, data)
	case "pdf":
		v.readPDF(f, data)
	case "rtf":
		v.readRTF(f, data)
	case "url":
		v.addFound(indicator.Extract(string(data[:min(len(data), 8192)])), "file", f.Path, "file")
		if !f.has("script") {
			f.mark("script", f.Name)
		}
	case "html", "svg", "hta":
		v.readPage(f, data)
	default:
		if f.ext == "html" || f.ext == "htm" || f.ext == "shtml" || f.ext == "xhtml" || f.ext == "svg" || f.ext == "mht" || f.ext == "mhtml" ||
			f.MediaType == "text/html" || f.MediaType == "image/svg+xml" || f.MediaType == "application/xhtml+xml" {
			v.readPage(f, data)
		} else if strings.HasPrefix(f.MediaType, "text/") && f.MediaType != "text/calendar" || k.scripts[f.ext] || f.ext == "txt" || f.ext == "csv" {
			text := f.part.Text
			if text == "" {
				text = string(data[:min(len(data), 256<<10)])
			}
			v.addFound(indicator.Extract(text[:min(len(text), 256<<10)]), "file", f.Path, "file")
		}
	}
	for _, n := range f.Names {
		inner := file{File: File{Name: n}}
		inner.name()
		for _, m := range inner.marks {
			f.mark(m.code, n)
		}
		if k.programs[inner.ext] || k.scripts[inner.ext] || k.containers[inner.ext] && inner.ext != "lzh" {
			f.mark("archive_program", n)
		} else if k.macros[inner.ext] {
			f.mark("archive_macro", n)
		} else if inner.ext == "html" || inner.ext == "htm" {
			f.mark("archive_html", n)
		}
	}
}

// lawful are differences between name and content that programs make.
func lawful(ext, kind string) bool {
	switch {
	case kind == "zip" && (ext == "doc" || ext == "xls" || ext == "ppt"), kind == "ole" && (ext == "docx" || ext == "xlsx" || ext == "pptx"):
		return true // saved under the old name; encrypted with a password
	case (ext == "doc" || ext == "xls") && (kind == "rtf" || kind == "html"):
		return true // exports of old programs
	case kind == "png" || kind == "jpeg" || kind == "gif" || kind == "bmp" || kind == "webp":
		return ext != "pdf" && ext != "docx" && ext != "xlsx"
	case ext == "xml" && (kind == "svg" || kind == "html"), ext == "txt" && (kind == "html" || kind == "svg"), ext == "csv":
		return true
	}
	return false
}

// smuggles reports whether a script builds a file, or a page, out of itself.
// Names of functions are looked for without the quotation marks, plus signs and
// backslashes with which they are taken apart.
func smuggles(script string) (what string) {
	s := strings.ToLower(strings.NewReplacer(`"+"`, "", `'+'`, "", `" + "`, "", `' + '`, "", `"]["`, ".", `']['`, ".", `["`, ".", `['`, ".").Replace(script))
	count := 0
	for _, w := range []string{"atob(", "new blob(", "createobjecturl", "mssaveblob", "mssaveoropenblob", ".download", "fromcharcode", "unescape(", "document.write",
		"eval(", "\\x", "decodeuricomponent(", "innerhtml", "uint8array", "charcodeat", "crypto", "data:application", "new function(", ".constructor(", "parseint("} {
		if strings.Contains(s, w) {
			count++
			switch w {
			case "atob(", "new blob(", "createobjecturl", "mssaveblob", "mssaveoropenblob", "eval(", "unescape(", "document.write", "fromcharcode", "data:application", "new function(":
				count++
				if what == "" {
					what = strings.TrimSuffix(w, "(")
				}
			}
		}
	}
	if count >= 3 || what == "mssaveblob" || what == "createobjecturl" {
		return what
	}
	if count > 0 && longest(script) > 2000 { // a long piece of data that something decodes
		return "base64"
	}
	return ""
}

// longest is the length of the longest run of letters of base64 or hexadecimal.
func longest(s string) (most int) {
	n := 0
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '+' || c == '/' || c == '%' {
			n++
			most = max(most, n)
		} else {
			n = 0
		}
	}
	return most
}

// readPage looks at an HTML or SVG file as a browser would open it.
func (v *view) readPage(f *file, data []byte) {
	text := f.part.Text
	if text == "" {
		text = string(data[:min(len(data), maxHTML)])
	}
	r := renderHTML(text)
	f.r = &r
	if r.Cut {
		v.cut["mailcheck.cut.file"] = true
	}
	svg := f.kind == "svg" || f.ext == "svg" || f.MediaType == "image/svg+xml"
	v.addTargets(&r, f.Path, "file")
	v.addFound(indicator.Extract(r.Text[:min(len(r.Text), 256<<10)]), "file", f.Path, "file")
	script := r.page.script.String()
	v.addFound(indicator.Extract(script), "file", f.Path, "file")
	if svg {
		if r.page.scripts > 0 || r.page.handlers > 0 {
			f.mark("svg_script", f.Name)
		}
		if smuggles(script) != "" {
			f.mark("smuggling", smuggles(script))
		}
		for _, l := range r.Links {
			if (l.Kind == "a" || l.Kind == "refresh") && (l.Scheme == "http" || l.Scheme == "https") {
				f.mark("svg_link", l.URL)
				break
			}
		}
		return
	}
	if !f.has("script") {
		f.mark("html", f.Name)
	}
	if what := smuggles(script); what != "" {
		f.mark("smuggling", what)
	}
	if r.page.passwords > 0 {
		f.mark("form", f.Name)
	} else if r.page.forms > 0 && r.page.inputs > 0 {
		f.mark("form_plain", f.Name)
	}
	if r.page.refresh || strings.Contains(script, "location") {
		f.mark("forwards", f.Name)
	}
}
