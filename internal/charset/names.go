// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package charset

import (
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// kind is how a character set is decoded.
type kind int

const (
	single   kind = iota // a byte a character
	unicode8             // UTF-8
	jis                  // escape sequences of ISO/IEC 2022
	sjis
	euc
	wide16 // UTF-16
	utf7
	hz
	other // pairs of bytes: Chinese, Korean

	declared // of choose: what was declared
)

// set is a character set.
type set struct {
	name  string // IANA's preferred MIME name
	kind  kind
	enc   encoding.Encoding // of single, hz and other
	big   bool              // of wide16: most significant byte first
	latin bool              // of single: letters with accents stand alone among plain ones
}

// sets are those whose labels do not come from the Encoding Standard, or that
// are read by code of this package.
var sets = map[string]*set{
	"UTF-8":          {name: "UTF-8", kind: unicode8},
	"UTF-7":          {name: "UTF-7", kind: utf7},
	"UTF-16":         {name: "UTF-16", kind: wide16, big: true}, // RFC 2781, section 4.3
	"UTF-16BE":       {name: "UTF-16BE", kind: wide16, big: true},
	"UTF-16LE":       {name: "UTF-16LE", kind: wide16},
	"US-ASCII":       {name: "US-ASCII", kind: single, enc: charmap.Windows1252, latin: true},
	"ISO-2022-JP":    {name: "ISO-2022-JP", kind: jis},
	"ISO-2022-KR":    {name: "ISO-2022-KR", kind: jis},
	"ISO-2022-CN":    {name: "ISO-2022-CN", kind: jis},
	"Shift_JIS":      {name: "Shift_JIS", kind: sjis},
	"EUC-JP":         {name: "EUC-JP", kind: euc},
	"HZ-GB-2312":     {name: "HZ-GB-2312", kind: hz, enc: simplifiedchinese.HZGB2312},
	"GB18030":        {name: "GB18030", kind: other, enc: simplifiedchinese.GB18030},
	"Big5":           {name: "Big5", kind: other, enc: traditionalchinese.Big5},
	"EUC-KR":         {name: "EUC-KR", kind: other, enc: korean.EUCKR},
	"KOI8-R":         {name: "KOI8-R", kind: single, enc: charmap.KOI8R},
	"KOI8-U":         {name: "KOI8-U", kind: single, enc: charmap.KOI8U},
	"ISO-8859-1":     {name: "ISO-8859-1", kind: single, enc: charmap.Windows1252, latin: true},
	"ISO-8859-2":     {name: "ISO-8859-2", kind: single, enc: charmap.ISO8859_2, latin: true},
	"ISO-8859-3":     {name: "ISO-8859-3", kind: single, enc: charmap.ISO8859_3, latin: true},
	"ISO-8859-4":     {name: "ISO-8859-4", kind: single, enc: charmap.ISO8859_4, latin: true},
	"ISO-8859-5":     {name: "ISO-8859-5", kind: single, enc: charmap.ISO8859_5},
	"ISO-8859-6":     {name: "ISO-8859-6", kind: single, enc: charmap.ISO8859_6},
	"ISO-8859-7":     {name: "ISO-8859-7", kind: single, enc: charmap.ISO8859_7},
	"ISO-8859-8":     {name: "ISO-8859-8", kind: single, enc: charmap.ISO8859_8},
	"ISO-8859-9":     {name: "ISO-8859-9", kind: single, enc: charmap.Windows1254, latin: true},
	"ISO-8859-10":    {name: "ISO-8859-10", kind: single, enc: charmap.ISO8859_10, latin: true},
	"ISO-8859-13":    {name: "ISO-8859-13", kind: single, enc: charmap.ISO8859_13, latin: true},
	"ISO-8859-14":    {name: "ISO-8859-14", kind: single, enc: charmap.ISO8859_14, latin: true},
	"ISO-8859-15":    {name: "ISO-8859-15", kind: single, enc: charmap.ISO8859_15, latin: true},
	"ISO-8859-16":    {name: "ISO-8859-16", kind: single, enc: charmap.ISO8859_16, latin: true},
	"windows-874":    {name: "windows-874", kind: single, enc: charmap.Windows874},
	"windows-1250":   {name: "windows-1250", kind: single, enc: charmap.Windows1250, latin: true},
	"windows-1251":   {name: "windows-1251", kind: single, enc: charmap.Windows1251},
	"windows-1252":   {name: "windows-1252", kind: single, enc: charmap.Windows1252, latin: true},
	"windows-1253":   {name: "windows-1253", kind: single, enc: charmap.Windows1253},
	"windows-1254":   {name: "windows-1254", kind: single, enc: charmap.Windows1254, latin: true},
	"windows-1255":   {name: "windows-1255", kind: single, enc: charmap.Windows1255},
	"windows-1256":   {name: "windows-1256", kind: single, enc: charmap.Windows1256},
	"windows-1257":   {name: "windows-1257", kind: single, enc: charmap.Windows1257, latin: true},
	"windows-1258":   {name: "windows-1258", kind: single, enc: charmap.Windows1258, latin: true},
	"IBM437":         {name: "IBM437", kind: single, enc: charmap.CodePage437},
	"IBM850":         {name: "IBM850", kind: single, enc: charmap.CodePage850},
	"IBM852":         {name: "IBM852", kind: single, enc: charmap.CodePage852},
	"IBM855":         {name: "IBM855", kind: single, enc: charmap.CodePage855},
	"IBM00858":       {name: "IBM00858", kind: single, enc: charmap.CodePage858},
	"IBM860":         {name: "IBM860", kind: single, enc: charmap.CodePage860},
	"IBM862":         {name: "IBM862", kind: single, enc: charmap.CodePage862},
	"IBM863":         {name: "IBM863", kind: single, enc: charmap.CodePage863},
	"IBM865":         {name: "IBM865", kind: single, enc: charmap.CodePage865},
	"IBM866":         {name: "IBM866", kind: single, enc: charmap.CodePage866},
	"macintosh":      {name: "macintosh", kind: single, enc: charmap.Macintosh, latin: true},
	"x-mac-cyrillic": {name: "x-mac-cyrillic", kind: single, enc: charmap.MacintoshCyrillic},
}

// aliases are spellings seen in mail, lower case and without punctuation,
// beyond those that are a name above without its punctuation.
var aliases = map[string]string{
	"ascii": "US-ASCII", "usascii": "US-ASCII", "us": "US-ASCII", "ansix341968": "US-ASCII", "iso646us": "US-ASCII",
	"ibm367": "US-ASCII", "cp367": "US-ASCII", "646": "US-ASCII", "7bit": "US-ASCII",
	"utf": "UTF-8", "unicode": "UTF-8", "unicode11utf8": "UTF-8", "cp65001": "UTF-8", "utf8mb4": "UTF-8", "utf08": "UTF-8",
	"unicode20utf8": "UTF-8", "utf8bom": "UTF-8", "utf8n": "UTF-8", "uft8": "UTF-8", "iso10646utf8": "UTF-8", "wtf8": "UTF-8",
	"unicode11utf7": "UTF-7", "unicode20utf7": "UTF-7", "cp65000": "UTF-7", "xunicode20utf7": "UTF-7",
	"ucs2": "UTF-16", "iso10646ucs2": "UTF-16", "ucs2be": "UTF-16BE", "ucs2le": "UTF-16LE", "cp1200": "UTF-16LE", "cp1201": "UTF-16BE",
	"unicodefffe": "UTF-16BE",
	"jis":         "ISO-2022-JP", "iso2022": "ISO-2022-JP", "csiso2022jp": "ISO-2022-JP", "iso2022jp1": "ISO-2022-JP",
	"iso2022jp2": "ISO-2022-JP", "iso2022jp3": "ISO-2022-JP", "iso2022jp2004": "ISO-2022-JP", "iso2022jpms": "ISO-2022-JP",
	"iso2022jpext": "ISO-2022-JP", "csiso2022jp2": "ISO-2022-JP", "cp50220": "ISO-2022-JP", "cp50221": "ISO-2022-JP",
	"cp50222": "ISO-2022-JP", "cp50220raw": "ISO-2022-JP", "xiso2022jp": "ISO-2022-JP", "xwindows50220": "ISO-2022-JP",
	"xwindows50221": "ISO-2022-JP", "xwindowsiso2022jp": "ISO-2022-JP", "iso2002jp": "ISO-2022-JP", "iso202jp": "ISO-2022-JP",
	"iso2022jis": "ISO-2022-JP", "jis7": "ISO-2022-JP", "jis8": "ISO-2022-JP", "jisencoding": "ISO-2022-JP",
	"csjisencoding": "ISO-2022-JP", "iso2022jpandroid": "ISO-2022-JP", "is02022jp": "ISO-2022-JP", "iso2022jpcp932": "ISO-2022-JP",
	"2022jp": "ISO-2022-JP", "iso2022kr1": "ISO-2022-KR", "csiso2022kr": "ISO-2022-KR", "cp50225": "ISO-2022-KR",
	"iso2022cnext": "ISO-2022-CN",
	"sjis":         "Shift_JIS", "xsjis": "Shift_JIS", "shiftjs": "Shift_JIS", "sjs": "Shift_JIS", "mskanji": "Shift_JIS",
	"csshiftjis": "Shift_JIS", "cp932": "Shift_JIS", "windows31j": "Shift_JIS", "cswindows31j": "Shift_JIS", "ms932": "Shift_JIS",
	"windows932": "Shift_JIS", "xms932": "Shift_JIS", "xmscp932": "Shift_JIS", "ibm932": "Shift_JIS", "ibm943": "Shift_JIS",
	"cp943": "Shift_JIS", "cp943c": "Shift_JIS", "932": "Shift_JIS", "sjiswin": "Shift_JIS", "sjisopen": "Shift_JIS",
	"sjismac": "Shift_JIS", "xmacjapanese": "Shift_JIS", "macjapanese": "Shift_JIS", "pck": "Shift_JIS", "shitjis": "Shift_JIS",
	"sjift": "Shift_JIS", "xshiftjis": "Shift_JIS", "shiftjisms": "Shift_JIS", "sjisdocomo": "Shift_JIS", "sjiskddi": "Shift_JIS",
	"sjissoftbank": "Shift_JIS", "shiftjisx0213": "Shift_JIS", "shiftjis2004": "Shift_JIS", "sihftjis": "Shift_JIS",
	"euc": "EUC-JP", "xeuc": "EUC-JP", "xeucjp": "EUC-JP", "ujis": "EUC-JP", "cp51932": "EUC-JP", "eucjpms": "EUC-JP",
	"eucjpwin": "EUC-JP", "cseucpkdfmtjapanese": "EUC-JP", "cseucjpkdfmtjapanese": "EUC-JP", "cp20932": "EUC-JP",
	"extendedunixcodepackedformatforjapanese": "EUC-JP", "eucj": "EUC-JP", "japaneseeuc": "EUC-JP", "eucjapanese": "EUC-JP",
	"eucjisx0213": "EUC-JP", "eucjis2004": "EUC-JP", "ajec": "EUC-JP", "51932": "EUC-JP",
	"gb2312": "GB18030", "gbk": "GB18030", "xgbk": "GB18030", "cp936": "GB18030", "ms936": "GB18030", "euccn": "GB18030",
	"csgb2312": "GB18030", "gb231280": "GB18030", "windows936": "GB18030", "chinese": "GB18030", "cngb": "GB18030",
	"csgb18030": "GB18030", "cp54936": "GB18030", "xeuccn": "GB18030", "gb": "GB18030", "csiso58gb231280": "GB18030",
	"hz": "HZ-GB-2312", "cp52936": "HZ-GB-2312",
	"cp950": "Big5", "windows950": "Big5", "cnbig5": "Big5", "csbig5": "Big5", "xxbig5": "Big5", "big5hkscs": "Big5", "big5eten": "Big5",
	"ksc5601": "EUC-KR", "ksc56011987": "EUC-KR", "ksc56011989": "EUC-KR", "ksx1001": "EUC-KR", "cp949": "EUC-KR", "ms949": "EUC-KR",
	"windows949": "EUC-KR", "cseuckr": "EUC-KR", "korean": "EUC-KR", "uhc": "EUC-KR", "xwindows949": "EUC-KR", "5601": "EUC-KR",
	"koi8": "KOI8-R", "koi": "KOI8-R", "cskoi8r": "KOI8-R", "cp20866": "KOI8-R", "koi8ru": "KOI8-U", "cp21866": "KOI8-U",
	"latin1": "ISO-8859-1", "l1": "ISO-8859-1", "88591": "ISO-8859-1", "iso8859": "ISO-8859-1", "csisolatin1": "ISO-8859-1",
	"cp819": "ISO-8859-1", "ibm819": "ISO-8859-1", "iso88591windows30latin1": "ISO-8859-1", "iso885911": "windows-874", "tis620": "windows-874",
	"latin2": "ISO-8859-2", "latin3": "ISO-8859-3", "latin4": "ISO-8859-4", "cyrillic": "ISO-8859-5", "arabic": "ISO-8859-6",
	"greek": "ISO-8859-7", "hebrew": "ISO-8859-8", "latin5": "ISO-8859-9", "latin6": "ISO-8859-10", "latin9": "ISO-8859-15",
	"iso88598i": "ISO-8859-8", "iso88598e": "ISO-8859-8", "iso88596i": "ISO-8859-6", "iso88596e": "ISO-8859-6",
	"mac": "macintosh", "macroman": "macintosh", "xmacroman": "macintosh", "cp10000": "macintosh", "cp10001": "Shift_JIS",
}

// names are all spellings, without punctuation.
var names = sync.OnceValue(func() map[string]*set {
	all := make(map[string]*set, len(sets)+len(aliases)+64)
	for name, s := range sets {
		all[squeeze(name)] = s
	}
	for alias, name := range aliases {
		all[alias] = sets[name]
	}
	for n := 1250; n <= 1258; n++ {
		for _, prefix := range []string{"cp", "win", "ms", "xcp", "windowscp", "ansi", ""} {
			all[prefix+strconv.Itoa(n)] = sets["windows-"+strconv.Itoa(n)]
		}
	}
	for _, n := range []string{"437", "850", "852", "855", "860", "862", "863", "865", "866"} {
		all["cp"+n] = sets["IBM"+n]
	}
	all["cp858"] = sets["IBM00858"]
	return all
})

// squeeze leaves letters, in lower case, and digits.
func squeeze(label string) string {
	plain := true
	for i := 0; i < len(label) && plain; i++ {
		c := label[i]
		plain = c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
	}
	if plain {
		return label
	}
	var b strings.Builder
	b.Grow(len(label))
	for i := 0; i < len(label); i++ {
		switch c := label[i]; {
		case c >= 'A' && c <= 'Z':
			b.WriteByte(c + 'a' - 'A')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b.WriteByte(c)
		}
	}
	return b.String()
}

// find returns the set of a label, or nil: "default", "unknown-8bit", "ansi"
// and the like say nothing.
func find(label string) *set {
	switch label {
	case "":
		return nil
	case "utf-8", "UTF-8":
		return sets["UTF-8"]
	}
	if len(label) > 64 {
		return nil
	}
	if s := names()[squeeze(label)]; s != nil {
		return s
	}
	if enc, err := htmlindex.Get(label); err == nil {
		if name, err := htmlindex.Name(enc); err == nil {
			return names()[squeeze(name)]
		}
	}
	return nil
}

// codePages are those whose name is not "windows-" and their number.
var codePages = map[int]string{
	932: "Shift_JIS", 10001: "Shift_JIS", 943: "Shift_JIS",
	50220: "ISO-2022-JP", 50221: "ISO-2022-JP", 50222: "ISO-2022-JP", 51932: "EUC-JP", 20932: "EUC-JP",
	65001: "UTF-8", 65000: "UTF-7", 1200: "UTF-16LE", 1201: "UTF-16BE",
	936: "GB18030", 54936: "GB18030", 51936: "GB18030", 20936: "GB18030", 52936: "HZ-GB-2312", 50227: "ISO-2022-CN",
	949: "EUC-KR", 51949: "EUC-KR", 20949: "EUC-KR", 50225: "ISO-2022-KR", 950: "Big5",
	20127: "US-ASCII", 20866: "KOI8-R", 21866: "KOI8-U", 874: "windows-874", 38598: "ISO-8859-8",
	437: "IBM437", 850: "IBM850", 852: "IBM852", 855: "IBM855", 858: "IBM00858", 860: "IBM860", 862: "IBM862",
	863: "IBM863", 865: "IBM865", 866: "IBM866", 10000: "macintosh", 10007: "x-mac-cyrillic",
}

// CodePage is the name of a Windows code page (932, 50220, 51932, 65001, ...),
// "" for one that is not known.
func CodePage(n int) string {
	if name := codePages[n]; name != "" {
		return name
	}
	name := ""
	switch {
	case n >= 1250 && n <= 1258:
		name = "windows-" + strconv.Itoa(n)
	case n >= 28591 && n <= 28606:
		name = "ISO-8859-" + strconv.Itoa(n-28590)
	}
	if sets[name] == nil {
		return ""
	}
	return name
}
