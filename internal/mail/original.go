// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"strings"
)

// mostForwards bounds how many times a mail is followed into what it forwards.
const mostForwards = 10

// Original returns the mail in question: m itself, or the one that m forwards,
// as an attachment or in its text; of forwards inside each other the innermost
// that names a sender. A mail that merely has a mail attached (a bounce, a
// digest) or quotes one in an answer is itself.
//
// Whether somebody forwards is what the mail says of itself, and an attacker
// may say so too. Where m was handed in as it is, rather than sent to be
// checked, m has to be looked at as well.
func (m *Message) Original() (*Message, Found) {
	all := m.Forwards()
	last := all[len(all)-1]
	return last.Message, last.Found
}

// Forward is a mail on the way from what was handed in to the original.
type Forward struct {
	*Message
	Found Found
}

// Forwards are m itself, the mail that m forwards, the one that that forwards,
// up to the original. Every one of them may be the attacker's.
func (m *Message) Forwards() []Forward {
	all := []Forward{{m, Itself}}
	for len(all) <= mostForwards && !m.automatic() {
		if inner := m.forwarded(); inner != nil {
			m = inner
			all = append(all, Forward{m, Attached})
			continue
		}
		inner := m.quoted()
		if inner == nil {
			break
		}
		m = inner
		all = append(all, Forward{m, Inline})
	}
	return all
}

// automatic reports mails that programs send: bounces, receipts, answers while
// people are away, digests.
func (m *Message) automatic() bool {
	switch m.Root.MediaType {
	case "multipart/report", "multipart/digest":
		return true
	}
	if a := strings.ToLower(m.Get("Auto-Submitted")); a != "" && !strings.HasPrefix(a, "no") && !strings.HasPrefix(a, "auto-forwarded") {
		return true
	}
	if m.Get("X-Failed-Recipients") != "" {
		return true
	}
	for _, f := range m.From {
		local, _, _ := strings.Cut(strings.ToLower(f.Address), "@")
		if local == "mailer-daemon" || local == "postmaster" {
			return true
		}
	}
	digest := false
	m.Walk(func(p *Part) bool {
		digest = digest || p.MediaType == "multipart/digest"
		return !digest
	})
	return digest
}

// forwardPrefixes begin the subject of forwards.
var forwardPrefixes = []string{"fw", "fwd", "転送", "tr", "wg", "rv", "enc", "vs", "doorst", "i", "転送メール", "fw転送"}

// isForward reports whether a subject says that the mail forwards: "Fwd: ",
// "転送：", "[Fwd: ...]", also behind "Re: " and the tag of a list. The first
// prefix counts: "Re: Fwd: " is an answer.
func isForward(subject string) bool {
	v := strings.TrimLeft(strings.ToLower(subject), " \u3000")
	for range 3 {
		inner := strings.TrimPrefix(strings.TrimPrefix(v, "["), "【")
		if inner == v {
			break
		}
		v = inner // of "[Fwd: x]"
		if end := strings.IndexAny(inner, "]】"); end > 0 && end < 60 && !strings.ContainsAny(inner[:end], ":：") {
			v = strings.TrimLeft(inner[end+len(closing(inner[end:])):], " \u3000")
		}
	}
	head, _, ok := strings.Cut(v, ":")
	if wide, _, is := strings.Cut(v, "："); is && (!ok || len(wide) < len(head)) {
		head, ok = wide, true
	}
	if !ok {
		return strings.HasPrefix(v, "転送 ") || strings.HasPrefix(strings.ToLower(subject), "【転送】")
	}
	if sp := strings.LastIndexByte(head, ' '); sp > 0 && sp < 60 { // behind a tag without brackets
		if last := head[sp+1:]; last == "fw" || last == "fwd" || last == "転送" {
			return true
		}
	}
	head = strings.Map(func(r rune) rune {
		switch {
		case r >= 'ａ' && r <= 'ｚ':
			return r - 'ａ' + 'a'
		case r == ' ' || r == '\u3000' || r >= '0' && r <= '9' || r == '[' || r == ']' || r == '】':
			return -1
		}
		return r
	}, head)
	for _, p := range forwardPrefixes {
		if head == p {
			return true
		}
	}
	return false
}

func closing(v string) string {
	if strings.HasPrefix(v, "】") {
		return "】"
	}
	return "]"
}

// mostWords is how long a covering note may be, in bytes, for an attached mail to be
// what it is about, if the subject does not say so.
const mostWords = 1500

// forwarded returns the mail that m has attached in order to forward it, or nil.
func (m *Message) forwarded() *Message {
	var first *Message
	n := 0
	m.Walk(func(p *Part) bool {
		if p.Message != nil && p.MediaType != tnefType && p.Message.Root != nil {
			if n++; first == nil || len(first.From) == 0 {
				first = p.Message
			}
		}
		return true
	})
	if first == nil {
		return nil
	}
	if isForward(m.Subject) || n == 1 && first.Subject != "" && strings.Contains(m.Subject, first.Subject) {
		return first
	}
	words := 0
	for _, p := range m.Texts() {
		words += len(strings.TrimSpace(p.Text))
	}
	if words == 0 {
		for _, p := range m.HTML() {
			for _, l := range htmlLines(p.Text) {
				words += len(l.text)
			}
		}
	}
	if words <= mostWords && !strings.HasPrefix(strings.ToLower(m.Subject), "re:") {
		return first
	}
	return nil
}

// quoted returns the mail that m forwards in its text, or nil.
func (m *Message) quoted() *Message {
	texts, pages := m.Texts(), m.HTML()
	forward := isForward(m.Subject)
	pasted := m.Format == Text && len(m.Fields) == 0
	var text, page *quotation
	for _, p := range texts {
		if !maybeQuoted(p.Text) {
			continue
		}
		if text = findQuotation(textLines(p.Text), forward, pasted); text != nil {
			break
		}
	}
	for _, p := range pages {
		if !maybeQuoted(p.Text) {
			continue
		}
		if page = findQuotation(htmlLines(p.Text), forward, pasted); page != nil {
			page.html = p.Text[page.at:]
			break
		}
	}
	if text == nil && page == nil {
		return nil
	}
	q := page
	if text != nil && (page == nil || len(text.heads) >= len(page.heads)) {
		q = text
	}
	return m.fromQuotation(q, text, page)
}

// fromQuotation makes a message of what was found.
func (m *Message) fromQuotation(q, text, page *quotation) *Message {
	o := &Message{Format: Text}
	s := (&budget{lim: Limits{}.orDefaults()}).scope(o)
	for _, h := range q.heads {
		o.Fields = append(o.Fields, Field{Name: h.name, Value: h.value, Raw: h.value})
	}
	s.head()
	o.Repairs = nil // the lines were made for reading
	s.seen = nil
	s.repair("mail.repair_inline", "", "")
	if len(o.From) == 0 {
		return nil
	}
	var bodies []*Part
	if text == nil {
		text = page
	}
	body := strings.TrimSpace(text.body)
	if body != "" {
		bodies = append(bodies, &Part{MediaType: "text/plain", Charset: "UTF-8", Text: body, Data: []byte(body), body: true})
	}
	if page != nil && strings.TrimSpace(page.html) != "" {
		bodies = append(bodies, &Part{MediaType: "text/html", Charset: "UTF-8", Text: page.html, Data: []byte(page.html), body: true})
	}
	// Files keep their place in the forwarding mail.
	o.Root = tree("f1", bodies, nil)
	if files := m.Files(); len(files) > 0 {
		o.Root = &Part{Path: "f1", MediaType: "multipart/mixed", Parts: append([]*Part{tree("f1.1", bodies, nil)}, files...)}
	}
	if len(bodies) == 0 && len(o.Root.Parts) == 0 {
		o.Format = Header
	}
	o.Incomplete = m.Incomplete
	for _, b := range bodies {
		o.Size += int64(len(b.Data))
	}
	o.SHA256 = digest([]byte(body))
	return o
}
