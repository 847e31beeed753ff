// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// budget is what all messages inside one mail share.
type budget struct {
	lim     Limits
	parts   int
	decoded int64
}

// spend takes n bytes of decoded data, if they are left.
func (b *budget) spend(n int) bool {
	if int64(n) > b.lim.Decoded-b.decoded {
		return false
	}
	b.decoded += int64(n)
	return true
}

// scope is the reading of one message.
type scope struct {
	*budget
	m    *Message
	seen map[[2]string]bool
}

// maxRepairs bounds what is recorded; a mail with more is broken enough.
const maxRepairs = 300

func (b *budget) scope(m *Message) *scope { return &scope{budget: b, m: m} }

// note reports whether a code is new at a place.
func (s *scope) note(code, path string) bool {
	key := [2]string{code, path}
	if s.seen[key] || len(s.seen) >= maxRepairs {
		return false
	}
	if s.seen == nil {
		s.seen = map[[2]string]bool{}
	}
	s.seen[key] = true
	return true
}

// repair records what was read although it was wrong, once for each kind and
// place. A nil scope records nothing.
func (s *scope) repair(code, path, what string) {
	if s != nil && s.note(code, path) {
		s.m.Repairs = append(s.m.Repairs, Repair{code, path, shorten(what)})
	}
}

// incomplete records what was left unread.
func (s *scope) incomplete(code, path, what string) {
	if s != nil && s.note(code, path) {
		s.m.Incomplete = append(s.m.Incomplete, Repair{code, path, shorten(what)})
	}
}

// shorten keeps at most 60 characters that can be shown.
func shorten(v string) string {
	if len(v) > 240 {
		v = v[:240]
	}
	v = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return -1
		}
		return r
	}, v), "\uFFFD")
	if utf8.RuneCountInString(v) <= 60 {
		return v
	}
	n := 0
	for i := range v {
		if n == 59 {
			return v[:i] + "…"
		}
		n++
	}
	return v
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// head fills what is taken out of the header fields.
func (s *scope) head() {
	m := s.m
	hint := rawHint(m.Fields)
	var once struct{ subject, date, id, sender, back bool }
	for i := range m.Fields {
		f := &m.Fields[i]
		switch name := strings.ToLower(f.Name); name {
		case "subject":
			if s.first(&once.subject, name) {
				m.Subject = f.Value
			}
		case "from":
			if len(m.From) > 0 {
				s.repair("mail.repair_twice", "", name)
			}
			m.From = append(m.From, s.addresses(f.Raw, hint, name)...)
		case "sender":
			if a := s.addresses(f.Raw, hint, name); s.first(&once.sender, name) && len(a) > 0 {
				m.Sender = a[0]
			}
		case "reply-to":
			m.ReplyTo = append(m.ReplyTo, s.addresses(f.Raw, hint, name)...)
		case "return-path":
			if a := s.addresses(f.Raw, hint, name); !once.back && len(a) > 0 {
				once.back = true
				m.ReturnPath = a[0]
			}
		case "to":
			m.To = append(m.To, s.addresses(f.Raw, hint, name)...)
		case "cc":
			m.Cc = append(m.Cc, s.addresses(f.Raw, hint, name)...)
		case "date":
			if s.first(&once.date, name) {
				if m.Date = parseDate(f.Value); m.Date.IsZero() {
					s.repair("mail.repair_date", "", f.Value)
				}
			}
		case "message-id":
			if s.first(&once.id, name) {
				m.MessageID = strings.Trim(strings.TrimSpace(f.Value), "<>")
			}
		case "in-reply-to", "references":
			for _, id := range strings.FieldsFunc(f.Value, func(r rune) bool { return r <= ' ' || r == ',' || r == '<' || r == '>' }) {
				if len(m.References) < 1000 && strings.Contains(id, "@") {
					m.References = append(m.References, id)
				}
			}
		}
	}
}

// first reports whether a field of which there is to be one is the first of
// its name (RFC 5322, section 3.6).
func (s *scope) first(had *bool, name string) bool {
	if *had {
		s.repair("mail.repair_twice", "", name)
		return false
	}
	*had = true
	return true
}

// rawHint is rawCharset where some field needs it.
func rawHint(fields []Field) string {
	for i := range fields {
		if !asciiOnly(fields[i].Raw) {
			return rawCharset(fields)
		}
	}
	return ""
}
