// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlooktest

import (
	"encoding/binary"
	"time"

	"teiten/internal/outlook"
)

// TNEF writes a winmail.dat. Strings are in o.CodePage, in code page 932 where
// that is 0 and an attribute has no Unicode form.
func TNEF(item outlook.Item, o Options) []byte {
	page := o.CodePage
	if page == 0 {
		page = 932
	}
	b := []byte{0x78, 0x9F, 0x3E, 0x22, 0x63, 0x03}
	b = Attribute(b, 1, 0x00089006, []byte{0, 0, 1, 0})
	declared := page
	if o.Declared != 0 {
		declared = o.Declared
	}
	b = Attribute(b, 1, 0x00069007, binary.LittleEndian.AppendUint64(nil, uint64(declared)))
	if item.Class == "IPM.Note" {
		b = Attribute(b, 1, 0x00078008, []byte("IPM.Microsoft Mail.Note\x00"))
	}
	if item.Subject != "" {
		b = Attribute(b, 1, 0x00018004, append(Encode(item.Subject, page), 0))
	}
	if !item.Date.IsZero() {
		b = Attribute(b, 1, 0x00038005, tnefDate(item.Date))
	}
	if item.Text != "" {
		b = Attribute(b, 1, 0x0002800C, append(Encode(item.Text, page), 0))
	}
	p := messageProperties(item, o)
	b = Attribute(b, 1, 0x00069003, p.tnef(item.Fields))
	if rows := recipients(item, o); len(rows) > 0 {
		table := binary.LittleEndian.AppendUint32(nil, uint32(len(rows)))
		for _, r := range rows {
			table = append(table, r.tnef(nil)...)
		}
		b = Attribute(b, 1, 0x00069004, table)
	}
	for _, a := range item.Attachments {
		b = Attribute(b, 2, 0x00069002, []byte{1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x20, 0, 0x20, 0, 0, 0, 0, 0})
		if a.Name != "" {
			b = Attribute(b, 2, 0x00018010, append(Encode(a.Name, page), 0))
		}
		p := attachmentProperties(a, o)
		if a.Item != nil {
			// IID_IMessage, then a file of its own.
			object := []byte{7, 3, 2, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
			p.list = append(p.list, value{0x3701000D, append(object, TNEF(*a.Item, o)...)})
		} else if a.Link == "" {
			b = Attribute(b, 2, 0x0006800F, a.Data)
		}
		b = Attribute(b, 2, 0x00069005, p.tnef(nil))
	}
	return b
}

// Attribute appends an attribute with its checksum.
func Attribute(b []byte, level byte, id uint32, data []byte) []byte {
	b = append(b, level)
	b = binary.LittleEndian.AppendUint32(b, id)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	sum := uint16(0)
	for _, c := range data {
		sum += uint16(c)
	}
	return binary.LittleEndian.AppendUint16(b, sum)
}

func tnefDate(t time.Time) []byte {
	var b []byte
	t = t.UTC()
	for _, n := range []int{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second(), int(t.Weekday())} {
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
	}
	return b
}

// tnef writes the list of properties (MS-OXTNEF, section 2.1.3.4).
func (p *properties) tnef(named []outlook.Field) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(p.list)))
	for _, v := range p.list {
		id := v.tag >> 16
		b = binary.LittleEndian.AppendUint16(b, uint16(v.tag))
		b = binary.LittleEndian.AppendUint16(b, uint16(id))
		if id >= 0x8000 {
			b = append(b, 0x86, 0x03, 0x02, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46)
			b = binary.LittleEndian.AppendUint32(b, 1)
			name := wide(named[id-0x8000].Name + "\x00")
			b = binary.LittleEndian.AppendUint32(b, uint32(len(name)))
			b = append(append(b, name...), make([]byte, -len(name)&3)...)
		}
		if fixed(v.tag) {
			b = append(b, v.data...)
			continue
		}
		data := v.data
		switch v.tag & 0xFFFF {
		case 0x1E:
			data = append(data[:len(data):len(data)], 0)
		case 0x1F:
			data = append(data[:len(data):len(data)], 0, 0)
		}
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
		b = append(append(b, data...), make([]byte, -len(data)&3)...)
	}
	return b
}
