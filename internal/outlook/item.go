// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"bytes"
	"strings"

	"teiten/internal/charset"
)

// fill takes the message's own properties over: all but recipients and
// attachments, which .msg and TNEF keep each in their way.
func fill(item *Item, b *bag) {
	item.Class = b.text(prMessageClass)
	item.Headers = b.text(prTransportHeaders)
	item.Subject = subject(b)
	item.MessageID = strings.Trim(strings.TrimSpace(b.text(prMessageID)), "<>")
	item.References = b.text(prReferences)
	item.InReplyTo = b.text(prInReplyTo)
	item.Delivered = b.time(prDeliveryTime)
	if item.Date = b.time(prClientSubmitTime); item.Date.IsZero() {
		item.Date = item.Delivered
	}
	heads := scanHeaders(item.Headers)
	fillSender(item, b, heads)
	item.ReplyTo = replyTo(b)
	fillBody(item, b)
}

// subject returns the whole subject. Old programs write two characters before
// it, the second of which is the length of the prefix (MS-OXCMSG, 2.2.1.46).
func subject(b *bag) string {
	if s := b.text(prSubject); s != "" {
		if r := []rune(s[:min(len(s), 8)]); len(r) >= 2 && r[0] == 1 {
			s = s[len(string(r[:2])):]
		}
		return s
	}
	if s := b.text(prNormalizedSubject); s != "" {
		return b.text(prSubjectPrefix) + s
	}
	return b.text(prConversationTopic)
}

func fillBody(item *Item, b *bag) {
	item.Text = b.text(prBody)
	html, name := htmlBody(b)
	item.HTML, item.HTMLCharset = html, name
	packed := b.binary(prRTFCompressed)
	if len(packed) == 0 {
		return
	}
	rtf := decompress(packed, b.s, b.notes)
	if len(rtf) == 0 {
		return
	}
	doc := readRTF(rtf, b.s, b.notes)
	switch {
	case len(item.HTML) > 0:
		if doc.kind != rtfText {
			item.Other = doc.out
		}
	case doc.kind == rtfText:
		if item.Text == "" {
			item.Text = string(doc.out)
			item.FromRTF = len(doc.out) > 0
		}
	default:
		item.HTML, item.HTMLCharset = doc.out, ""
		item.FromRTF = len(doc.out) > 0
	}
}

// htmlBody returns the HTML property, which is bytes in the internet code page
// (MS-OXCMSG, section 2.2.1.58.9) but that some programs write as a string.
func htmlBody(b *bag) ([]byte, string) {
	raw := b.binary(prHTML)
	raw = bytes.TrimRight(raw, "\x00")
	if len(raw) == 0 {
		if s := b.text(prHTML); s != "" {
			return []byte(s), ""
		}
		return nil, ""
	}
	declared := b.codePage(prInternetCodePage)
	if ascii(raw) && !stateful(declared) {
		return raw, ""
	}
	// The text itself is not kept: the reader of HTML decodes it, and has to
	// know how.
	t := charset.Decode(raw, declared)
	if t.Lied {
		b.notes.add("outlook.repair_charset", b.name(prHTML))
	}
	if strings.EqualFold(t.Name, "UTF-8") {
		return raw, ""
	}
	return raw, t.Name
}
