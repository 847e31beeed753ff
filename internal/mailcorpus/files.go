// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"html"
	"image/png"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

// A line "attach: KIND NAME" of a shape, for archives "KIND NAME > INNER, …",
// makes a file. None does anything: a script assembles a greeting, a shortcut
// points to notepad, a macro project holds no macro.

const (
	macWord  = "application/vnd.ms-word.document.macroEnabled.main+xml"
	docx     = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
	typeDocx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	typeXlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// attachment makes the file of an expanded line. Hosts that stand in it are
// noted in t.
func (l *links) attachment(line string, t *Truth) part {
	kind, name, _ := strings.Cut(line, " ")
	name, inner, _ := strings.Cut(name, " > ")
	t.Files = append(t.Files, name)
	mediaType, content := l.file(kind, name, inner, t)
	return l.s.filePart(name, mediaType, "attachment", content)
}

// target is the URL that a file leads to.
func (l *links) target(t *Truth) string {
	name := "filelink"
	if _, ok := l.shape.lines[name]; !ok {
		name = "link"
	}
	u := l.url(name)
	t.FileHosts = addHost(t.FileHosts, u)
	return u
}

func (l *links) file(kind, name, inner string, t *Truth) (mediaType string, content []byte) {
	s := l.s
	switch kind {
	case "pdf":
		return "application/pdf", pdf(name)
	case "xlsx":
		return typeXlsx, office("xl/workbook.xml", typeXlsx+".main+xml", name, false)
	case "docx":
		return typeDocx, office("word/document.xml", docx, name, false)
	case "docm":
		return "application/vnd.ms-word.document.macroEnabled.12", office("word/document.xml", macWord, name, true)
	case "xlsm":
		return "application/vnd.ms-excel.sheet.macroEnabled.12", office("xl/workbook.xml", macWord, name, true)
	case "xls":
		return "application/vnd.ms-excel", ole("Workbook")
	case "doc":
		return "application/msword", ole("WordDocument")
	case "zip", "zipenc":
		var entries []entry
		for _, e := range strings.Split(inner, ", ") {
			_, b := l.file(extension(e), e, "", t)
			entries = append(entries, entry{e, b})
		}
		password := ""
		if kind == "zipenc" {
			password = s.word("password", false)
		}
		return "application/zip", zipped(password, entries...)
	case "iso", "img":
		return "application/octet-stream", iso(inner)
	case "lnk":
		return "application/octet-stream", lnk()
	case "exe", "scr":
		return "application/octet-stream", append([]byte("MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"), make([]byte, 496)...)
	case "js", "jse":
		return "application/javascript", []byte("// " + s.draw(hexes, 12) + "\nvar a = [\"こん\", \"にちは\"].join(\"\");\n")
	case "vbs", "hta", "bat", "wsf":
		return "application/octet-stream", []byte("rem " + s.draw(hexes, 12) + "\r\n")
	case "one":
		return "application/onenote", append([]byte("\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3"), make([]byte, 1008)...)
	case "rtf":
		return "application/rtf", []byte("{\\rtf1\\ansi\\ansicpg932 " + s.draw(small, 30) + "}")
	case "url":
		return "application/octet-stream", []byte("[InternetShortcut]\r\nURL=" + l.target(t) + "\r\n")
	case "html", "htm", "shtml":
		return "text/html", l.form(l.target(t))
	case "smuggle":
		return "text/html", l.smuggle()
	case "svg":
		u := l.target(t)
		return "image/svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="600" height="300"><rect width="600" height="300" fill="#fff"/><a href="` + html.EscapeString(u) + `"><text x="40" y="150">` + html.EscapeString(name) + `</text></a></svg>`)
	case "svgjs":
		u := l.target(t)
		return "image/svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script type="text/ecmascript"><![CDATA[window.location.href="` + u + `";]]></script></svg>`)
	case "ics":
		return "text/calendar; charset=UTF-8; method=REQUEST", []byte(l.calendar(name, t))
	case "csv", "txt":
		return "text/plain", []byte(name + "\r\n1," + s.draw(digits, 8) + "\r\n")
	case "jpg":
		return "image/jpeg", append([]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"), append(make([]byte, 600), 0xff, 0xd9)...)
	case "png":
		return "image/png", code("https://www." + OwnDomain + "/")
	}
	panic("mailcorpus: no kind of file " + kind)
}

func extension(name string) string {
	return strings.ToLower(strings.TrimSpace(name[strings.LastIndexByte(name, '.')+1:]))
}

// code is a QR code as a PNG.
func code(text string) []byte {
	c, err := qr.Encode(text, qr.M, qr.Auto)
	if err == nil {
		// Four pixels for each module, and the margin that readers want
		// (ISO/IEC 18004, section 5.3.8), which Scale leaves.
		n := (c.Bounds().Dx() + 8) * 4
		c, err = barcode.Scale(c, n, n)
	}
	var b bytes.Buffer
	if err == nil {
		err = png.Encode(&b, c)
	}
	if err != nil {
		panic("mailcorpus: " + err.Error())
	}
	return b.Bytes()
}

// pdf is one page with a title.
func pdf(title string) []byte {
	var b bytes.Buffer
	var offsets []int
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	object := func(text string) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets), text)
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
	object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>")
	object(fmt.Sprintf("<< /Title <FEFF%X> >>", utf16BE(title)))
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return b.Bytes()
}

// ole is a compound file (MS-CFB) with one empty stream of the name.
func ole(stream string) []byte {
	b := make([]byte, 3*512)
	le := binary.LittleEndian
	copy(b, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	le.PutUint16(b[24:], 0x3e)
	le.PutUint16(b[26:], 3)
	le.PutUint16(b[28:], 0xfffe)
	le.PutUint16(b[30:], 9)
	le.PutUint16(b[32:], 6)
	le.PutUint32(b[44:], 1)          // sectors of the FAT
	le.PutUint32(b[48:], 1)          // first sector of the directory
	le.PutUint32(b[56:], 4096)       // below this, streams are mini streams
	le.PutUint32(b[60:], 0xfffffffe) // no mini FAT
	le.PutUint32(b[68:], 0xfffffffe) // no DIFAT beyond the header
	for i := 76; i < 512; i += 4 {
		le.PutUint32(b[i:], 0xffffffff)
	}
	le.PutUint32(b[76:], 0)
	for i := 512; i < 1024; i += 4 {
		le.PutUint32(b[i:], 0xffffffff)
	}
	le.PutUint32(b[512:], 0xfffffffd)
	le.PutUint32(b[516:], 0xfffffffe)
	for i, name := range []string{"Root Entry", stream, "", ""} {
		d := b[1024+i*128 : 1024+(i+1)*128]
		for j, c := range []byte(name) {
			d[2*j] = c
		}
		if name != "" {
			le.PutUint16(d[64:], uint16(2*len(name)+2))
		}
		for _, o := range []int{68, 72, 76} {
			le.PutUint32(d[o:], 0xffffffff)
		}
		if name == "" {
			continue
		}
		d[66], d[67] = byte(5-3*i), 1
		le.PutUint32(d[116:], 0xfffffffe)
		if i == 0 {
			le.PutUint32(d[76:], 1)
		}
	}
	return b
}

// iso is a disc image (ECMA-119) whose root names one file.
func iso(name string) []byte {
	b := make([]byte, 20*2048)
	pvd := b[16*2048:]
	copy(pvd, "\x01CD001\x01")
	copy(pvd[40:], "DOCUMENTS                       ")
	record := func(at []byte, sector, size uint32, flags byte, id string) int {
		n := 33 + len(id)
		n += n % 2
		at[0] = byte(n)
		binary.LittleEndian.PutUint32(at[2:], sector)
		binary.BigEndian.PutUint32(at[6:], sector)
		binary.LittleEndian.PutUint32(at[10:], size)
		binary.BigEndian.PutUint32(at[14:], size)
		at[25] = flags
		at[32] = byte(len(id))
		copy(at[33:], id)
		return n
	}
	record(pvd[156:], 18, 2048, 2, "\x00")
	copy(b[17*2048:], "\xffCD001\x01")
	root := b[18*2048:]
	n := record(root, 18, 2048, 2, "\x00")
	n += record(root[n:], 18, 2048, 2, "\x01")
	record(root[n:], 19, 76, 0, name)
	copy(b[19*2048:], lnk())
	return b
}

// lnk is a shortcut (MS-SHLLINK) without a target.
func lnk() []byte {
	b := make([]byte, 76, 128)
	copy(b, "\x4c\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46")
	return append(b, "n\x00o\x00t\x00e\x00p\x00a\x00d\x00"...)
}

// form is a page that asks for a password.
func (l *links) form(action string) []byte {
	a := html.EscapeString(action)
	pages := []string{
		`<html><body><h3>サインイン</h3><form method="post" action="` + a + `"><input name="mail" value="` + l.s.word("toaddr", false) + `"><input type="password" name="pw"><button>次へ</button></form></body></html>`,
		`<!DOCTYPE html><html><head><meta http-equiv="refresh" content="0; url=` + a + `"></head><body>読み込み中です</body></html>`,
		`<html><head><script>location.replace("` + action + `")</script></head><body></body></html>`,
	}
	return []byte(pages[l.s.r.IntN(len(pages))])
}

// smuggle is a page whose script would put a file together in the browser and
// offer it. The file is a line of text.
func (l *links) smuggle() []byte {
	text := base64.StdEncoding.EncodeToString([]byte("これはテストの文字列です。" + l.s.draw(hexes, 400)))
	return []byte(`<!DOCTYPE html><html><body><p>文書を準備しています。</p><script>
var d="` + text + `";var s=atob(d),n=s.length,u=new Uint8Array(n);
while(n--){u[n]=s.charCodeAt(n);}
var b=new Blob([u],{type:"octet/stream"}),a=document.createElement("a");
a.href=window.URL.createObjectURL(b);a.download="document.txt";document.body.appendChild(a);a.click();
</script></body></html>`)
}

// calendar is an invitation (RFC 5545).
func (l *links) calendar(name string, t *Truth) string {
	s := l.s
	start := s.at.AddDate(0, 0, 3+s.r.IntN(20))
	lines := []string{"BEGIN:VCALENDAR", "PRODID:-//" + s.draw(small, 6) + "//JA", "VERSION:2.0", "METHOD:REQUEST", "BEGIN:VEVENT",
		"UID:" + s.draw(hexes, 32), "DTSTAMP:" + s.at.UTC().Format("20060102T150405Z"),
		"DTSTART:" + start.UTC().Format("20060102T150000Z"), "DTEND:" + start.UTC().Add(3600e9).Format("20060102T150000Z"),
		"ORGANIZER:mailto:" + t.From, "ATTENDEE;RSVP=TRUE:mailto:" + s.word("toaddr", false), "SUMMARY:" + t.Subject}
	if _, ok := l.shape.lines["filelink"]; ok {
		lines = append(lines, "LOCATION:"+l.target(t), "DESCRIPTION:"+t.Text+"\\n"+l.target(t))
	}
	lines = append(lines, "STATUS:CONFIRMED", "END:VEVENT", "END:VCALENDAR", "")
	return strings.Join(lines, "\r\n")
}
