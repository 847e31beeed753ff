// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"strings"
	"time"
)

// Format is the form in which a mail came.
type Format string

const (
	EML    Format = "eml"    // RFC 5322
	MSG    Format = "msg"    // Outlook
	Header Format = "header" // header fields only, pasted
	Text   Format = "text"   // pasted text without a header
)

// Limits bound what is read. Zero fields mean the defaults. A mail of more than
// Bytes is refused; what is beyond the others is left unread, and listed in
// Message.Incomplete.
type Limits struct {
	Bytes   int64 // of the mail as it came: 50 MiB
	Depth   int   // parts and messages inside each other: 20
	Parts   int   // 1,000, attached messages' parts included
	Header  int64 // bytes of one header block: 1 MiB
	Fields  int   // header fields of one block: 2,000
	Decoded int64 // bytes of all decoded parts: 100 MiB
}

func (l Limits) orDefaults() Limits {
	set := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	count := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&l.Bytes, 50<<20)
	set(&l.Header, 1<<20)
	set(&l.Decoded, 100<<20)
	count(&l.Depth, 20)
	count(&l.Parts, 1000)
	count(&l.Fields, 2000)
	return l
}

// Address is a mailbox of RFC 5322, section 3.4, as it was written.
type Address struct {
	Name    string // display name, decoded
	Address string // local@domain; the domain lower case; may be malformed
}

// Field is a header field.
type Field struct {
	Name  string // as written
	Value string // unfolded and decoded
	Raw   string // unfolded, not decoded
}

// Part is a node of the mail's tree.
type Part struct {
	Path        string // its place: "1", "1.2"; of an attached message's parts "1.2/1", "1.2/1.1"
	MediaType   string // lower case; what the bytes are where the mail lies crudely or says nothing
	Declared    string // media type as declared, lower case, "" for none
	Params      map[string]string
	Charset     string // the one its text was read in, "" if it is no text
	Encoding    string // content transfer encoding as declared, lower case
	Disposition string // "attachment", "inline" or ""
	Name        string // file name, decoded, "" for none
	ContentID   string // without angle brackets
	Fields      []Field
	Text        string   // of text parts: decoded, line ends as "\n"
	Data        []byte   // of leaves: decoded bytes
	Message     *Message // of message/rfc822, attached .msg files, and TNEF: what is inside
	Parts       []*Part  // of multiparts; of text, the uuencoded files that stood in it
	// Hidden marks text before the first boundary or after the last, which
	// mail programs that know MIME do not show.
	Hidden bool

	body bool // stands where a body stands, whatever its name
}

// Attached reports whether the part is a file for the reader to open rather
// than a body: by disposition, by a file name, or because it is no text. A text
// that stands where the body stands is one even if it has a file name, since
// mail programs show it.
func (p *Part) Attached() bool {
	switch {
	case len(p.Parts) > 0 && strings.HasPrefix(p.MediaType, "multipart/"):
		return false
	case p.Disposition == "attachment":
		return true
	case !strings.HasPrefix(p.MediaType, "text/") && p.MediaType != "application/xhtml+xml":
		return !strings.HasPrefix(p.MediaType, "multipart/") && p.MediaType != "message/delivery-status" && p.MediaType != "message/disposition-notification"
	}
	return p.Name != "" && !p.body
}

// Message is a mail as it was read.
type Message struct {
	Format     Format
	Size       int64   // in bytes, as it came
	SHA256     string  // of the bytes, in hexadecimal digits
	Fields     []Field // in order
	Subject    string  // decoded
	From       []Address
	Sender     Address
	ReplyTo    []Address
	ReturnPath Address
	To, Cc     []Address
	Date       time.Time // zero if missing or unreadable
	MessageID  string    // without angle brackets
	References []string  // In-Reply-To and References
	Root       *Part     // never nil
	Repairs    []Repair
	// Incomplete is what a limit, or a form that cannot be read, left unread.
	Incomplete []Repair
	// Raw is the mail as it came, for DKIM. It is nil for other formats than
	// EML.
	Raw []byte
}

// Repair is something wrong that was read nevertheless.
type Repair struct {
	Code string // key of package locale: "mail.repair_..."
	Path string // of the part, "" for the mail itself
	What string // the field or value it is about, shortened, "" for none
}

// Get returns the first field of the name, decoded, or "".
func (m *Message) Get(name string) string {
	for i := range m.Fields {
		if strings.EqualFold(m.Fields[i].Name, name) {
			return m.Fields[i].Value
		}
	}
	return ""
}

// All returns the values of all fields of the name, decoded, in order.
func (m *Message) All(name string) []string {
	var all []string
	for i := range m.Fields {
		if strings.EqualFold(m.Fields[i].Name, name) {
			all = append(all, m.Fields[i].Value)
		}
	}
	return all
}

// Walk calls fn for every part of this message, depth first, not entering
// attached messages, until fn returns false. What Outlook packed into a
// winmail.dat belongs to this message and is entered.
func (m *Message) Walk(fn func(*Part) bool) { m.Root.walk(fn) }

func (p *Part) walk(fn func(*Part) bool) bool {
	if p == nil {
		return true
	}
	if !fn(p) {
		return false
	}
	for _, child := range p.Parts {
		if !child.walk(fn) {
			return false
		}
	}
	if p.MediaType == tnefType && p.Message != nil {
		return p.Message.Root.walk(fn)
	}
	return true
}

const tnefType = "application/ms-tnef"

// Texts are the parts that are plain text bodies, HTML those that are HTML
// bodies, Files those to open, attached messages included. None of them holds
// hidden parts, and Files not the winmail.dat itself but what is in it.
func (m *Message) Texts() []*Part {
	return m.pick(func(p *Part) bool {
		return !p.Attached() && strings.HasPrefix(p.MediaType, "text/") && !isHTML(p.MediaType) && p.MediaType != "text/calendar"
	})
}

// HTML are the parts that are HTML bodies.
func (m *Message) HTML() []*Part {
	return m.pick(func(p *Part) bool { return !p.Attached() && isHTML(p.MediaType) })
}

// Files are the parts to open.
func (m *Message) Files() []*Part {
	return m.pick(func(p *Part) bool { return p.Attached() && (p.MediaType != tnefType || p.Message == nil) })
}

func (m *Message) pick(wanted func(*Part) bool) []*Part {
	var all []*Part
	m.Walk(func(p *Part) bool {
		if !p.Hidden && wanted(p) {
			all = append(all, p)
		}
		return true
	})
	return all
}

func isHTML(mediaType string) bool {
	return mediaType == "text/html" || mediaType == "application/xhtml+xml"
}

// Found says how the original was found in what somebody handed in.
type Found string

const (
	Itself   Found = "itself"   // the mail is the one in question
	Attached Found = "attached" // it was attached to a forwarding mail
	Inline   Found = "inline"   // it was quoted in a forwarding mail, its header lines in the text
)
