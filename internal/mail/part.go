// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"strings"

	"teiten/internal/charset"
	"teiten/internal/outlook"
)

// message reads a mail with a header into s.m.
func (s *scope) message(b []byte, root string, depth int) {
	fields, body := s.block(b, "")
	s.m.Fields = fields
	s.head()
	s.m.Root = &Part{Path: root, Fields: fields}
	s.parts++
	s.part(s.m.Root, b[body:], depth, "")
	markBodies(s.m.Root, true)
}

// part reads the content of a part whose fields are known. The default media
// type is that of the multipart around it.
func (s *scope) part(p *Part, b []byte, depth int, fallback string) {
	s.mimeFields(p, fallback)
	switch {
	case strings.HasPrefix(p.MediaType, "multipart/"):
		if s.multipart(p, b, depth) {
			return
		}
		// It cannot be taken apart: what it holds is text, so that nothing in
		// it escapes.
		p.MediaType = "text/plain"
	case p.Declared == "" || p.MediaType == "text/plain":
		if at := hiddenMultipart(b, p.Declared == ""); at != "" {
			if p.Params == nil {
				p.Params = map[string]string{}
			}
			s.repair("mail.repair_multipart_undeclared", p.Path, "")
			p.MediaType, p.Params["boundary"] = "multipart/mixed", at
			if s.multipart(p, b, depth) {
				return
			}
			p.MediaType = "text/plain"
		}
	}
	s.leaf(p, b, depth)
}

// mimeFields reads the fields of MIME (RFC 2045, RFC 2183).
func (s *scope) mimeFields(p *Part, fallback string) {
	types, encodings := 0, 0
	for i := range p.Fields {
		f := &p.Fields[i]
		switch len(f.Name) {
		case len("Content-Type"):
			if strings.EqualFold(f.Name, "Content-Type") {
				s.contentType(p, f.Raw, types)
				types++
			}
		case len("Content-Transfer-Encoding"):
			if strings.EqualFold(f.Name, "Content-Transfer-Encoding") {
				e := strings.ToLower(strings.Trim(strings.TrimSpace(cutComment(f.Value)), "\"';"))
				if encodings > 0 && e != p.Encoding {
					s.repair("mail.repair_twice", p.Path, "content-transfer-encoding")
				} else {
					p.Encoding = e
				}
				encodings++
			}
		case len("Content-Disposition"):
			if strings.EqualFold(f.Name, "Content-Disposition") {
				value, params := parseParams(s, f.Raw, p.Path, "content-disposition")
				if strings.EqualFold(value, "inline") {
					p.Disposition = "inline"
				} else if value = strings.TrimSpace(value); value != "" && !strings.Contains(value, "=") {
					p.Disposition = "attachment" // RFC 2183, section 2.8: also what is not known
				}
				if name := params["filename"]; name != "" {
					if p.Name != "" && p.Name != name {
						s.repair("mail.repair_name_twice", p.Path, name)
					}
					p.Name = name
				}
			}
		case len("Content-ID"):
			if strings.EqualFold(f.Name, "Content-ID") {
				p.ContentID = strings.Trim(strings.TrimSpace(f.Value), "<>")
			}
		}
	}
	if p.MediaType == "" {
		if p.MediaType = fallback; fallback == "" {
			p.MediaType = "text/plain"
		}
	}
}

// contentType reads one Content-Type of those there are; of several the one
// that makes the mail a multipart counts, since nothing may hide in it.
func (s *scope) contentType(p *Part, raw string, before int) {
	value, params := parseParams(s, raw, p.Path, "content-type")
	value = strings.ToLower(strings.Trim(cutComment(value), " \t\"'"))
	if sp := strings.IndexAny(value, " \t,"); sp > 0 {
		value = value[:sp]
	}
	if before > 0 {
		s.repair("mail.repair_twice", p.Path, "content-type")
		if strings.HasPrefix(p.Declared, "multipart/") || !strings.HasPrefix(value, "multipart/") {
			return
		}
	}
	if value != "" && !strings.Contains(value, "/") {
		s.repair("mail.repair_type", p.Path, value)
		switch value {
		case "text", "plain":
			value = "text/plain"
		case "html":
			value = "text/html"
		case "multipart":
			value = "multipart/mixed"
		default:
			value = "application/octet-stream"
		}
	}
	p.Declared, p.MediaType, p.Params = value, value, params
	if name := params["name"]; name != "" && p.Name == "" {
		p.Name = name
	}
}

func cutComment(v string) string {
	if i := strings.IndexByte(v, '('); i >= 0 {
		return v[:i]
	}
	return v
}

// leaf decodes a part that has no parts.
func (s *scope) leaf(p *Part, b []byte, depth int) {
	data, tail := s.transfer(p, b)
	if !s.spend(len(data) + len(tail)) {
		s.incomplete("mail.incomplete_decoded", p.Path, p.Name)
		return
	}
	p.Data = data
	if p.MediaType == "message/rfc822" || p.MediaType == "message/global" || p.MediaType == "message/news" {
		s.attached(p, data, depth)
		return
	}
	if p.MediaType == "message/partial" {
		s.incomplete("mail.incomplete_partial", p.Path, "")
	}
	s.correctType(p)
	switch {
	case p.MediaType == tnefType || outlook.IsTNEF(data):
		s.tnef(p, depth)
		return
	case p.MediaType == msgType:
		s.msg(p, depth)
		return
	case p.MediaType == "message/rfc822":
		s.attached(p, data, depth)
		return
	}
	if !isText(p.MediaType) {
		return
	}
	if p.MediaType == "text/plain" && bytes.Contains(data, []byte("begin ")) {
		text, files := uuencoded(data)
		if len(files) > 0 {
			s.repair("mail.repair_uuencode", p.Path, "")
			data = text
			s.uuParts(p, files)
		}
	}
	declared := p.Params["charset"]
	s.decodeText(p, data, declared)
	if len(tail) > 0 {
		s.repair("mail.repair_base64_tail", p.Path, "")
		p.Text += "\n" + lineFeeds(charset.Decode(tail, declared).Text)
		p.Data = append(p.Data, tail...)
	}
}

// decodeText makes text of a part's bytes.
func (s *scope) decodeText(p *Part, data []byte, declared string) {
	hint := ""
	if isHTML(p.MediaType) {
		hint = metaCharset(data)
	}
	t := charset.DecodeHinted(data, declared, hint)
	p.Charset = t.Name
	switch {
	case t.Lied:
		s.repair("mail.repair_charset", p.Path, declared)
	case t.None && declared != "":
		s.repair("mail.repair_charset_unknown", p.Path, declared)
	}
	if t.Lost > 0 {
		s.repair("mail.repair_lost", p.Path, p.Charset)
	}
	p.Text = lineFeeds(t.Text)
}

// transfer undoes the content transfer encoding.
func (s *scope) transfer(p *Part, b []byte) (data, tail []byte) {
	switch e := p.Encoding; e {
	case "base64", "b", "base-64", "base 64", "x-base64":
		if !looksBase64(b) {
			s.repair("mail.repair_encoding", p.Path, e)
			return b, nil
		}
		data, tail, junk := base64Body(b)
		if junk > 0 {
			s.repair("mail.repair_base64", p.Path, "")
		}
		if !isText(p.MediaType) {
			tail = nil
		}
		return data, tail
	case "quoted-printable", "q", "qp", "quoted printable", "quotedprintable", "quoted_printable":
		data, bad := quotedPrintable(b)
		if bad > 0 {
			s.repair("mail.repair_qp", p.Path, "")
		}
		return data, nil
	case "x-uuencode", "uuencode", "x-uue", "uue", "x-uu":
		if _, files := uuencoded(b); len(files) > 0 {
			if p.Name == "" {
				p.Name = s.decodeRaw(string(files[0].name), "", p.Path, "name")
			}
			return files[0].data, nil
		}
		s.repair("mail.repair_encoding", p.Path, e)
		return b, nil
	case "", "7bit", "8bit", "binary", "7 bit", "8 bit", "7-bit", "8-bit", "none", "7bits", "8bits", "plain":
	default:
		s.repair("mail.repair_encoding_unknown", p.Path, e)
	}
	if p.MediaType == "text/plain" || isHTML(p.MediaType) {
		if d := forgottenBase64(b); d != nil {
			s.repair("mail.repair_encoding", p.Path, p.Encoding)
			return d, nil
		}
	}
	if p.Name != "" && !isText(p.MediaType) && len(b) > 100 && looksBase64(b) && bytes.IndexByte(b[:80], ' ') < 0 {
		// A file whose encoding was forgotten, if what comes out is one.
		if data, _, junk := base64Body(b); junk == 0 && magic(data) != "" {
			s.repair("mail.repair_encoding", p.Path, p.Encoding)
			return data, nil
		}
	}
	return b, nil
}

// attached reads a message inside the mail.
func (s *scope) attached(p *Part, data []byte, depth int) {
	if depth+1 > s.lim.Depth {
		s.incomplete("mail.incomplete_depth", p.Path, "")
		return
	}
	if s.parts >= s.lim.Parts {
		s.incomplete("mail.incomplete_parts", p.Path, "")
		return
	}
	if !likeHeader(data) && p.Encoding != "base64" && looksBase64(data) && len(data) > 20 {
		if d, _, junk := base64Body(data); junk == 0 && likeHeader(d) && s.spend(len(d)) {
			s.repair("mail.repair_encoding", p.Path, p.Encoding)
			data = d
		}
	}
	m := &Message{Format: EML, Size: int64(len(data)), SHA256: digest(data), Raw: data}
	inner := s.scope(m)
	inner.message(data, p.Path+"/1", depth+1)
	p.Message = m
}

// uuParts makes files of what stood in a text.
func (s *scope) uuParts(p *Part, files []uuFile) {
	for i, f := range files {
		if s.parts >= s.lim.Parts {
			s.incomplete("mail.incomplete_parts", p.Path, "")
			return
		}
		s.parts++
		if !s.spend(len(f.data)) {
			s.incomplete("mail.incomplete_decoded", p.Path, "")
			return
		}
		child := &Part{Path: childPath(p.Path, i), MediaType: "application/octet-stream", Disposition: "attachment",
			Name: s.decodeRaw(string(f.name), "", p.Path, "name"), Encoding: "x-uuencode", Data: f.data}
		s.correctType(child)
		if isText(child.MediaType) {
			s.decodeText(child, child.Data, "")
		}
		p.Parts = append(p.Parts, child)
	}
}

// lineFeeds makes all line ends "\n" and drops NULs.
func lineFeeds(v string) string {
	if strings.IndexByte(v, 0) >= 0 {
		v = strings.ReplaceAll(v, "\x00", "")
	}
	if strings.IndexByte(v, '\r') < 0 {
		return v
	}
	out := make([]byte, 0, len(v))
	for {
		i := strings.IndexByte(v, '\r')
		if i < 0 {
			return string(append(out, v...))
		}
		out = append(append(out, v[:i]...), '\n')
		v = v[i+1:]
		if strings.HasPrefix(v, "\r\n") { // CR CR LF
			v = v[1:]
		}
		if v != "" && v[0] == '\n' {
			v = v[1:]
		}
	}
}

// metaCharset is what an HTML document says of its charset in its first bytes, as
// browsers look (Encoding Standard's prescan of 1,024 bytes, here 4,096).
func metaCharset(b []byte) string {
	b = b[:min(len(b), 4096)]
	lower := bytes.ToLower(b)
	for at := 0; ; {
		i := bytes.Index(lower[at:], []byte("charset"))
		if i < 0 {
			return ""
		}
		i += at + len("charset")
		at = i
		rest := bytes.TrimLeft(lower[i:], " \t\r\n")
		if len(rest) == 0 || rest[0] != '=' {
			continue
		}
		rest = bytes.TrimLeft(rest[1:], " \t\r\n\"'")
		end := bytes.IndexAny(rest, " \t\r\n\"';>/")
		if end > 0 {
			return string(rest[:end])
		}
	}
}

// markBodies marks the texts that stand where a body stands: alone, first in
// a multipart, or one of alternatives.
func markBodies(p *Part, place bool) {
	if !strings.HasPrefix(p.MediaType, "multipart/") {
		p.body = place
		return
	}
	all := p.MediaType == "multipart/alternative"
	first := true
	for _, c := range p.Parts {
		if c.Hidden {
			continue
		}
		markBodies(c, place && (all || first))
		first = false
	}
}
