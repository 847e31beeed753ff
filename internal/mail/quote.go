// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// line is a line of a text, or of what an HTML document shows.
type line struct {
	text string
	at   int // where it begins in the source
}

// heading is one of the lines that a mail program puts above what it forwards.
type heading struct{ name, value string }

// quotation is a forwarded mail inside a text.
type quotation struct {
	heads []heading
	body  string
	at    int    // where the body begins in the source
	html  string // of HTML: the source from there
}

// labels are the names of header fields as mail programs write them into what
// they forward: Outlook, Gmail, Apple Mail, Thunderbird, Becky!, Shuriken,
// Yahoo!メール, in Japanese and English.
var labels = map[string]string{
	"from": "From", "差出人": "From", "送信者": "From", "発信者": "From", "送信元": "From", "発信元": "From", "差出し人": "From", "発件人": "From", "发件人": "From", "寄件者": "From",
	"to": "To", "宛先": "To", "宛て先": "To", "あて先": "To", "送信先": "To", "受信者": "To", "宛名": "To", "收件人": "To",
	"cc": "Cc", "カーボンコピー": "Cc", "写し": "Cc",
	"date": "Date", "sent": "Date", "日時": "Date", "送信日時": "Date", "日付": "Date", "送信日": "Date", "送信時刻": "Date", "日付け": "Date", "受信日時": "Date", "sentat": "Date", "发送时间": "Date",
	"subject": "Subject", "件名": "Subject", "題名": "Subject", "表題": "Subject", "タイトル": "Subject", "主题": "Subject",
	"reply-to": "Reply-To", "返信先": "Reply-To", "replyto": "Reply-To",
	"message-id": "Message-ID", "bcc": "X", "重要度": "X", "優先度": "X", "importance": "X", "priority": "X", "添付ファイル": "X", "添付": "X", "attachments": "X",
	"sender": "X", "組織": "X", "organization": "X", "x-mailer": "X", "分類": "X", "フラグ": "X", "secured": "X", "received": "X", "return-path": "X",
	"references": "X", "in-reply-to": "X", "mime-version": "X", "content-type": "X", "delivered-to": "X", "thread-topic": "X", "resent-from": "X", "resent-to": "X", "resent-date": "X",
}

// announcements stand in the line above a forwarded mail. Those that are also
// above what is answered to do not decide.
var announcements = []struct {
	text    string
	forward bool
}{
	{"forwarded message", true}, {"forwarded mail", true}, {"forwarded by", true}, {"begin forwarded", true},
	{"転送メッセージ", true}, {"転送されたメッセージ", true}, {"転送元メッセージ", true}, {"転送メール", true}, {"転送されたメール", true}, {"以下転送", true}, {"以下、転送", true},
	{"original message", false}, {"original mail", false}, {"元のメッセージ", false}, {"オリジナルメッセージ", false}, {"元のメール", false}, {"受信メール", false}, {"original text", false},
}

// maybeQuoted is a quick look whether there is anything to find.
func maybeQuoted(v string) bool {
	for _, w := range []string{"差出人", "送信者", "発信者", "送信元", "From", "from", "FROM", "发件人", "寄件者", "発信元"} {
		if strings.Contains(v, w) {
			return true
		}
	}
	return false
}

// unquote takes quotation marks off the beginning of a line.
func unquote(v string) string {
	for range 20 {
		t := strings.TrimLeft(v, " \t\u3000\u00a0")
		switch {
		case strings.HasPrefix(t, ">"), strings.HasPrefix(t, "|"):
			v = t[1:]
		case strings.HasPrefix(t, "＞"), strings.HasPrefix(t, "｜"), strings.HasPrefix(t, "│"), strings.HasPrefix(t, "┃"):
			v = t[3:]
		default:
			return v
		}
	}
	return v
}

// label reads a line as a heading.
func label(v string) (h heading, ok bool) {
	v = strings.TrimSpace(unquote(v))
	v = strings.TrimLeft(v, "*■●・【[ \u3000\u00a0\u200b")
	i := strings.IndexAny(v, ":：")
	if i <= 0 || i > 60 {
		return h, false
	}
	name := strings.TrimRight(v[:i], "*】] \t\u3000\u00a0")
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			r = r - '！' + '!'
		case r == '\u3000' || r == ' ' || r == '\t' || r == '\u00a0':
			return -1
		}
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, name)
	to, ok := labels[name]
	if !ok {
		return h, false
	}
	rest := v[i+1:]
	if strings.HasPrefix(v[i:], "：") {
		rest = v[i+len("："):]
	}
	return heading{to, strings.Trim(rest, "* \t\u3000\u00a0")}, true
}

// announces reports whether a line stands above a quoted mail, and whether it
// says that it was forwarded.
func announces(v string) (is, forward bool) {
	v = strings.TrimSpace(unquote(v))
	if v == "" || len(v) > 200 {
		return false, false
	}
	lower := strings.ToLower(v)
	for _, a := range announcements {
		i := strings.Index(lower, a.text)
		if i < 0 {
			continue
		}
		// Only signs and few letters around, or it is a sentence.
		rest := strings.Trim(lower[:i]+lower[i+len(a.text):], "-=_*─━―ー－~～<>:：.。 \t\u3000[]【】")
		if len(rest) <= 40 || a.text == "forwarded by" {
			return true, a.forward
		}
	}
	return false, false
}

// findQuotation finds a forwarded mail in lines. It has a sender and one more
// heading at least. Where the mail does not say that it forwards (subject or
// announcement), what stands there is what it answers to, unless it is pasted
// text and nothing but the quotation.
func findQuotation(lines []line, forward, pasted bool) *quotation {
	announced, near := false, -100 // the last announcement, and where
	for i := 0; i < len(lines); i++ {
		if is, f := announces(lines[i].text); is {
			announced, near = f, i
			continue
		}
		if _, ok := label(lines[i].text); !ok {
			continue
		}
		heads, next := headings(lines, i)
		if len(heads) == 0 {
			continue
		}
		said := forward || near >= i-6 && announced
		if !said && pasted {
			said = written(lines[:i]) <= 3
		}
		if !said {
			i = next - 1
			continue
		}
		q := &quotation{heads: heads}
		var b strings.Builder
		if next < len(lines) {
			q.at = lines[next].at
		} else if len(lines) > 0 {
			q.at = lines[len(lines)-1].at + len(lines[len(lines)-1].text)
		}
		marked := unquote(lines[i].text) != lines[i].text
		for _, l := range lines[next:] {
			t := l.text
			if marked {
				t = strings.TrimPrefix(unquote(t), " ")
			}
			if strings.Contains(t, "Original Message Ends") {
				break
			}
			b.WriteString(t)
			b.WriteByte('\n')
		}
		q.body = b.String()
		return q
	}
	return nil
}

// written counts the lines that are not blank.
func written(lines []line) (n int) {
	for _, l := range lines {
		if strings.TrimSpace(l.text) != "" {
			n++
		}
	}
	return n
}

// headings reads the block of headings that begins at line i. It is none
// without a sender and one more field.
func headings(lines []line, i int) (heads []heading, next int) {
	from, others, blanks := false, 0, 0
	seen := map[string]bool{}
	next = i
	for ; i < len(lines) && i-next < 3; i++ {
		v := lines[i].text
		if strings.TrimSpace(unquote(v)) == "" {
			if blanks++; blanks > 1 {
				break
			}
			continue
		}
		h, ok := label(v)
		if !ok {
			// A long list of recipients goes on, or the value stands below its
			// label.
			if last := len(heads) - 1; last >= 0 && blanks == 0 && i == next && len(heads[last].value) < 8192 {
				t := strings.TrimSpace(unquote(v))
				prev := heads[last]
				if strings.Trim(t, "-=_ ") == "" { // a rule below the headings
					next = i + 1
					break
				}
				list := prev.name == "To" || prev.name == "Cc" || prev.name == "From" && prev.value == ""
				if prev.value == "" && len(t) < 300 || list && (strings.ContainsAny(t, "@;") || strings.HasSuffix(prev.value, ",") || strings.HasSuffix(prev.value, ";")) ||
					prev.name == "Subject" && strings.TrimLeft(unquote(v), " \t") != unquote(v) {
					heads[last].value = strings.TrimSpace(prev.value + " " + t)
					next = i + 1
					continue
				}
			}
			break
		}
		if seen[h.name] && h.name != "X" {
			break
		}
		seen[h.name] = true
		blanks = 0
		next = i + 1
		heads = append(heads, h)
		if h.name == "From" {
			from = true
		} else if h.name != "X" && h.name != "Reply-To" {
			others++
		}
	}
	if !from || others == 0 {
		return nil, max(next, 1)
	}
	kept := heads[:0]
	named := false
	for _, h := range heads {
		if h.name == "X" || h.value == "" {
			continue
		}
		named = named || h.name == "From"
		kept = append(kept, h)
	}
	if !named {
		return nil, next
	}
	return kept, next
}

func textLines(v string) []line {
	lines := make([]line, 0, strings.Count(v, "\n")+1)
	at := 0
	for l := range strings.SplitSeq(v, "\n") {
		lines = append(lines, line{l, at})
		at += len(l) + 1
	}
	return lines
}

// htmlLines are the lines that an HTML document shows, more or less: enough to
// find headings, and where in the source they end.
func htmlLines(v string) []line {
	z := html.NewTokenizer(strings.NewReader(v))
	var lines []line
	var b strings.Builder
	at, start := 0, 0
	flush := func(next int) {
		lines = append(lines, line{strings.TrimSpace(b.String()), start})
		b.Reset()
		start = next
	}
	skip, pre := 0, 0
	for {
		kind := z.Next()
		raw := len(z.Raw())
		if kind == html.ErrorToken {
			break
		}
		switch kind {
		case html.TextToken:
			if skip == 0 && pre > 0 {
				source := v[at : at+raw]
				for {
					l, rest, more := strings.Cut(source, "\n")
					b.WriteString(html.UnescapeString(l))
					if !more {
						break
					}
					flush(at + raw - len(rest))
					source = rest
				}
			} else if skip == 0 {
				text := string(z.Text())
				for _, w := range strings.Fields(text) {
					if b.Len() > 0 && b.Len() < 64<<10 {
						b.WriteByte(' ')
					}
					if b.Len() < 64<<10 {
						b.WriteString(w)
					}
				}
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch atom.Lookup(name) {
			case atom.Script, atom.Style, atom.Head, atom.Title:
				if kind == html.StartTagToken {
					skip++
				} else if skip > 0 {
					skip--
				}
			case atom.Body:
				skip = 0
			case atom.Pre:
				if kind == html.StartTagToken {
					pre++
				} else if pre > 0 {
					pre--
				}
				if b.Len() > 0 {
					flush(at + raw)
				}
			case atom.Br, atom.P, atom.Div, atom.Tr, atom.Table, atom.Li, atom.Ul, atom.Blockquote, atom.Hr, atom.H1, atom.H2, atom.H3, atom.H4, atom.Center, atom.Section:
				if b.Len() > 0 || atom.Lookup(name) == atom.Br {
					flush(at + raw)
				} else if kind != html.EndTagToken {
					start = at
				}
			}
		}
		at += raw
	}
	if b.Len() > 0 {
		flush(at)
	}
	return lines
}
