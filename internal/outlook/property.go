// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"teiten/internal/charset"
)

// Types of properties (MS-OXCDATA, section 2.11.1).
const (
	ptInteger16 = 0x0002
	ptInteger32 = 0x0003
	ptBoolean   = 0x000B
	ptObject    = 0x000D
	ptString8   = 0x001E
	ptUnicode   = 0x001F
	ptTime      = 0x0040
	ptBinary    = 0x0102
	ptMultiple  = 0x1000
)

// Properties (MS-OXPROPS, section 2), by what they are called in MAPI.
const (
	prMessageClass           = 0x001A
	prSubject                = 0x0037
	prClientSubmitTime       = 0x0039
	prSentRepresentingKey    = 0x003B
	prSubjectPrefix          = 0x003D
	prSentRepresentingEntry  = 0x0041
	prSentRepresentingName   = 0x0042
	prReplyRecipientEntries  = 0x004F
	prReplyRecipientNames    = 0x0050
	prSentRepresentingType   = 0x0064
	prSentRepresentingAddr   = 0x0065
	prConversationTopic      = 0x0070
	prReceivedByAddrType     = 0x0075
	prReceivedByAddress      = 0x0076
	prTransportHeaders       = 0x007D
	prRecipientType          = 0x0C15
	prSenderEntry            = 0x0C19
	prSenderName             = 0x0C1A
	prSenderKey              = 0x0C1D
	prSenderAddrType         = 0x0C1E
	prSenderAddress          = 0x0C1F
	prDisplayBcc             = 0x0E02
	prDisplayCc              = 0x0E03
	prDisplayTo              = 0x0E04
	prDeliveryTime           = 0x0E06
	prNormalizedSubject      = 0x0E1D
	prBody                   = 0x1000
	prRTFCompressed          = 0x1009
	prHTML                   = 0x1013
	prMessageID              = 0x1035
	prReferences             = 0x1039
	prInReplyTo              = 0x1042
	prDisplayName            = 0x3001
	prAddrType               = 0x3002
	prEmailAddress           = 0x3003
	prSearchKey              = 0x300B
	prAttachData             = 0x3701
	prAttachFilename         = 0x3704
	prAttachMethod           = 0x3705
	prAttachLongFilename     = 0x3707
	prAttachPathname         = 0x3708
	prAttachLongPathname     = 0x370D
	prAttachMIMETag          = 0x370E
	prAttachContentID        = 0x3712
	prAttachFlags            = 0x3714
	prSMTPAddress            = 0x39FE
	prEntry                  = 0x0FFF
	prInternetCodePage       = 0x3FDE
	prMessageCodePage        = 0x3FFD
	prSenderSMTP             = 0x5D01
	prSentRepresentingSMTP   = 0x5D02
	prRecipientDisplayName   = 0x5FF6
	prRecipientEntry         = 0x5FF7
	prAttachmentHidden       = 0x7FFE
	prNamed                  = 0x8000 // and above
	attachByReference        = 2      // to 4: a path; 7: a web address
	attachEmbedded           = 5
	attachOLE                = 6
	attachByWebReference     = 7
	attachRenderedInBody     = 4 // a flag of prAttachFlags
	recipientCc              = 2
	recipientBcc             = 3
	recipientTypeMask        = 0x0F // above are flags, such as "sent already"
	windowsEpochToUnix100ns  = 116444736000000000
	latestPlausibleUnixYears = 400
)

// bag holds the properties of one message, recipient or attachment. A property
// is asked for by tag: its number in the upper half, its type in the lower.
// What get returns counts as produced.
type bag struct {
	s     *session
	notes *notes
	where string
	page  string // character set of the 8-bit strings, "" if unknown
	get   func(tag uint32) ([]byte, bool)
}

func tag(id uint16, kind uint16) uint32 { return uint32(id)<<16 | uint32(kind) }

// text returns a string property in whatever form it is there, cut at the NULs
// that end it.
func (b *bag) text(id uint16) string {
	if raw, ok := b.get(tag(id, ptUnicode)); ok {
		if len(raw)%2 != 0 {
			b.notes.add("outlook.repair_string", b.name(id))
		}
		return strings.TrimRight(b.utf16(raw), "\x00")
	}
	raw, ok := b.get(tag(id, ptString8))
	if !ok {
		return ""
	}
	return b.narrow(raw, id)
}

func (b *bag) narrow(raw []byte, id uint16) string {
	for len(raw) > 0 && raw[len(raw)-1] == 0 {
		raw = raw[:len(raw)-1]
	}
	text, lied := b.decode(raw, b.page)
	if lied {
		b.notes.add("outlook.repair_charset", b.name(id))
	}
	return text
}

// decode turns bytes into text, and reports whether the declared character set
// was wrong.
func (b *bag) decode(raw []byte, declared string) (string, bool) {
	if ascii(raw) && !stateful(declared) {
		return string(raw), false
	}
	t := charset.Decode(raw, declared)
	return t.Text, t.Lied
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 || c == 0x1B {
			return false
		}
	}
	return true
}

// stateful tells of the character sets that write more than ASCII in ASCII
// bytes without an escape byte.
func stateful(name string) bool {
	return strings.EqualFold(name, "UTF-7") || strings.EqualFold(name, "HZ-GB-2312") || strings.HasPrefix(strings.ToUpper(name), "UTF-16")
}

func (b *bag) utf16(raw []byte) string {
	var out strings.Builder
	out.Grow(len(raw) / 2)
	for i := 0; i+1 < len(raw); i += 2 {
		r := rune(binary.LittleEndian.Uint16(raw[i:]))
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if i+3 < len(raw) {
				low = rune(binary.LittleEndian.Uint16(raw[i+2:]))
			}
			if r = utf16.DecodeRune(r, low); r != 0xFFFD {
				i += 2
			}
		}
		out.WriteRune(r)
	}
	return out.String()
}

func (b *bag) binary(id uint16) []byte {
	raw, _ := b.get(tag(id, ptBinary))
	return raw
}

// number returns an integer or boolean property.
func (b *bag) number(id uint16) (uint32, bool) {
	for _, kind := range []uint16{ptInteger32, ptBoolean, ptInteger16} {
		raw, ok := b.get(tag(id, kind))
		if !ok {
			continue
		}
		switch {
		case kind == ptInteger32 && len(raw) >= 4:
			return binary.LittleEndian.Uint32(raw), true
		case len(raw) >= 2:
			return uint32(binary.LittleEndian.Uint16(raw)), true
		}
	}
	return 0, false
}

// time returns a time property, zero if it is missing or says nothing likely.
func (b *bag) time(id uint16) time.Time {
	raw, ok := b.get(tag(id, ptTime))
	if !ok || len(raw) < 8 {
		return time.Time{}
	}
	t := int64(binary.LittleEndian.Uint64(raw))
	// "Never" and "unknown" are written as the largest numbers there are
	// (MS-OXCDATA, section 2.11.1), and 0 is 1601.
	if t <= 0 || t/1e7 > latestPlausibleUnixYears*2*366*86400 {
		return time.Time{}
	}
	t -= windowsEpochToUnix100ns
	return time.Unix(t/1e7, t%1e7*100).UTC()
}

// codePage is the name of the character set that a number property says.
func (b *bag) codePage(id uint16) string {
	n, ok := b.number(id)
	if !ok || n > 1<<16 {
		return ""
	}
	return charset.CodePage(int(n))
}

func (b *bag) name(id uint16) string {
	name := strings.ToUpper(strconv.FormatUint(uint64(id)+0x10000, 16))[1:]
	if b.where == "" {
		return name
	}
	return b.where + "/" + name
}
