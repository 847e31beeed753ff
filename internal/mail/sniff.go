// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"strings"
)

const (
	msgType = "application/vnd.ms-outlook"
	oleType = "application/x-ole-storage"
)

// magics are beginnings by which files are known.
var magics = []struct{ begin, mediaType string }{
	{"\x89PNG\r\n\x1a\n", "image/png"},
	{"\xff\xd8\xff", "image/jpeg"},
	{"GIF87a", "image/gif"},
	{"GIF89a", "image/gif"},
	{"II*\x00", "image/tiff"},
	{"MM\x00*", "image/tiff"},
	{"%PDF-", "application/pdf"},
	{"PK\x03\x04", "application/zip"},
	{"PK\x05\x06", "application/zip"},
	{"PK\x07\x08", "application/zip"},
	{"Rar!\x1a\x07", "application/vnd.rar"},
	{"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"},
	{"\x1f\x8b\x08", "application/gzip"},
	{"BZh", "application/x-bzip2"},
	{"\xfd7zXZ\x00", "application/x-xz"},
	{"\x28\xb5\x2f\xfd", "application/zstd"},
	{"MSCF\x00\x00\x00\x00", "application/vnd.ms-cab-compressed"},
	{"\x60\xea", "application/x-arj"},
	{"MZ", "application/vnd.microsoft.portable-executable"},
	{"\x7fELF", "application/x-executable"},
	{"\xcf\xfa\xed\xfe", "application/x-mach-binary"},
	{"\xce\xfa\xed\xfe", "application/x-mach-binary"},
	{"\xca\xfe\xba\xbe", "application/x-mach-binary"},
	{"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"},
	{"ITSF\x03\x00\x00\x00", "application/vnd.ms-htmlhelp"},
	{"{\\rtf", "application/rtf"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", oleType},
	{"!BDN", "application/vnd.ms-outlook-pst"},
	{"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "application/onenote"},
}

// magic is the media type of bytes that begin unmistakably, or "".
func magic(b []byte) string {
	if len(b) < 4 {
		return ""
	}
	for i := range magics {
		m := &magics[i]
		if b[0] == m.begin[0] && len(b) >= len(m.begin) && string(b[:len(m.begin)]) == m.begin {
			switch {
			case m.begin == "MZ" && !executable(b), m.begin == "BZh" && (b[3] < '1' || b[3] > '9'), m.begin == "\x60\xea" && len(b) < 40:
				continue
			case m.mediaType == oleType && isMsg(b):
				return msgType
			}
			return m.mediaType
		}
	}
	switch {
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return "image/webp"
	case len(b) >= 12 && string(b[4:8]) == "ftyp" && strings.Contains("heic heix hevc heim heis mif1 msf1 avif", string(b[8:12])):
		return "image/heic"
	case len(b) >= 26 && b[0] == 'B' && b[1] == 'M' && b[6]|b[7]|b[8]|b[9] == 0 && b[15]|b[16]|b[17] == 0 && b[14] >= 12:
		return "image/bmp"
	case len(b) > 21 && b[2] == '-' && b[3] == 'l' && (b[4] == 'h' || b[4] == 'z') && b[6] == '-':
		return "application/x-lzh"
	case len(b) > 0x8006 && string(b[0x8001:0x8006]) == "CD001":
		return "application/x-iso9660-image"
	case len(b) > 262 && string(b[257:262]) == "ustar":
		return "application/x-tar"
	}
	return ""
}

// executable tells programs of DOS and Windows from text that begins with MZ.
func executable(b []byte) bool {
	return len(b) >= 64 && bytes.IndexByte(b[:64], 0) >= 0
}

// propertyStream is the name of the stream that only Outlook's items have, as
// compound files write it (MS-OXMSG, section 2.4).
var propertyStream = []byte("_\x00_\x00p\x00r\x00o\x00p\x00e\x00r\x00t\x00i\x00e\x00s\x00_\x00v\x00e\x00r\x00s\x00i\x00o\x00n\x001\x00")

// isMsg tells Outlook's items from the other compound files: documents of old
// Office, installers.
func isMsg(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) && bytes.Contains(b, propertyStream)
}

// isOpenXML tells documents of Office from other zip files by the names in
// their beginning.
func isOpenXML(b []byte) bool {
	head := b[:min(len(b), 64<<10)]
	return bytes.Contains(head, []byte("[Content_Types].xml")) || bytes.Contains(head, []byte("mimetypeapplication/vnd.oasis.opendocument"))
}

func likeHTML(b []byte) bool {
	b = bytes.TrimLeft(b[:min(len(b), 1024)], "\xef\xbb\xbf \t\r\n")
	if len(b) < 5 || b[0] != '<' {
		return false
	}
	lower := bytes.ToLower(b)
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body", "<script", "<meta", "<title", "<iframe", "<!--", "<table", "<div", "<form"} {
		if bytes.HasPrefix(lower, []byte(tag)) {
			return tag != "<!--" || bytes.Contains(lower, []byte("<html")) || bytes.Contains(lower, []byte("<body"))
		}
	}
	return false
}

// contained are the declared types whose files begin like those of another.
var contained = map[string][]string{
	"application/zip":                   {"zip", "officedocument", "opendocument", "jar", "java-archive", "android", "epub", "ms-excel", "msword", "powerpoint", "xps", "kmz"},
	oleType:                             {"ms-", "msword", "excel", "powerpoint", "visio", "msi", "hwp", "ole", "jtd", "ichitaro", "justsystem"},
	"application/gzip":                  {"gzip", "tar", "tgz", "svg"},
	"application/rtf":                   {"rtf"},
	"application/pdf":                   {"pdf", "illustrator", "postscript"},
	"application/vnd.rar":               {"rar"},
	"image/heic":                        {"heic", "heif", "avif"},
	"image/bmp":                         {"bmp"},
	"image/jpeg":                        {"jpeg", "jpg"},
	"image/png":                         {"png"},
	"application/x-7z-compressed":       {"7z"},
	"application/x-bzip2":               {"bz"},
	"application/x-lzh":                 {"lzh", "lha"},
	"application/x-tar":                 {"tar"},
	"application/onenote":               {"onenote", "msonenote"},
	"application/x-mach-binary":         {"java", "mach"},
	"application/vnd.ms-htmlhelp":       {"htmlhelp", "chm"},
	"application/x-ms-shortcut":         {"shortcut", "lnk"},
	"application/x-iso9660-image":       {"iso", "cd-image"},
	"application/vnd.ms-outlook-pst":    {"pst"},
	"application/vnd.ms-cab-compressed": {"cab"},
}

// unsaid are declared types that say nothing.
func unsaid(t string) bool {
	switch t {
	case "", "application/octet-stream", "application/x-unknown", "application/unknown", "unknown/unknown", "application/x-download",
		"application/force-download", "application/download", "binary/octet-stream", "application/binary", "file/unknown", "application/x-msdownload":
		return true
	}
	return false
}

// correctType sets the media type to what the bytes are where the declared one
// says nothing or lies crudely.
func (s *scope) correctType(p *Part) {
	is := magic(p.Data)
	ext := extension(p.Name)
	switch {
	case is == "" && ext == "eml" && p.MediaType != "message/rfc822" && likeHeader(p.Data):
		is = "message/rfc822"
	case is == "" && unsaid(p.MediaType) && likeHTML(p.Data),
		is == "" && ext != "" && strings.Contains(" htm html shtml xhtml hta ", " "+ext+" ") && p.MediaType != "text/html" && (unsaid(p.MediaType) || likeHTML(p.Data)):
		is = "text/html"
	case is == "" && unsaid(p.MediaType) && ext == "svg":
		is = "image/svg+xml"
	case is == "" && unsaid(p.MediaType) && p.Declared != "" && ext == "ics" && bytes.Contains(p.Data[:min(len(p.Data), 256)], []byte("BEGIN:VCALENDAR")):
		is = "text/calendar"
	case is == "" && p.MediaType == "text/plain" && p.Declared == "" && likeHTML(p.Data):
		is = "text/html"
	case is == "" && (ext == "txt" || ext == "csv" || ext == "log") && unsaid(p.MediaType) && bytes.IndexByte(p.Data[:min(len(p.Data), 1024)], 0) < 0:
		is = "text/plain"
	}
	if is == "" || is == p.MediaType {
		return
	}
	for _, fits := range contained[is] {
		if strings.Contains(p.MediaType, fits) {
			return
		}
	}
	if !unsaid(p.Declared) && is != "message/rfc822" && is != msgType {
		s.repair("mail.repair_type_lie", p.Path, p.Declared)
	}
	p.MediaType = is
}

// extension is what follows the last dot of a file name, lower case.
func extension(name string) string {
	name = strings.TrimRight(name, " .\u3000")
	i := strings.LastIndexByte(name, '.')
	if i < 0 || len(name)-i > 12 {
		return ""
	}
	return strings.ToLower(name[i+1:])
}

func isText(mediaType string) bool {
	return strings.HasPrefix(mediaType, "text/") || mediaType == "application/xhtml+xml" || mediaType == "image/svg+xml" ||
		mediaType == "message/delivery-status" || mediaType == "message/disposition-notification" || mediaType == "message/feedback-report" ||
		mediaType == "application/ics"
}

// likeHeader reports whether bytes begin with a mail's header.
func likeHeader(b []byte) bool {
	at, named := 0, 0
	for range 12 {
		if at >= len(b) {
			break
		}
		end, next, _ := lineAt(b, at)
		line := b[at:end]
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			if named > 0 {
				return true
			}
		case at == 0 && mboxLine(line), line[0] == ' ' || line[0] == '\t':
		default:
			n := fieldName(line)
			if n == 0 {
				if named > 0 && goesOn(b, next) {
					break
				}
				return named > 1
			}
			if knownField(string(line[:n])) {
				named++
			} else if bytes.HasPrefix(bytes.ToLower(line), []byte("x-")) && named > 0 {
				named++
			}
		}
		at = next
	}
	return named > 0
}
