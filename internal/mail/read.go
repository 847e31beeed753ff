// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"errors"
	"strings"

	"teiten/internal/charset"
	"teiten/internal/fault"
	"teiten/internal/outlook"
)

// Read reads a mail in any format. An error is a fault: fault.Invalid with a
// code that says what was handed in instead (empty, an image: "mail.image", an
// archive: "mail.archive", ...), fault.TooLarge beyond Limits.Bytes. The
// message refers to b, which must not be changed as long as it is in use.
func Read(b []byte, limits Limits) (*Message, error) {
	lim := limits.orDefaults()
	if int64(len(b)) > lim.Bytes {
		return nil, fault.New(fault.TooLarge, "mail.too_large", "limit", lim.Bytes>>20)
	}
	m := &Message{Size: int64(len(b)), SHA256: digest(b)}
	s := (&budget{lim: lim}).scope(m)
	if outlook.IsTNEF(b) {
		return s.readTNEF(b)
	}
	if isMsg(b) {
		return s.readMsg(b)
	}
	if err := refuse(b); err != nil {
		return nil, err
	}
	raw := b
	b = s.unwrap(b)
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, fault.New(fault.Invalid, "mail.empty")
	}
	start := headerStart(b)
	if start < 0 {
		if binary(b) {
			return nil, fault.New(fault.Invalid, "mail.binary")
		}
		s.pasted(b)
		return m, nil
	}
	if start > 0 {
		s.repair("mail.repair_before_header", "", "")
	}
	b = b[start:]
	if lead := indent(b); lead != "" {
		s.repair("mail.repair_indented", "", "")
		b = outdent(b, lead)
	}
	if mboxLine(b) {
		if end := mboxEnd(b); end > 0 {
			s.incomplete("mail.incomplete_mbox", "", "")
			b, raw = b[:end], raw[:len(raw)-(len(b)-end)]
		}
	}
	m.Format = EML
	s.message(b, "1", 1)
	if m.Raw = raw; len(b) <= len(raw) && len(b) > 0 && start >= 0 {
		if i := len(raw) - len(b); bytes.Equal(raw[i:], b) {
			m.Raw = raw[i:]
			if mboxLine(m.Raw) {
				_, next, _ := lineAt(m.Raw, 0)
				m.Raw = m.Raw[next:]
			}
		}
	}
	if headerOnly(m, b) {
		m.Format, m.Raw = Header, nil
	}
	return m, nil
}

// mboxEnd is where the next mail of a mailbox begins (RFC 4155), 0 for none.
func mboxEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("\nFrom "))
		if i < 0 {
			return 0
		}
		at += i + 1
		if before := bytes.TrimRight(b[max(0, at-4):at], "\r"); !bytes.HasSuffix(before, []byte("\n\n")) && !bytes.HasSuffix(before, []byte("\n\r\n")) {
			continue
		}
		if _, next, _ := lineAt(b, at); next < len(b) && likeHeader(b[next:]) {
			return at
		}
	}
}

// headerOnly reports that nothing follows the header: somebody pasted it.
func headerOnly(m *Message, b []byte) bool {
	r := m.Root
	if len(r.Parts) > 0 || len(bytes.TrimSpace(r.Data)) > 0 || r.Message != nil || len(m.Incomplete) > 0 {
		return false
	}
	// A mail without a text ends in an empty line; what is pasted seldom does,
	// and without a Received field it does not matter.
	return !bytes.Contains(b, []byte("\n\n")) && !bytes.Contains(b, []byte("\n\r\n")) && !bytes.Contains(b, []byte("\r\r"))
}

// refuse returns why bytes are no mail, if they are another kind of file.
func refuse(b []byte) error {
	is := magic(b)
	code := ""
	switch {
	case is == "":
		return nil
	case strings.HasPrefix(is, "image/"):
		code = "mail.image"
	case is == "application/pdf":
		code = "mail.pdf"
	case is == "application/zip" && isOpenXML(b), is == oleType, is == "application/rtf", is == "application/onenote":
		code = "mail.office"
	case is == "application/vnd.ms-outlook-pst":
		code = "mail.mailbox"
	case is == "application/vnd.microsoft.portable-executable", is == "application/x-executable", is == "application/x-mach-binary",
		is == "application/x-ms-shortcut", is == "application/vnd.ms-htmlhelp":
		code = "mail.executable"
	default:
		code = "mail.archive"
	}
	if likeHeader(b) && is != "application/zip" { // a mail that begins like something else
		return nil
	}
	return fault.New(fault.Invalid, code)
}

// unwrap takes off what mail programs and editors put around a mail: byte order
// marks, UTF-16, the length line of Apple Mail's .emlx.
func (s *scope) unwrap(b []byte) []byte {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		b = b[3:]
		s.repair("mail.repair_bom", "", "")
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		b = []byte(charset.Decode(b, "").Text)
		s.repair("mail.repair_bom", "", "")
	}
	end, next, _ := lineAt(b, 0)
	if line := bytes.TrimSpace(b[:end]); len(line) > 0 && len(line) < 12 {
		n := 0
		for _, c := range line {
			if c < '0' || c > '9' {
				return b
			}
			n = n*10 + int(c-'0')
		}
		if n > 0 && n <= len(b)-next && likeHeader(b[next:]) {
			return b[next : next+n]
		}
	}
	return b
}

// binary reports bytes that are no text in any character set.
func binary(b []byte) bool {
	sample := b[:min(len(b), 8192)]
	control := 0
	for _, c := range sample {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b && c != 0x0e && c != 0x0f || c == 0x7f {
			control++
		}
	}
	return control*20 > len(sample)
}

// headerStart finds where the header begins: at once, behind blank lines and
// mbox's, or behind what a web mail shows above a mail's source. It is -1 for
// text without a header.
func headerStart(b []byte) int {
	at := 0
	for at < len(b) {
		end, next, _ := lineAt(b, at)
		if !blank(b[at:end]) {
			break
		}
		at = next
	}
	if at >= len(b) {
		return -1
	}
	if likeHeader(b[at:]) && !quotedBlock(b[at:]) {
		return at
	}
	if lead := indent(b[at:]); lead != "" && likeHeader(outdent(b[at:min(len(b), at+4096)], lead)) {
		return at
	}
	// Below other text, only fields that no mail program quotes begin a header.
	for line := 0; line < 60 && at < len(b) && at < 16<<10; line++ {
		end, next, _ := lineAt(b, at)
		if n := fieldName(b[at:end]); n > 0 && transport[strings.ToLower(string(b[at:at+min(n, 40)]))] && likeHeader(b[at:]) {
			return at
		}
		at = next
	}
	return -1
}

// transport are fields that only a mail's source shows.
var transport = map[string]bool{
	"delivered-to": true, "received": true, "return-path": true, "x-received": true, "arc-seal": true, "dkim-signature": true,
	"authentication-results": true, "mime-version": true, "received-spf": true, "x-original-to": true, "message-id": true,
	"x-mozilla-status": true, "x-ms-exchange-organization-scl": true, "content-type": true,
}

// quotedBlock reports a block as mail programs quote it (From, Sent, To,
// Subject), which is no header.
func quotedBlock(b []byte) bool {
	at, sent := 0, false
	for range 12 {
		if at >= len(b) {
			break
		}
		end, next, _ := lineAt(b, at)
		line := b[at:end]
		if len(line) == 0 {
			break
		}
		if n := fieldName(line); n > 0 {
			switch name := strings.ToLower(string(line[:n])); {
			case transport[name]:
				return false
			case name == "sent":
				sent = true
			}
		}
		at = next
	}
	return sent
}

// indent is the white space that every line of a pasted header begins with.
func indent(b []byte) string {
	end, next, _ := lineAt(b, 0)
	line := b[:end]
	n := 0
	for n < len(line) && (line[n] == ' ' || line[n] == '\t') {
		n++
	}
	if n == 0 || n > 40 || fieldName(line[n:]) == 0 {
		return ""
	}
	end2, _, _ := lineAt(b, next)
	if !bytes.HasPrefix(b[next:end2], line[:n]) {
		return ""
	}
	return string(line[:n])
}

func outdent(b []byte, lead string) []byte {
	out := bytes.TrimPrefix(b, []byte(lead))
	out = bytes.ReplaceAll(out, []byte("\n"+lead), []byte("\n"))
	return bytes.ReplaceAll(out, []byte("\r"+lead), []byte("\r"))
}

// pasted makes a message of text without a header.
func (s *scope) pasted(b []byte) {
	m := s.m
	m.Format = Text
	m.Root = &Part{Path: "1", MediaType: "text/plain", Data: b, body: true}
	if likeHTML(b) {
		m.Root.MediaType = "text/html"
	}
	s.parts++
	if !s.spend(len(b)) {
		s.incomplete("mail.incomplete_decoded", "1", "")
		m.Root.Data = nil
		return
	}
	s.decodeText(m.Root, b, "")
}

func (s *scope) readMsg(b []byte) (*Message, error) {
	return s.handedIn(outlook.ReadMsg(b, s.outlookLimits(1)))
}

func (s *scope) readTNEF(b []byte) (*Message, error) {
	return s.handedIn(outlook.ReadTNEF(b, s.outlookLimits(1)))
}

// handedIn makes the mail of an item that is the whole file.
func (s *scope) handedIn(item *outlook.Item, err error) (*Message, error) {
	if err != nil || item == nil {
		if f := (*fault.Error)(nil); errors.As(err, &f) && f.Kind == fault.TooLarge {
			return nil, err
		}
		return nil, fault.Wrap(err, fault.Invalid, "mail.msg_broken")
	}
	s.m.Format = MSG
	s.outlookItem(item, "1", 1)
	return s.m, nil
}
