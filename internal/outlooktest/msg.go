// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlooktest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"teiten/internal/outlook"
)

// value is a property with its tag.
type value struct {
	tag  uint32
	data []byte
}

// properties collects what a message, recipient or attachment says.
type properties struct {
	o    Options
	list []value
}

func (p *properties) text(id uint32, s string) {
	if s == "" {
		return
	}
	kind := uint32(0x1F)
	if p.o.CodePage != 0 {
		kind = 0x1E
	}
	p.list = append(p.list, value{id<<16 | kind, p.o.encode(s)})
}

func (p *properties) binary(id uint32, b []byte) {
	if b != nil {
		p.list = append(p.list, value{id<<16 | 0x102, b})
	}
}

func (p *properties) number(id, n uint32) {
	p.list = append(p.list, value{id<<16 | 3, binary.LittleEndian.AppendUint32(nil, n)})
}

func (p *properties) flag(id uint32, on bool) {
	if on {
		p.list = append(p.list, value{id<<16 | 0xB, []byte{1, 0, 0, 0}})
	}
}

func (p *properties) time(id uint32, t time.Time) {
	if !t.IsZero() {
		p.list = append(p.list, value{id<<16 | 0x40, binary.LittleEndian.AppendUint64(nil, fileTime(t))})
	}
}

func fixed(tag uint32) bool {
	switch tag & 0xFFFF {
	case 3, 0xB, 0x40:
		return true
	}
	return false
}

// stream is the properties stream of a storage (MS-OXMSG, section 2.4).
func (p *properties) into(s *outlook.Storage, header int) {
	b := make([]byte, header)
	for _, v := range p.list {
		b = binary.LittleEndian.AppendUint32(b, v.tag)
		b = binary.LittleEndian.AppendUint32(b, 6)
		if fixed(v.tag) {
			b = append(b, append(slices.Clone(v.data), make([]byte, 8-len(v.data))...)...)
			continue
		}
		size := len(v.data)
		switch v.tag & 0xFFFF {
		case 0x1E:
			size++
		case 0x1F:
			size += 2
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(size))
		b = binary.LittleEndian.AppendUint32(b, 0)
		s.Streams = append(s.Streams, outlook.Stream{Name: fmt.Sprintf("__substg1.0_%08X", v.tag), Data: v.data})
	}
	s.Streams = append(s.Streams, outlook.Stream{Name: "__properties_version1.0", Data: b})
}

// Msg writes a .msg file.
func Msg(item outlook.Item, o Options) []byte { return MsgStorage(item, o).Encode() }

// MsgStorage is the storage of a .msg file, to be changed before it is written.
func MsgStorage(item outlook.Item, o Options) *outlook.Storage {
	root := message(item, o, 32)
	root.Storages = append(root.Storages, names(item.Fields))
	return root
}

func message(item outlook.Item, o Options, header int) *outlook.Storage {
	s := &outlook.Storage{}
	p := messageProperties(item, o)
	p.text(0x1000, item.Text)
	p.into(s, header)
	for i, r := range recipients(item, o) {
		sub := &outlook.Storage{Name: fmt.Sprintf("__recip_version1.0_#%08X", i)}
		r.into(sub, 8)
		s.Storages = append(s.Storages, sub)
	}
	for i, a := range item.Attachments {
		sub := &outlook.Storage{Name: fmt.Sprintf("__attach_version1.0_#%08X", i)}
		p := attachmentProperties(a, o)
		if a.Item != nil {
			inside := message(*a.Item, o, 24)
			inside.Name = "__substg1.0_3701000D"
			sub.Storages = append(sub.Storages, inside)
		} else if a.Link == "" {
			p.binary(0x3701, a.Data)
		}
		p.into(sub, 8)
		s.Storages = append(s.Storages, sub)
	}
	return s
}

// messageProperties are those that .msg and TNEF have in common.
func messageProperties(item outlook.Item, o Options) *properties {
	p := &properties{o: o}
	declared := o.Declared
	if declared == 0 {
		declared = o.CodePage
	}
	if declared != 0 {
		p.number(0x3FFD, uint32(declared))
	}
	p.text(0x001A, item.Class)
	p.text(0x0037, item.Subject)
	p.text(0x007D, item.Headers)
	p.text(0x1035, item.MessageID)
	p.text(0x1039, item.References)
	p.text(0x1042, item.InReplyTo)
	p.time(0x0039, item.Date)
	p.time(0x0E06, item.Delivered)
	p.person(outlook.Person{Name: item.FromName, Address: item.From}, [6]uint32{0x42, 0x64, 0x65, 0x5D02, 0x3B, 0x41})
	sender := outlook.Person{Name: item.SenderName, Address: item.Sender}
	if sender.Address == "" {
		sender = outlook.Person{Name: item.FromName, Address: item.From}
	}
	p.person(sender, [6]uint32{0x0C1A, 0x0C1E, 0x0C1F, 0x5D01, 0x0C1D, 0x0C19})
	if len(item.ReplyTo) > 0 {
		var names []string
		var entries []byte
		for _, r := range item.ReplyTo {
			e := OneOff(r)
			names = append(names, r.Name)
			entries = binary.LittleEndian.AppendUint32(entries, uint32(len(e)))
			entries = append(entries, e...)
			entries = append(entries, make([]byte, -len(e)&3)...)
		}
		flat := binary.LittleEndian.AppendUint32(nil, uint32(len(item.ReplyTo)))
		flat = binary.LittleEndian.AppendUint32(flat, uint32(len(entries)))
		p.binary(0x4F, append(flat, entries...))
		p.text(0x50, strings.Join(names, ";"))
	}
	for i, list := range [3][]outlook.Person{item.Bcc, item.Cc, item.To} {
		var all []string
		for _, r := range list {
			all = append(all, r.Name)
		}
		p.text(0x0E02+uint32(i), strings.Join(all, "; "))
	}
	for i, f := range item.Fields {
		p.text(0x8000+uint32(i), f.Value)
	}
	rtf := o.RTF
	if len(item.HTML) > 0 {
		if o.HTMLInRTF {
			page := o.CodePage
			if page == 0 || page == 65001 {
				page = 932
			}
			rtf = EncapsulateHTML(string(item.HTML), page)
		} else {
			page := map[string]uint32{"": 65001, "Shift_JIS": 932, "ISO-2022-JP": 50220}[item.HTMLCharset]
			p.number(0x3FDE, page)
			p.binary(0x1013, item.HTML)
		}
	}
	if rtf != nil {
		if o.Uncompressed {
			p.binary(0x1009, StoreRTF(rtf))
		} else {
			p.binary(0x1009, CompressRTF(rtf))
		}
	}
	return p
}

// person writes name, kind of address, address, SMTP address, search key and
// entry under six numbers.
func (p *properties) person(who outlook.Person, ids [6]uint32) {
	if who == (outlook.Person{}) {
		return
	}
	p.text(ids[0], who.Name)
	if !p.o.Exchange {
		p.text(ids[1], "SMTP")
		p.text(ids[2], who.Address)
		return
	}
	p.text(ids[1], "EX")
	p.text(ids[2], "/O=EXAMPLE/OU=EXCHANGE/CN=RECIPIENTS/CN=USER")
	switch p.o.SMTPIn {
	case "property":
		p.text(ids[3], who.Address)
	case "key":
		p.binary(ids[4], []byte("SMTP:"+strings.ToUpper(who.Address)+"\x00"))
	case "entry":
		p.binary(ids[5], OneOff(who))
	}
}

// OneOff writes an entry that is no more than name and address
// (MS-OXCDATA, section 2.2.5.1).
func OneOff(p outlook.Person) []byte {
	b := []byte{0, 0, 0, 0, 0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54, 0x02, 0, 0, 1, 0x90}
	return append(b, wide(p.Name+"\x00SMTP\x00"+p.Address+"\x00")...)
}

func recipients(item outlook.Item, o Options) []*properties {
	var all []*properties
	for i, list := range [][]outlook.Person{item.To, item.Cc, item.Bcc} {
		for _, r := range list {
			p := &properties{o: o}
			p.number(0x0C15, uint32(i+1))
			p.person(r, [6]uint32{0x3001, 0x3002, 0x3003, 0x39FE, 0x300B, 0x0FFF})
			all = append(all, p)
		}
	}
	return all
}

func attachmentProperties(a outlook.Attachment, o Options) *properties {
	p := &properties{o: o}
	method := uint32(1)
	switch {
	case a.Item != nil:
		method = 5
	case a.Link != "":
		method = 7
		p.text(0x370D, a.Link)
	case a.OLE:
		method = 6
	}
	p.number(0x3705, method)
	p.text(0x3707, a.Name)
	p.text(0x370E, a.MediaType)
	p.text(0x3712, a.ContentID)
	p.flag(0x7FFE, a.Hidden)
	return p
}

// names writes header fields as named properties (MS-OXMSG, section 2.2.3).
// The values themselves are under 8000 and above.
func names(fields []outlook.Field) *outlook.Storage {
	var entries, text []byte
	for i, f := range fields {
		entries = binary.LittleEndian.AppendUint32(entries, uint32(len(text)))
		entries = binary.LittleEndian.AppendUint32(entries, uint32(i)<<16|3<<1|1)
		name := wide(f.Name)
		text = binary.LittleEndian.AppendUint32(text, uint32(len(name)))
		text = append(text, name...)
		text = append(text, make([]byte, -len(name)&3)...)
	}
	guid := []byte{0x86, 0x03, 0x02, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
	return &outlook.Storage{Name: "__nameid_version1.0", Streams: []outlook.Stream{
		{Name: "__substg1.0_00020102", Data: guid}, {Name: "__substg1.0_00030102", Data: entries}, {Name: "__substg1.0_00040102", Data: text},
	}}
}
