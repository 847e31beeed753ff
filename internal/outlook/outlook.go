// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import "time"

// Item is a message as Outlook keeps it.
type Item struct {
	Class       string // IPM.Note, IPM.Schedule.Meeting.Request, ...
	Headers     string // the transport headers, "" if it never went over the wire
	Fields      []Field
	Subject     string
	FromName    string
	From        string // SMTP address, "" where there is none
	Sender      string // SMTP address of who sent on behalf of From, "" if the same
	SenderName  string
	ReplyTo     []Person
	To, Cc, Bcc []Person
	Date        time.Time // sent, else delivered; zero if unknown
	Delivered   time.Time // into the mailbox; zero if unknown
	MessageID   string    // without angle brackets
	InReplyTo   string    // as written
	References  string    // as written
	Text        string    // plain body, line ends as they were
	HTML        []byte    // HTML body, in HTMLCharset ("" for UTF-8)
	HTMLCharset string
	FromRTF     bool // the HTML or text was taken out of compressed RTF
	// Other is the HTML, in UTF-8, that compressed RTF says where the item has
	// an HTML body as well. Programs differ in which of the two they show.
	Other       []byte
	Attachments []Attachment
	Repairs     []Repair // what was broken and read nevertheless
}

// Field is a header field that is kept as a named property
// (PS_INTERNET_HEADERS, MS-OXPROPS 1.3.2). An item may have some without
// having transport headers.
type Field struct{ Name, Value string }

// Person is a recipient. Address is the SMTP address, "" where only one of
// another kind is known (X.500 inside an Exchange organisation).
type Person struct{ Name, Address string }

// Attachment is a file or a message inside an item.
type Attachment struct {
	Name      string
	MediaType string
	ContentID string // without angle brackets
	Hidden    bool   // shown inside the body
	// Link is the path or URL of an attachment that is only referred to.
	Link string
	// OLE reports an embedded object. Data is then the file that it packs, or
	// else a compound file with what it consists of.
	OLE  bool
	Data []byte
	Item *Item // an attached message; Data is nil then
}

// Repair is something broken that was read nevertheless.
type Repair struct {
	Code  string // key of package locale: "outlook.repair_..."
	Where string // the stream or attribute
}

// mostRepairs are kept of one item: more say nothing new.
const mostRepairs = 100

// Limits bound what is read. Fields that are zero mean the defaults. Beyond a
// limit nothing is read: the error is a fault of kind TooLarge.
type Limits struct {
	Depth int   // attached messages inside each other; 8
	Parts int   // attachments and recipients in all; 2,000
	Bytes int64 // produced in all, decompressed; 200 MiB
}

func (l Limits) orDefault() Limits {
	if l.Depth <= 0 {
		l.Depth = 8
	}
	if l.Parts <= 0 {
		l.Parts = 2000
	}
	if l.Bytes <= 0 {
		l.Bytes = 200 << 20
	}
	return l
}
