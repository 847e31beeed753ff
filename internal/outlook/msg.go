// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"teiten/internal/fault"
)

// IsMsg reports whether the bytes begin like a compound file (MS-CFB). Word
// and Excel files of old do as well: [ReadMsg] tells them apart.
func IsMsg(b []byte) bool { return bytes.HasPrefix(b, compoundSignature) }

// ReadMsg reads an Outlook .msg file. An error is a fault: of kind Invalid for
// a file that is none ("outlook.not_msg") or so damaged that not even its
// directory can be read ("outlook.damaged"), TooLarge beyond the limits.
func ReadMsg(b []byte, limits Limits) (*Item, error) {
	s := newSession(limits)
	n := &notes{}
	c, err := openCompound(b, s, n)
	if err != nil {
		return nil, err
	}
	root := c.storage(c.entry(0))
	if root.properties == nil && len(root.streams) == 0 {
		return nil, fault.New(fault.Invalid, "outlook.not_msg")
	}
	item := c.message(root, 0, nil)
	if s.err != nil {
		return nil, s.err
	}
	return item, nil
}

// Sizes of the header of a properties stream (MS-OXMSG, section 2.4.1).
const (
	topHeader      = 32
	embeddedHeader = 24
	partHeader     = 8
)

// storage is a storage of a message with its streams by tag.
type storage struct {
	all         []entry
	streams     map[uint32]entry
	parts       map[uint32][]entry // values of multiple-valued ones
	storages    map[uint32]entry
	recipients  []entry
	attachments []entry
	named       *entry
	properties  *entry
	fixed       map[uint32][]byte
}

const (
	propertyStream  = "__PROPERTIES_VERSION1.0"
	valuePrefix     = "__SUBSTG1.0_"
	recipientPrefix = "__RECIP_VERSION1.0_#"
	attachPrefix    = "__ATTACH_VERSION1.0_#"
	namedStorage    = "__NAMEID_VERSION1.0"
)

// storage lists a storage. Names compare without case (MS-CFB, section 2.6.4).
func (c *compound) storage(e entry) *storage {
	st := &storage{streams: map[uint32]entry{}, parts: map[uint32][]entry{}, storages: map[uint32]entry{}}
	st.all = c.list(e)
	for _, child := range st.all {
		name := strings.ToUpper(child.name)
		switch value, isValue := strings.CutPrefix(name, valuePrefix); {
		case isValue && len(value) >= 8:
			t, err := strconv.ParseUint(value[:8], 16, 32)
			switch {
			case err != nil:
			case len(value) > 8 && child.kind == typeStream:
				st.parts[uint32(t)] = append(st.parts[uint32(t)], child)
			case child.kind == typeStream:
				if _, twice := st.streams[uint32(t)]; !twice {
					st.streams[uint32(t)] = child
				}
			default:
				st.storages[uint32(t)] = child
			}
		case name == propertyStream && child.kind == typeStream:
			st.properties = &child
		case name == namedStorage && child.kind == typeStorage:
			st.named = &child
		case strings.HasPrefix(name, recipientPrefix) && child.kind == typeStorage:
			st.recipients = append(st.recipients, child)
		case strings.HasPrefix(name, attachPrefix) && child.kind == typeStorage:
			st.attachments = append(st.attachments, child)
		}
	}
	byName := func(a, b entry) int { return strings.Compare(strings.ToUpper(a.name), strings.ToUpper(b.name)) }
	slices.SortStableFunc(st.recipients, byName)
	slices.SortStableFunc(st.attachments, byName)
	return st
}

// bag returns the properties of a storage, those of fixed size out of the
// properties stream, which begins with a header.
func (c *compound) bag(st *storage, header int, where string, n *notes) *bag {
	st.fixed = map[uint32][]byte{}
	b := &bag{s: c.s, notes: n, where: where}
	b.get = func(t uint32) ([]byte, bool) {
		if v, ok := st.fixed[t]; ok {
			return v, true
		}
		e, ok := st.streams[t]
		if !ok {
			return nil, false
		}
		c.notes = n
		return c.read(e), true
	}
	if st.properties == nil {
		n.add("outlook.repair_properties", where)
		return b
	}
	c.notes = n
	raw := c.read(*st.properties)
	// Some programs write the header of an embedded message at the top. The
	// rows are 16 bytes each, so that the rest of the size tells.
	if header == topHeader && len(raw)%16 == embeddedHeader%16 {
		header = embeddedHeader
		n.add("outlook.repair_properties", where)
	}
	for at := header; at+16 <= len(raw); at += 16 {
		t := binary.LittleEndian.Uint32(raw[at:])
		switch t & 0xFFFF {
		case ptInteger16, ptInteger32, ptBoolean, ptTime:
			st.fixed[t] = raw[at+8 : at+16]
		}
	}
	return b
}

// message reads a message. names are the named properties, which only the top
// of a file has.
func (c *compound) message(st *storage, depth int, names []namedProperty) *Item {
	item := &Item{}
	// Those found while opening the file are the top message's.
	n := &notes{}
	header := embeddedHeader
	if depth == 0 {
		n, header = c.notes, topHeader
	}
	b := c.bag(st, header, "", n)
	if b.page = b.codePage(prMessageCodePage); b.page == "" {
		b.page = b.codePage(prInternetCodePage)
	}
	fill(item, b)
	if st.named != nil && names == nil {
		names = c.names(*st.named, b)
	}
	c.fields(item, st, b, names)
	var table []recipient
	for _, e := range st.recipients {
		if !c.s.part() {
			return item
		}
		row := c.bag(c.storage(e), partHeader, e.name, n)
		row.page = b.page
		table = append(table, readRecipient(row))
	}
	fillRecipients(item, b, table)
	for _, e := range st.attachments {
		if !c.s.part() {
			return item
		}
		c.notes = n
		item.Attachments = append(item.Attachments, c.attachment(e, b.page, depth, names, n))
		c.notes = n
	}
	item.Repairs = n.list
	return item
}

func (c *compound) attachment(e entry, page string, depth int, names []namedProperty, n *notes) Attachment {
	st := c.storage(e)
	b := c.bag(st, partHeader, e.name, n)
	b.page = page
	a := describe(b)
	object, isObject := st.storages[tag(prAttachData, ptObject)]
	method, _ := b.number(prAttachMethod)
	if isObject {
		inside := c.storage(object)
		// What is inside decides, not what the method says.
		if inside.properties != nil || len(inside.streams) > 0 {
			if c.s.enter(depth + 1) {
				a.Item = c.message(inside, depth+1, names)
			}
			return a
		}
		if method == attachEmbedded {
			n.add("outlook.repair_attachment", e.name)
		}
		a.OLE = true
		c.notes = n
		a.Data = unpackOLE(&a, c.export(object, inside.all, 0), b)
		return a
	}
	a.Data = b.binary(prAttachData)
	if method == attachOLE {
		a.OLE = true
	}
	if a.Data == nil && a.Link == "" {
		if _, ok := st.streams[tag(prAttachData, ptBinary)]; !ok {
			n.add("outlook.repair_attachment", e.name)
		}
	}
	return a
}

// describe reads what attachments say of themselves in .msg and TNEF alike.
func describe(b *bag) Attachment {
	a := Attachment{Name: b.text(prAttachLongFilename)}
	for _, id := range []uint16{prAttachFilename, prDisplayName} {
		if a.Name == "" {
			a.Name = b.text(id)
		}
	}
	a.MediaType = strings.ToLower(strings.TrimSpace(b.text(prAttachMIMETag)))
	a.ContentID = strings.Trim(strings.TrimSpace(b.text(prAttachContentID)), "<>")
	hidden, _ := b.number(prAttachmentHidden)
	flags, _ := b.number(prAttachFlags)
	a.Hidden = hidden&1 != 0 || flags&attachRenderedInBody != 0
	if method, _ := b.number(prAttachMethod); method >= attachByReference && method < attachEmbedded || method == attachByWebReference {
		if a.Link = b.text(prAttachLongPathname); a.Link == "" {
			a.Link = b.text(prAttachPathname)
		}
	}
	return a
}
