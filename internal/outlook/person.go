// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"bytes"
	"encoding/binary"
	"net/mail"
	"strings"
)

// heads are the addresses in the transport headers. Where Exchange delivered a
// mail inside, properties name people by X.500 and only the headers by SMTP.
type heads struct {
	from, sender []string
	to, cc       []string
}

// mostHeader bytes of the transport headers are looked through.
const mostHeader = 256 << 10

func scanHeaders(h string) heads {
	var all heads
	h = h[:min(len(h), mostHeader)]
	var name, value string
	field := func() {
		list := &[]string{}
		switch strings.ToLower(name) {
		case "from":
			list = &all.from
		case "sender":
			list = &all.sender
		case "to":
			list = &all.to
		case "cc":
			list = &all.cc
		}
		if len(*list) == 0 { // only the first field of a name counts
			*list = addresses(value)
		}
	}
	for line := range strings.Lines(h) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			value += line
			continue
		}
		if wanted(name) {
			field()
		}
		if line == "" {
			return all
		}
		name, value, _ = strings.Cut(line, ":")
		if !wanted(name) {
			value = ""
		}
	}
	if wanted(name) {
		field()
	}
	return all
}

func wanted(name string) bool {
	switch len(name) {
	case 2, 4, 6:
		n := strings.ToLower(name)
		return n == "from" || n == "sender" || n == "to" || n == "cc"
	}
	return false
}

// addresses returns what looks like SMTP addresses in an address list, in
// order, without understanding the rest of it.
func addresses(list string) []string {
	var all []string
	quoted := false
	word := strings.Builder{}
	end := func() {
		if a := word.String(); smtp(a) {
			all = append(all, a)
		}
		word.Reset()
	}
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case strings.IndexByte(" \t,;:<>()", c) >= 0:
			end()
		default:
			word.WriteByte(c)
		}
	}
	end()
	return all
}

// smtp reports whether an address is local@domain.
func smtp(a string) bool {
	at := strings.LastIndexByte(a, '@')
	return at > 0 && at < len(a)-1 && !strings.HasPrefix(a, "/") && !strings.ContainsAny(a, " \t\r\n<>\"")
}

// mailbox is an address with its kind ("SMTP", "EX"), as properties name it.
type mailbox struct {
	smtp, address, name string
	key, entry          []byte
}

// resolve returns the SMTP address: said so, or an address that is one, or out
// of the one-off entry (MS-OXCDATA, 2.2.5.1) or the search key, or the name.
func (m mailbox) resolve(b *bag) string {
	for _, a := range []string{m.smtp, m.address} {
		if a = clean(a); smtp(a) {
			return a
		}
	}
	if p, ok := oneOff(b, m.entry); ok && smtp(clean(p.Address)) {
		return clean(p.Address)
	}
	// A search key is "SMTP:" and the address in capitals.
	if kind, a, ok := strings.Cut(string(bytes.TrimRight(m.key, "\x00")), ":"); ok && strings.EqualFold(kind, "SMTP") && smtp(a) {
		return strings.ToLower(a)
	}
	if a := clean(m.name); smtp(a) {
		return a
	}
	return ""
}

func clean(a string) string {
	a = strings.Trim(strings.TrimSpace(a), "<>'")
	if len(a) > 5 && strings.EqualFold(a[:5], "smtp:") {
		a = a[5:]
	}
	if len(a) > 7 && strings.EqualFold(a[:7], "mailto:") {
		a = a[7:]
	}
	return a
}

func fillSender(item *Item, b *bag, h heads) {
	from := mailbox{b.text(prSentRepresentingSMTP), b.text(prSentRepresentingAddr), b.text(prSentRepresentingName),
		b.binary(prSentRepresentingKey), b.binary(prSentRepresentingEntry)}
	sender := mailbox{b.text(prSenderSMTP), b.text(prSenderAddress), b.text(prSenderName),
		b.binary(prSenderKey), b.binary(prSenderEntry)}
	item.From, item.FromName = from.resolve(b), from.name
	address := sender.resolve(b)
	if item.From == "" && len(h.from) > 0 {
		item.From = h.from[0]
	}
	if address == "" && len(h.sender) > 0 {
		address = h.sender[0]
	}
	switch {
	case item.From == "" && item.FromName == "":
		item.From, item.FromName = address, sender.name
	case item.From == "" && from.address == sender.address:
		item.From = address
	case address != "" && !strings.EqualFold(address, item.From):
		item.Sender, item.SenderName = address, sender.name
	}
}

// replyTo returns the flat list of entries to which answers go
// (MS-OXCDATA, section 2.3.3), or the names alone.
func replyTo(b *bag) []Person {
	var all []Person
	raw := b.binary(prReplyRecipientEntries)
	names := split(b.text(prReplyRecipientNames))
	if len(raw) >= 8 {
		for rest := raw[8:]; len(rest) >= 4 && b.s.part(); {
			n := int64(binary.LittleEndian.Uint32(rest))
			if n == 0 || n > int64(len(rest)-4) {
				b.notes.add("outlook.repair_entries", b.name(prReplyRecipientEntries))
				break
			}
			if p, ok := oneOff(b, rest[4:4+n]); ok {
				p.Address = clean(p.Address)
				if !smtp(p.Address) {
					p.Address = ""
				}
				if p.Name == "" && len(all) < len(names) {
					p.Name = names[len(all)]
				}
				all = append(all, p)
			}
			rest = rest[min(int64(len(rest)), 4+(n+3)&^3):]
		}
	}
	if len(all) == 0 {
		for _, name := range names {
			if !b.s.part() {
				break
			}
			all = append(all, named(name))
		}
	}
	return all
}

// split cuts a list of names such as "A; B".
func split(list string) []string {
	var all []string
	for name := range strings.SplitSeq(list, ";") {
		if name = strings.Trim(name, " \t\x00"); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// named reads a name that may be an address, or hold one.
func named(name string) Person {
	if a, err := mail.ParseAddress(name); err == nil {
		return Person{Name: a.Name, Address: a.Address}
	}
	if a := clean(name); smtp(a) {
		return Person{Name: name, Address: a}
	}
	return Person{Name: name}
}

var oneOffProvider = []byte{0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54, 0x02}

// oneOff reads a one-off entry id: flags, provider, version, flags, then name,
// kind and address, each ended by a NUL (MS-OXCDATA, section 2.2.5.1).
func oneOff(b *bag, entry []byte) (Person, bool) {
	if len(entry) < 24 || !bytes.Equal(entry[4:20], oneOffProvider) {
		return Person{}, false
	}
	wide := binary.LittleEndian.Uint16(entry[22:])&0x8000 != 0
	rest := entry[24:]
	var parts [3]string
	for i := range parts {
		var raw []byte
		raw, rest = untilNUL(rest, wide)
		if wide {
			parts[i] = b.utf16(raw)
		} else {
			parts[i], _ = b.decode(raw, b.page)
		}
	}
	return Person{Name: parts[0], Address: parts[2]}, true
}

func untilNUL(b []byte, wide bool) (head, rest []byte) {
	if !wide {
		head, rest, _ = bytes.Cut(b, []byte{0})
		return head, rest
	}
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return b[:i], b[i+2:]
		}
	}
	return b, nil
}

// recipient is a row of the table of recipients.
type recipient struct {
	Person
	kind uint32
}

func readRecipient(b *bag) recipient {
	m := mailbox{b.text(prSMTPAddress), b.text(prEmailAddress), b.text(prDisplayName), b.binary(prSearchKey), b.binary(prEntry)}
	if m.name == "" {
		m.name = b.text(prRecipientDisplayName)
	}
	if len(m.entry) == 0 {
		m.entry = b.binary(prRecipientEntry)
	}
	kind, _ := b.number(prRecipientType)
	return recipient{Person{Name: m.name, Address: m.resolve(b)}, kind & recipientTypeMask}
}

// fillRecipients sorts the table into To, Cc and Bcc, and looks for SMTP
// addresses that the table does not say.
func fillRecipients(item *Item, b *bag, table []recipient) {
	for _, r := range table {
		switch r.kind {
		case recipientCc:
			item.Cc = append(item.Cc, r.Person)
		case recipientBcc:
			item.Bcc = append(item.Bcc, r.Person)
		default:
			item.To = append(item.To, r.Person)
		}
	}
	if len(table) == 0 {
		for _, shown := range []struct {
			id   uint16
			list *[]Person
		}{{prDisplayTo, &item.To}, {prDisplayCc, &item.Cc}, {prDisplayBcc, &item.Bcc}} {
			for _, name := range split(b.text(shown.id)) {
				if !b.s.part() {
					return
				}
				*shown.list = append(*shown.list, named(name))
			}
		}
	}
	h := scanHeaders(item.Headers)
	match(item.To, h.to)
	match(item.Cc, h.cc)
	// The mailbox from which the item was saved is the last hope, and no guess
	// only where there is one recipient.
	if len(item.To) == 1 && len(item.Cc)+len(item.Bcc) == 0 && item.To[0].Address == "" {
		if a := clean(b.text(prReceivedByAddress)); smtp(a) {
			item.To[0].Address = a
		}
	}
}

// match gives people without an address the one at their place in the header
// field, if the field and the table agree in everything else.
func match(people []Person, header []string) {
	if len(people) != len(header) {
		return
	}
	for i, p := range people {
		if p.Address != "" && !strings.EqualFold(p.Address, header[i]) {
			return
		}
	}
	for i := range people {
		if people[i].Address == "" {
			people[i].Address = header[i]
		}
	}
}
