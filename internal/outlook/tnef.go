// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"

	"teiten/internal/charset"
	"teiten/internal/fault"
)

var tnefSignature = []byte{0x78, 0x9F, 0x3E, 0x22}

// Attributes (MS-OXTNEF, section 2.1.3.2 and following).
const (
	attFrom              = 0x00008000
	attSubject           = 0x00018004
	attDateSent          = 0x00038005
	attDateReceived      = 0x00038006
	attMessageClass      = 0x00078008
	attMessageID         = 0x00018009
	attBody              = 0x0002800C
	attAttachData        = 0x0006800F
	attAttachTitle       = 0x00018010
	attTransportFilename = 0x00069001
	attRendData          = 0x00069002
	attMessageProperties = 0x00069003
	attRecipientTable    = 0x00069004
	attAttachment        = 0x00069005
	attOEMCodePage       = 0x00069007

	levelMessage    = 1
	levelAttachment = 2
)

// IsTNEF reports whether the bytes begin with TNEF's signature.
func IsTNEF(b []byte) bool { return bytes.HasPrefix(b, tnefSignature) }

// ReadTNEF reads a winmail.dat. An error is a fault: of kind Invalid for what
// is none ("outlook.not_tnef"), TooLarge beyond the limits.
func ReadTNEF(b []byte, limits Limits) (*Item, error) {
	if !IsTNEF(b) || len(b) < 6 {
		return nil, fault.New(fault.Invalid, "outlook.not_tnef")
	}
	s := newSession(limits)
	item := readTNEF(b, s, 0)
	if s.err != nil {
		return nil, s.err
	}
	return item, nil
}

// attribute is a row of the file.
type attribute struct {
	level byte
	id    uint32
	data  []byte
}

// tnefPart is what one attachment says in attributes of its own.
type tnefPart struct {
	title, transport []byte
	data             []byte
	hasData          bool
	properties       []byte
}

func readTNEF(b []byte, s *session, depth int) *Item {
	n := &notes{}
	var (
		message tnefMessage
		parts   []*tnefPart
	)
	part := func() *tnefPart {
		if len(parts) == 0 {
			// An attachment begins with attRendData, which is missing here.
			n.add("outlook.repair_attribute", "attAttachRenddata")
			if !s.part() {
				return nil
			}
			parts = append(parts, &tnefPart{})
		}
		return parts[len(parts)-1]
	}
	rest := b[6:]
	for len(rest) > 0 && s.err == nil {
		a, next, ok := nextAttribute(rest, n)
		if !ok {
			break
		}
		rest = next
		if a.level == levelMessage {
			message.take(a)
			continue
		}
		if a.id == attRendData {
			if s.part() {
				parts = append(parts, &tnefPart{})
			}
			continue
		}
		p := part()
		if p == nil {
			break
		}
		switch a.id {
		case attAttachTitle:
			p.title = a.data
		case attTransportFilename:
			p.transport = a.data
		case attAttachData:
			p.data, p.hasData = a.data, true
		case attAttachment:
			p.properties = a.data
		}
	}
	item := &Item{}
	page := message.fill(item, s, n)
	for _, p := range parts {
		if s.err != nil {
			break
		}
		item.Attachments = append(item.Attachments, p.attachment(page, depth, s, n))
	}
	item.Repairs = n.list
	return item
}

// nextAttribute reads level, id, length, data and checksum.
func nextAttribute(b []byte, n *notes) (a attribute, rest []byte, ok bool) {
	if len(b) < 9 || b[0] != levelMessage && b[0] != levelAttachment {
		// Gateways add line breaks and padding: what is left of them is no
		// attribute.
		if len(bytes.Trim(b, "\x00\r\n\t ")) > 0 {
			n.add("outlook.repair_trailing", "")
		}
		return a, nil, false
	}
	a.level, a.id = b[0], binary.LittleEndian.Uint32(b[1:])
	size := int64(binary.LittleEndian.Uint32(b[5:]))
	b = b[9:]
	if size > int64(len(b)) {
		n.add("outlook.repair_truncated", attributeName(a.id))
		a.data = b
		return a, nil, true
	}
	a.data, b = b[:size:size], b[size:]
	if len(b) < 2 {
		n.add("outlook.repair_truncated", attributeName(a.id))
		return a, nil, true
	}
	sum := uint16(0)
	for _, c := range a.data {
		sum += uint16(c)
	}
	if sum != binary.LittleEndian.Uint16(b) {
		n.add("outlook.repair_checksum", attributeName(a.id))
	}
	return a, b[2:], true
}

func attributeName(id uint32) string {
	switch id {
	case attFrom:
		return "attFrom"
	case attSubject:
		return "attSubject"
	case attMessageClass:
		return "attMessageClass"
	case attBody:
		return "attBody"
	case attAttachData:
		return "attAttachData"
	case attAttachTitle:
		return "attAttachTitle"
	case attMessageProperties:
		return "attMsgProps"
	case attRecipientTable:
		return "attRecipTable"
	case attAttachment:
		return "attAttachment"
	case attOEMCodePage:
		return "attOemCodepage"
	}
	return "TNEF"
}

// tnefMessage is what a message says in attributes of its own. They come
// before the properties, which say the same more fully.
type tnefMessage struct {
	page, class, subject, id, body, from, properties, recipients []byte
	sent, received                                               []byte
}

func (m *tnefMessage) take(a attribute) {
	into := map[uint32]*[]byte{
		attOEMCodePage: &m.page, attMessageClass: &m.class, attSubject: &m.subject, attMessageID: &m.id,
		attBody: &m.body, attFrom: &m.from, attMessageProperties: &m.properties, attRecipientTable: &m.recipients,
		attDateSent: &m.sent, attDateReceived: &m.received,
	}[a.id]
	// The first one counts, except that some programs write an empty one first.
	if into != nil && len(*into) == 0 {
		*into = a.data
	}
}

func (m *tnefMessage) fill(item *Item, s *session, n *notes) (page string) {
	values, _, fine := parseProperties(m.properties, n, s)
	if !fine && len(m.properties) > 0 {
		n.add("outlook.repair_properties", "attMsgProps")
	}
	b := values.bag(s, n, "attMsgProps")
	if len(m.page) >= 4 {
		b.page = charset.CodePage(int(binary.LittleEndian.Uint32(m.page) & 0xFFFFFF))
	}
	if b.page == "" {
		if b.page = b.codePage(prMessageCodePage); b.page == "" {
			b.page = b.codePage(prInternetCodePage)
		}
	}
	plain := func(raw []byte) string {
		if !s.spend(len(raw)) {
			return ""
		}
		return b.narrow(raw, 0)
	}
	// The plain body is an attribute and no property.
	if len(m.body) > 0 {
		item.Text = plain(m.body)
	}
	text := item.Text
	fill(item, b)
	if text != "" && (item.Text == "" || item.FromRTF && item.HTML == nil) {
		item.Text = text
	}
	if item.Subject == "" {
		item.Subject = plain(m.subject)
	}
	if item.Class == "" {
		item.Class = mapiClass(plain(m.class))
	}
	if item.Date.IsZero() {
		if item.Date = tnefTime(m.sent); item.Date.IsZero() {
			item.Date = tnefTime(m.received)
		}
	}
	if name, address := tripel(m.from); item.From == "" {
		if item.FromName == "" {
			item.FromName = plain(name)
		}
		if a := clean(plain(address)); smtp(a) {
			item.From = a
		}
	}
	item.Fields = values.fields(b)
	fillRecipients(item, b, m.table(b, s, n))
	return b.page
}

// table reads the rows of the recipients, which are properties each.
func (m *tnefMessage) table(b *bag, s *session, n *notes) []recipient {
	var all []recipient
	raw := m.recipients
	if len(raw) < 4 {
		return nil
	}
	count := binary.LittleEndian.Uint32(raw)
	raw = raw[4:]
	for range count {
		if len(raw) < 4 {
			n.add("outlook.repair_truncated", "attRecipTable")
			break
		}
		if !s.part() {
			break
		}
		values, rest, fine := parseProperties(raw, n, s)
		row := values.bag(s, n, "attRecipTable")
		row.page = b.page
		all = append(all, readRecipient(row))
		if !fine {
			n.add("outlook.repair_properties", "attRecipTable")
			break
		}
		raw = rest
	}
	return all
}

// attachment puts an attachment together. Its title is a name of 8.3
// characters where the program was old, so that properties come first.
func (p *tnefPart) attachment(page string, depth int, s *session, n *notes) Attachment {
	values, _, fine := parseProperties(p.properties, n, s)
	if !fine && len(p.properties) > 0 {
		n.add("outlook.repair_properties", "attAttachment")
	}
	b := values.bag(s, n, "attAttachment")
	b.page = page
	a := describe(b)
	for _, name := range [][]byte{p.title, p.transport} {
		if b.text(prAttachLongFilename) == "" && b.text(prAttachFilename) == "" && len(name) > 0 {
			if t := b.narrow(name, 0); t != "" {
				a.Name = t
				break
			}
		}
	}
	method, _ := b.number(prAttachMethod)
	object, isObject := values[tag(prAttachData, ptObject)]
	if isObject && len(object) >= 16 {
		inside := object[16:] // after the kind of interface
		if IsTNEF(inside) && len(inside) >= 6 {
			if s.enter(depth + 1) {
				a.Item = readTNEF(inside, s, depth+1)
			}
			return a
		}
		if !p.hasData && s.spend(len(inside)) {
			a.OLE = true
			a.Data = inside
			p.unpack(&a, s, n, b)
			return a
		}
	}
	data := p.data
	if !p.hasData {
		raw, ok := values[tag(prAttachData, ptBinary)]
		if !ok && a.Link == "" {
			n.add("outlook.repair_attachment", a.Name)
		}
		data = raw
	}
	if !s.spend(len(data)) {
		return a
	}
	a.Data = data
	if a.OLE = method == attachOLE; a.OLE {
		p.unpack(&a, s, n, b)
	}
	return a
}

// unpack takes the file out of an embedded object, if it is a compound file.
func (p *tnefPart) unpack(a *Attachment, s *session, n *notes, b *bag) {
	if !IsMsg(a.Data) {
		return
	}
	c, err := openCompound(a.Data, s, &notes{})
	if err != nil {
		n.add("outlook.repair_attachment", a.Name)
		return
	}
	root := c.entry(0)
	object := &Storage{}
	for _, e := range c.list(root) {
		switch {
		case e.kind == typeStorage:
			object.Storages = append(object.Storages, &Storage{Name: e.name})
		case e.name == "\x01Ole10Native" || e.name == "Package" || e.name == "CONTENTS":
			object.Streams = append(object.Streams, Stream{e.name, c.read(e)})
		}
	}
	if data := innerFile(a, object, b); data != nil {
		a.Data = data
	}
}

// mapiClass gives the class of a message as MAPI names it (MS-OXTNEF, 2.1.3.3.2).
func mapiClass(class string) string {
	switch class {
	case "IPM.Microsoft Mail.Note":
		return "IPM.Note"
	case "IPM.Microsoft Mail.Read Receipt":
		return "Report.IPM.Note.IPNRN"
	case "IPM.Microsoft Mail.Non-Delivery":
		return "Report.IPM.Note.NDR"
	case "IPM.Microsoft Schedule.MtgReq":
		return "IPM.Schedule.Meeting.Request"
	case "IPM.Microsoft Schedule.MtgRespP":
		return "IPM.Schedule.Meeting.Resp.Pos"
	case "IPM.Microsoft Schedule.MtgRespN":
		return "IPM.Schedule.Meeting.Resp.Neg"
	case "IPM.Microsoft Schedule.MtgRespA":
		return "IPM.Schedule.Meeting.Resp.Tent"
	case "IPM.Microsoft Schedule.MtgCncl":
		return "IPM.Schedule.Meeting.Canceled"
	}
	return class
}

// tripel reads who sent it: kind, sizes, name and address (MS-OXTNEF, 2.1.3.3.1).
func tripel(b []byte) (name, address []byte) {
	if len(b) < 8 {
		return nil, nil
	}
	n, m := int(binary.LittleEndian.Uint16(b[4:])), int(binary.LittleEndian.Uint16(b[6:]))
	b = b[8:]
	n = min(n, len(b))
	name, b = b[:n], b[n:]
	return bytes.TrimRight(name, "\x00"), bytes.TrimRight(b[:min(m, len(b))], "\x00")
}

// tnefTime reads year, month, day, hour, minute and second. No zone is said;
// programs write UTC.
func tnefTime(b []byte) time.Time {
	if len(b) < 12 {
		return time.Time{}
	}
	n := func(i int) int { return int(binary.LittleEndian.Uint16(b[2*i:])) }
	if n(0) < 1601 || n(0) > 3000 || n(1) < 1 || n(1) > 12 || n(2) < 1 || n(2) > 31 || n(3) > 23 || n(4) > 59 || n(5) > 60 {
		return time.Time{}
	}
	return time.Date(n(0), time.Month(n(1)), n(2), n(3), n(4), n(5), 0, time.UTC)
}

// fieldName drops what a name of a property ends with.
func fieldName(name string) string { return strings.TrimRight(name, "\x00") }
