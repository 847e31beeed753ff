// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"strconv"
	"strings"
)

// delimiter is a line that begins with a boundary.
type delimiter struct {
	from, to int // of the line, its end included
	closing  bool
}

// delimiters finds the lines of a boundary (RFC 2046, section 5.1.1). Strict
// lines have nothing else in them; where the boundary only begins a longer one
// it belongs to somebody else.
func delimiters(b []byte, boundary string, most int) (all []delimiter, over bool) {
	mark := []byte("--" + boundary)
	var loose []delimiter
	for at := 0; at < len(b); {
		i := bytes.Index(b[at:], mark)
		if i < 0 {
			break
		}
		i += at
		at = i + len(mark)
		from := i
		for from > 0 && i-from < 8 && b[from-1] == 0 { // NULs come in on the way
			from--
		}
		if from > 0 && b[from-1] != '\n' && b[from-1] != '\r' {
			continue
		}
		end, next, _ := lineAt(b, at)
		at = end
		d := delimiter{from: from, to: next}
		rest := bytes.TrimRight(b[i+len(mark):end], " \t\x00")
		if bytes.HasPrefix(rest, []byte("--")) {
			d.closing = true
			rest = bytes.TrimLeft(rest[2:], " \t")
		}
		if len(rest) > 0 {
			if len(loose) < most {
				loose = append(loose, d)
			}
			continue
		}
		if len(all) > most {
			return all, true
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		all = loose
	}
	return all, false
}

// multipart reads the parts of p. It fails where no boundary is found.
func (s *scope) multipart(p *Part, b []byte, depth int) bool {
	if depth+1 > s.lim.Depth {
		s.incomplete("mail.incomplete_depth", p.Path, "")
		return true
	}
	boundary := p.Params["boundary"]
	var found []delimiter
	over := false
	left := 2*(s.lim.Parts-s.parts) + 2
	if boundary != "" {
		if found, over = delimiters(b, boundary, left); len(found) == 0 {
			// Blanks at the end get lost, and so do quotes (RFC 2046 forbids them there).
			if t := strings.Trim(boundary, " \t\"'"); t != boundary && t != "" {
				found, over = delimiters(b, t, left)
			}
		}
	}
	if len(found) == 0 && (p.Encoding == "base64" || p.Encoding == "quoted-printable") {
		// Multiparts are never encoded (RFC 2045, section 6.4), but some are.
		if d, _ := s.transfer(p, b); s.spend(len(d)) {
			if found, over = delimiters(d, boundary, left); boundary != "" && len(found) > 0 {
				s.repair("mail.repair_encoding", p.Path, p.Encoding)
				b = d
			} else {
				found = nil
			}
		}
	}
	if len(found) == 0 {
		guess := guessBoundary(b)
		if guess == "" {
			if len(bytes.TrimSpace(b)) == 0 {
				s.repair("mail.repair_boundary_empty", p.Path, "")
				return true
			}
			s.repair("mail.repair_boundary", p.Path, boundary)
			return false
		}
		s.repair("mail.repair_boundary", p.Path, boundary)
		found, over = delimiters(b, guess, left)
	}
	if over {
		s.incomplete("mail.incomplete_parts", p.Path, "")
	}
	fallback := ""
	if p.MediaType == "multipart/digest" {
		fallback = "message/rfc822"
	}
	if found[0].closing && partLike(b[:found[0].from]) {
		s.repair("mail.repair_boundary", p.Path, boundary) // the first one is missing
		s.child(p, cutBreak(bytes.TrimLeft(b[:found[0].from], "\r\n")), depth, fallback)
	} else {
		s.outside(p, b[:found[0].from], depth, "mail.repair_before_first")
	}
	closed := false
	for i, d := range found {
		end := len(b)
		if i+1 < len(found) {
			end = found[i+1].from
		}
		if d.closing {
			closed = true
			if i+1 == len(found) {
				s.outside(p, b[d.to:end], depth, "mail.repair_after_last")
				break
			}
			// Something stands behind the end: a part, if it looks like one.
			if !partLike(b[d.to:end]) {
				s.outside(p, b[d.to:end], depth, "mail.repair_after_last")
				continue
			}
			s.repair("mail.repair_parts_after_end", p.Path, "")
		} else if closed {
			s.repair("mail.repair_parts_after_end", p.Path, "")
		}
		if i+1 == len(found) && d.to >= len(b) && i > 0 {
			break // a boundary at the very end that should have closed
		}
		if !s.child(p, cutBreak(b[min(d.to, end):end]), depth, fallback) {
			return true
		}
	}
	if !closed {
		s.repair("mail.repair_not_closed", p.Path, "")
	}
	return true
}

// child reads one part, and reports whether another may be read.
func (s *scope) child(p *Part, b []byte, depth int, fallback string) bool {
	if s.parts >= s.lim.Parts {
		s.incomplete("mail.incomplete_parts", p.Path, "")
		return false
	}
	s.parts++
	c := &Part{Path: childPath(p.Path, len(p.Parts))}
	p.Parts = append(p.Parts, c)
	body := 0
	end, _, _ := lineAt(b, 0)
	switch {
	case end == 0 && len(b) > 0: // no fields
		_, body, _ = lineAt(b, 0)
	case fieldName(b[:end]) > 0 || goesOn(b, 0):
		c.Fields, body = s.block(b, c.Path)
	case blank(b[:end]):
		_, body, _ = lineAt(b, 0)
	default:
		s.repair("mail.repair_part_header", c.Path, "")
	}
	s.part(c, b[body:], depth+1, fallback)
	return true
}

// cutBreak takes off the line break before a boundary, which belongs to it.
func cutBreak(b []byte) []byte {
	n := len(b)
	if n > 0 && b[n-1] == '\n' {
		n--
		for k := 0; k < 3 && n > 0 && b[n-1] == '\r'; k++ {
			n--
		}
	} else if n > 0 && b[n-1] == '\r' {
		n--
	}
	return b[:n]
}

// partLike reports whether text begins with a field of MIME.
func partLike(b []byte) bool {
	for at := 0; at < len(b) && at < 1000; {
		end, next, _ := lineAt(b, at)
		if end > at {
			return bytes.HasPrefix(bytes.ToLower(b[at:min(end, at+8)]), []byte("content-"))
		}
		at = next
	}
	return false
}

// outside keeps text before the first boundary or behind the last, apart from
// what mail programs put there for readers without MIME.
func (s *scope) outside(p *Part, b []byte, depth int, code string) {
	text := bytes.TrimSpace(b)
	if len(text) < 4 || len(text) < 300 && bytes.Contains(bytes.ToUpper(text), []byte("MIME")) {
		return
	}
	if len(text) < 300 && !bytes.ContainsAny(text, "@/<") && bytes.Contains(bytes.ToLower(text), []byte("multi")) {
		return
	}
	s.repair(code, p.Path, string(text[:min(len(text), 60)]))
	if s.parts >= s.lim.Parts || !s.spend(len(text)) {
		s.incomplete("mail.incomplete_parts", p.Path, "")
		return
	}
	s.parts++
	c := &Part{Path: childPath(p.Path, len(p.Parts)), Hidden: true, MediaType: "text/plain", Data: b}
	s.decodeText(c, b, "")
	p.Parts = append(p.Parts, c)
}

// guessBoundary finds the boundary of a multipart that does not name it, or
// names a wrong one: a line of "--" and something, followed by a field of MIME.
func guessBoundary(b []byte) string {
	for at := 0; at < len(b); {
		i := bytes.Index(b[at:], []byte("--"))
		if i < 0 {
			return ""
		}
		i += at
		if i > 0 && b[i-1] != '\n' && b[i-1] != '\r' {
			at = i + 2
			continue
		}
		end, next, _ := lineAt(b, i)
		at = max(next, i+2)
		line := bytes.TrimRight(b[i+2:end], " \t")
		if len(line) == 0 || len(line) > 200 || bytes.HasSuffix(line, []byte("--")) && len(line) < 4 {
			continue
		}
		if next < len(b) && partLike(b[next:min(len(b), next+200)]) {
			return string(line)
		}
	}
	return ""
}

// hiddenMultipart returns the boundary of a body that is a multipart although
// its header does not say so: it begins with a boundary and fields of MIME,
// perhaps behind a sentence.
func hiddenMultipart(b []byte, untyped bool) string {
	head := b[:min(len(b), 2048)]
	trimmed := bytes.TrimLeft(head, " \t\r\n")
	if !bytes.HasPrefix(trimmed, []byte("--")) && !(untyped && bytes.Contains(head, []byte("\n--"))) {
		return ""
	}
	boundary := guessBoundary(head)
	if boundary == "" || strings.ContainsAny(boundary, " \t") || bytes.Count(b, []byte("--"+boundary)) < 2 {
		return ""
	}
	return boundary
}

func childPath(parent string, i int) string { return parent + "." + strconv.Itoa(i+1) }
