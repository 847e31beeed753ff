// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"strings"

	"teiten/internal/charset"
	"teiten/internal/outlook"
)

// outlookLimits are what is left of the mail's own.
func (s *scope) outlookLimits(depth int) outlook.Limits {
	return outlook.Limits{
		Depth: max(1, s.lim.Depth-depth),
		Parts: max(1, s.lim.Parts-s.parts),
		Bytes: max(1, s.lim.Decoded-s.decoded),
	}
}

// tnef reads a winmail.dat (MS-OXTNEF).
func (s *scope) tnef(p *Part, depth int) {
	if depth+1 > s.lim.Depth {
		s.incomplete("mail.incomplete_depth", p.Path, "")
		return
	}
	if !outlook.IsTNEF(p.Data) {
		s.correctUnread(p)
		return
	}
	item, err := outlook.ReadTNEF(p.Data, s.outlookLimits(depth))
	if err != nil || item == nil { // also beyond a limit
		s.incomplete("mail.incomplete_tnef", p.Path, p.Name)
		return
	}
	p.MediaType = tnefType
	p.Message = s.item(item, p, depth+1)
}

// correctUnread leaves what is called a winmail.dat and is none a plain file.
func (s *scope) correctUnread(p *Part) {
	s.repair("mail.repair_type_lie", p.Path, p.Declared)
	p.MediaType = "application/octet-stream"
}

// msg reads an attached .msg file (MS-OXMSG).
func (s *scope) msg(p *Part, depth int) {
	if !isMsg(p.Data) { // another file with this type
		return
	}
	if depth+1 > s.lim.Depth {
		s.incomplete("mail.incomplete_depth", p.Path, "")
		return
	}
	item, err := outlook.ReadMsg(p.Data, s.outlookLimits(depth))
	if err != nil || item == nil {
		s.incomplete("mail.incomplete_msg", p.Path, p.Name)
		return
	}
	p.Message = s.item(item, p, depth+1)
}

// item makes a message of Outlook's, inside part p.
func (s *scope) item(item *outlook.Item, p *Part, depth int) *Message {
	m := &Message{Format: MSG, Size: int64(len(p.Data)), SHA256: digest(p.Data)}
	inner := s.scope(m)
	inner.outlookItem(item, p.Path+"/1", depth)
	return m
}

// outlookItem fills s.m with an item. What went over the wire is in its
// transport headers and counts more than what Outlook made of it.
func (s *scope) outlookItem(item *outlook.Item, root string, depth int) {
	m := s.m
	if strings.TrimSpace(item.Headers) != "" {
		m.Fields, _ = s.block([]byte(item.Headers), "")
		s.head()
	}
	for _, r := range item.Repairs {
		s.repair(r.Code, "", r.Where)
	}
	for _, f := range item.Fields {
		if m.Get(f.Name) == "" && len(m.Fields) < s.lim.Fields {
			v := oneLine(f.Value)
			m.Fields = append(m.Fields, Field{Name: f.Name, Value: v, Raw: v})
		}
	}
	if m.Subject == "" {
		m.Subject = oneLine(item.Subject)
	}
	if len(m.From) == 0 && (item.From != "" || item.FromName != "") {
		m.From = []Address{{Name: item.FromName, Address: cleanAddress(item.From)}}
	}
	if m.Sender.Address == "" {
		m.Sender = Address{Name: item.SenderName, Address: cleanAddress(item.Sender)}
	}
	if len(m.ReplyTo) == 0 {
		m.ReplyTo = people(item.ReplyTo)
	}
	if len(m.To) == 0 {
		m.To = people(item.To)
	}
	if len(m.Cc) == 0 {
		m.Cc = people(item.Cc)
	}
	if m.Date.IsZero() {
		m.Date = item.Date
	}
	if m.MessageID == "" {
		m.MessageID = strings.Trim(item.MessageID, "<> ")
	}
	if len(m.References) == 0 {
		for _, id := range strings.FieldsFunc(item.InReplyTo+" "+item.References, func(r rune) bool { return r <= ' ' || r == ',' || r == '<' || r == '>' }) {
			if len(m.References) < 1000 && strings.Contains(id, "@") {
				m.References = append(m.References, id)
			}
		}
	}
	m.Root = s.outlookBodies(item, root, depth)
}

// outlookBodies makes the parts of an item.
func (s *scope) outlookBodies(item *outlook.Item, root string, depth int) *Part {
	var bodies []*Part
	if item.Text != "" && s.room(root) {
		t := &Part{MediaType: "text/plain", Charset: "UTF-8", Text: lineFeeds(item.Text), body: true}
		if t.Data = []byte(item.Text); s.spend(len(t.Data)) {
			bodies = append(bodies, t)
		} else {
			s.incomplete("mail.incomplete_decoded", root, "")
		}
	}
	for i, source := range [][]byte{item.HTML, item.Other} {
		if len(source) == 0 || !s.room(root) {
			continue
		}
		if !s.spend(len(source)) {
			s.incomplete("mail.incomplete_decoded", root, "")
			continue
		}
		h := &Part{MediaType: "text/html", Data: source, body: true}
		declared := item.HTMLCharset
		if i == 1 {
			declared = "UTF-8"
		}
		t := charset.DecodeHinted(source, declared, metaCharset(source))
		h.Text, h.Charset = lineFeeds(t.Text), t.Name
		bodies = append(bodies, h)
	}
	var files []*Part
	for i := range item.Attachments {
		if !s.room(root) {
			break
		}
		files = append(files, s.outlookFile(&item.Attachments[i]))
	}
	top := tree(root, bodies, files)
	for i := range files {
		s.outlookInside(files[i], item.Attachments[i].Item, depth)
	}
	return top
}

func (s *scope) room(path string) bool {
	if s.parts >= s.lim.Parts {
		s.incomplete("mail.incomplete_parts", path, "")
		return false
	}
	s.parts++
	return true
}

func (s *scope) outlookFile(a *outlook.Attachment) *Part {
	p := &Part{
		Declared: strings.ToLower(a.MediaType), MediaType: strings.ToLower(a.MediaType),
		Disposition: "attachment", Name: oneLine(a.Name), ContentID: strings.Trim(a.ContentID, "<>"), Data: a.Data,
	}
	if a.Hidden {
		p.Disposition = "inline"
	}
	if p.MediaType == "" {
		p.MediaType = "application/octet-stream"
	}
	if a.Link != "" {
		p.Fields = []Field{{Name: "Content-Location", Value: oneLine(a.Link), Raw: oneLine(a.Link)}}
	}
	return p
}

// outlookInside decodes a file whose place is known.
func (s *scope) outlookInside(p *Part, item *outlook.Item, depth int) {
	if !s.spend(len(p.Data)) {
		s.incomplete("mail.incomplete_decoded", p.Path, p.Name)
		p.Data = nil
		return
	}
	if item != nil {
		p.MediaType = msgType
		if depth+1 > s.lim.Depth {
			s.incomplete("mail.incomplete_depth", p.Path, "")
			return
		}
		p.Message = s.item(item, p, depth+1)
		return
	}
	s.correctType(p)
	switch {
	case p.MediaType == msgType:
		s.msg(p, depth)
	case p.MediaType == "message/rfc822":
		s.attached(p, p.Data, depth)
	case outlook.IsTNEF(p.Data):
		s.tnef(p, depth)
	case isText(p.MediaType):
		s.decodeText(p, p.Data, "")
	}
}

// tree puts bodies and files together as MIME would.
func tree(root string, bodies, files []*Part) *Part {
	var top *Part
	switch {
	case len(bodies) == 0:
		top = &Part{MediaType: "text/plain", body: true}
	case len(bodies) == 1:
		top = bodies[0]
	default:
		top = &Part{MediaType: "multipart/alternative", Parts: bodies}
	}
	if len(files) > 0 {
		top = &Part{MediaType: "multipart/mixed", Parts: append([]*Part{top}, files...)}
	}
	number(top, root)
	return top
}

func number(p *Part, path string) {
	p.Path = path
	for i, c := range p.Parts {
		number(c, childPath(path, i))
	}
}

func people(all []outlook.Person) []Address {
	var list []Address
	for _, p := range all {
		list = append(list, Address{Name: p.Name, Address: cleanAddress(p.Address)})
	}
	return list
}

func cleanAddress(v string) string {
	p := addressParser{}
	return p.clean(v)
}
