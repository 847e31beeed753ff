// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"strings"

	"teiten/internal/charset"
)

// lineAt returns where the line that begins at i ends, and where the next
// begins. CRLF, LF and a lone CR all end lines; bare reports a lone CR.
func lineAt(b []byte, i int) (end, next int, odd bool) {
	// Windows, so that a mail of lone CRs is not looked through to its end for
	// a LF at every line.
	for at := i; at < len(b); {
		stop := min(at+512, len(b))
		w := b[at:stop]
		n := bytes.IndexByte(w, '\n')
		if n >= 0 {
			w = w[:n]
		}
		if r := bytes.IndexByte(w, '\r'); r >= 0 {
			end = at + r
			k := end + 1
			for k < len(b) && k < end+4 && b[k] == '\r' { // CR CR LF, of conversions made twice
				k++
			}
			if k < len(b) && b[k] == '\n' {
				return end, k + 1, k > end+1
			}
			return end, end + 1, true
		}
		if n >= 0 {
			return at + n, at + n + 1, false
		}
		at = stop
	}
	return len(b), len(b), false
}

// fieldName returns the length of the field name that a line begins with, 0 for
// none. RFC 5322 allows blanks before the colon in old mail (section 4.5).
func fieldName(line []byte) int {
	for i, c := range line {
		if c == ':' {
			return len(bytes.TrimRight(line[:i], " \t"))
		}
		if c <= 0x20 || c >= 0x7f {
			if (c == ' ' || c == '\t') && i > 0 {
				rest := bytes.TrimLeft(line[i:], " \t")
				if len(rest) > 0 && rest[0] == ':' {
					return i
				}
			}
			return 0
		}
		if i >= 200 {
			return 0
		}
	}
	return 0
}

func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' && c != 0 {
			return false
		}
	}
	return true
}

// block reads a header block at the beginning of b, and returns where the body
// begins. The end of b is allowed to be the end of the block.
func (s *scope) block(b []byte, path string) (fields []Field, body int) {
	limit := len(b)
	if int64(limit) > s.lim.Header {
		limit = int(s.lim.Header)
	}
	type span struct{ name, colon, from, to int }
	var spans []span
	if n := bytes.Count(b[:min(limit, 16<<10)], []byte("\n")); n > 0 {
		spans = make([]span, 0, min(n, 128))
	}
	i := 0
	over := false
	for i < len(b) {
		end, next, odd := lineAt(b, i)
		line := b[i:end]
		if odd {
			s.repair("mail.repair_line_ends", path, "")
		}
		if len(line) == 0 {
			i = next
			break
		}
		if i >= limit {
			// What is left is not read, but where it ends must be known.
			if !over {
				over = true
				s.incomplete("mail.incomplete_header", path, "")
			}
			i = next
			continue
		}
		if c := line[0]; (c == ' ' || c == '\t') && len(spans) > 0 {
			if blank(line) && endsHeader(b, next) {
				s.repair("mail.repair_header_end", path, "")
				i = next
				break
			}
			spans[len(spans)-1].to = end
			i = next
			continue
		}
		n := fieldName(line)
		if n == 0 {
			switch {
			case blank(line):
				s.repair("mail.repair_header_end", path, "")
				i = next
				goto done
			case i == 0 && mboxLine(line), bytes.HasPrefix(line, []byte(">From ")) && len(spans) < 8:
				i = next
				continue
			case len(spans) > 0 && len(b) > next && goesOn(b, next):
				if name := b[spans[len(spans)-1].name:spans[len(spans)-1].colon]; strings.EqualFold(string(name), "subject") {
					spans[len(spans)-1].to = end // a fold that lost its blank
				}
				s.repair("mail.repair_header_line", path, string(line[:min(len(line), 60)]))
				i = next
				continue
			case len(spans) == 0:
				s.repair("mail.repair_header_line", path, string(line[:min(len(line), 60)]))
				if next >= len(b) {
					goto done
				}
				if !goesOn(b, next) { // no header at all
					goto done
				}
				i = next
				continue
			}
			if next < len(b) || !bytes.HasPrefix(line, []byte("--")) {
				s.repair("mail.repair_header_end", path, "")
			}
			goto done
		}
		if len(spans) >= s.lim.Fields {
			if !over {
				over = true
				s.incomplete("mail.incomplete_fields", path, "")
			}
		} else {
			spans = append(spans, span{i, i + n, i + bytes.IndexByte(line, ':') + 1, end})
		}
		i = next
	}
done:
	if len(spans) == 0 {
		return nil, i
	}
	text := string(b[:spans[len(spans)-1].to])
	fields = make([]Field, len(spans))
	plain := true
	for k, p := range spans {
		raw := unfold(text[p.from:p.to])
		if strings.IndexByte(raw, 0) >= 0 {
			raw = strings.ReplaceAll(raw, "\x00", "")
			s.repair("mail.repair_nul", path, text[p.name:p.colon])
		}
		fields[k] = Field{Name: text[p.name:p.colon], Raw: raw, Value: raw}
		plain = plain && isPlain(raw)
	}
	if plain {
		return fields, i
	}
	hint := rawCharset(fields)
	for k := range fields {
		if f := &fields[k]; !isPlain(f.Raw) {
			f.Value = s.decodeWords(f.Raw, hint, path, f.Name)
		}
	}
	return fields, i
}

// unfold takes the line breaks out of a field's body (RFC 5322, section 2.2.3).
func unfold(v string) string {
	v = strings.Trim(v, " \t\r\n")
	if strings.IndexByte(v, '\n') < 0 && strings.IndexByte(v, '\r') < 0 {
		return v
	}
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); {
		c := v[i]
		if c != '\n' && c != '\r' {
			out = append(out, c)
			i++
			continue
		}
		for i < len(v) && (v[i] == '\n' || v[i] == '\r' || v[i] == ' ' || v[i] == '\t') {
			i++
		}
		for len(out) > 0 && (out[len(out)-1] == ' ' || out[len(out)-1] == '\t') {
			out = out[:len(out)-1]
		}
		out = append(out, ' ')
	}
	return string(out)
}

// isPlain reports text that needs no decoding.
func isPlain(v string) bool {
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c >= 0x80, c == 0x1b, c == 0x0e:
			return false
		case c == '=' && i+1 < len(v) && v[i+1] == '?':
			return false
		case c == '$' && i+1 < len(v) && (v[i+1] == 'B' || v[i+1] == '@'):
			return false
		}
	}
	return true
}

// rawCharset is the charset of the block's Content-Type: raw eight-bit fields
// are most often in the same.
func rawCharset(fields []Field) string {
	for i := range fields {
		if strings.EqualFold(fields[i].Name, "content-type") {
			_, params := parseParams(nil, fields[i].Raw, "", "")
			if cs := params["charset"]; charset.Known(cs) {
				return cs
			}
		}
	}
	return ""
}

func mboxLine(line []byte) bool {
	return bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))
}

// endsHeader reports whether a line of blanks before i ends the header: what
// follows is no field.
func endsHeader(b []byte, i int) bool {
	if i >= len(b) {
		return true
	}
	end, _, _ := lineAt(b, i)
	line := b[i:end]
	if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
		return blank(line)
	}
	return fieldName(line) == 0
}

// goesOn reports whether header fields follow at i.
func goesOn(b []byte, i int) bool {
	for range 2 {
		if i >= len(b) {
			return false
		}
		end, next, _ := lineAt(b, i)
		line := b[i:end]
		if len(line) == 0 {
			return false
		}
		if n := fieldName(line); n > 0 {
			return knownField(string(line[:n])) || bytes.HasPrefix(bytes.ToLower(line), []byte("x-"))
		}
		i = next
	}
	return false
}

// known are field names by which a header is recognised.
var known = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`received return-path delivered-to from to cc bcc subject date message-id
		mime-version content-type content-transfer-encoding content-disposition content-id content-description content-language
		reply-to sender in-reply-to references authentication-results dkim-signature received-spf arc-seal
		arc-message-signature arc-authentication-results list-id list-unsubscribe list-unsubscribe-post list-post list-help precedence importance priority x-mailer user-agent
		x-priority x-originating-ip x-received x-google-dkim-signature x-spam-status x-spam-score x-spam-flag
		envelope-to errors-to resent-from resent-to resent-date resent-message-id thread-topic thread-index
		auto-submitted organization comments keywords status x-status x-mozilla-status x-mozilla-status2 disposition-notification-to
		x-ms-exchange-organization-scl x-ms-has-attach x-ms-tnef-correlator accept-language content-class x-uidl apparently-to domainkey-signature feedback-id
		x-original-to x-account-key x-envelope-from x-forwarded-to return-receipt-to content-location content-base errors-to mail-followup-to`) {
		m[name] = true
	}
	return m
}()

func knownField(name string) bool {
	if len(name) > 40 {
		return false
	}
	return known[strings.ToLower(name)]
}
