// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"time"

	"teiten/internal/mailcheck"
	"teiten/internal/redact"
)

// Channel is the door through which a report came.
type Channel string

const (
	Web     Channel = "web"
	API     Channel = "api"
	CLI     Channel = "cli"
	Mailbox Channel = "mailbox"
)

// MaxMail is the size of a mail that is held or reported, in bytes.
const MaxMail = 50 << 20

// Submission is what goes with a mail that is reported.
type Submission struct {
	Did  mailcheck.Action // what the person did with it already
	Hide []string         // texts to hide besides: at most 50 of 200 characters
	// Channel is the door; "" means that of the caller.
	Channel Channel
	// At is when the mail came, if that was before it is reported: the mailbox
	// works through what has come. Zero, the future and more than a week ago
	// mean now.
	At time.Time
}

// Report is a mail that somebody reported.
type Report struct {
	ID       int64
	Org      int64
	OrgName  string
	Account  int64  // of the reporter, 0 of a shared PC; 0 for those outside his institution
	Reporter string // his name; "" of a shared PC and for those outside his institution
	Mine     bool   // the caller reported it
	Channel  Channel
	At       time.Time
	Did      mailcheck.Action
	Verdict  mailcheck.Verdict // of that moment, as are score, rules and findings
	Score    int
	Rules    string
	// Findings, the strongest first. Their places have no text, and what in
	// their arguments is not in the redacted mail is hidden.
	Findings []mailcheck.Finding
	Subject  string       // redacted
	Mail     *redact.Mail // what is shared; nil in lists, unless Filter.Mails asked for it
	Case     int64        // for analysts, else 0
	State    State        // of the case
	// Advisory is what became of it, if it is published and the caller may see
	// it; else 0.
	Advisory  int64
	Size      int64     // of the original, in bytes
	Original  time.Time // until when the original is kept; zero when it is gone
	Withdrawn time.Time // zero unless the report was withdrawn
}

// Filter narrows the list of reports.
type Filter struct {
	Case      int64 // for analysts; 0 for all
	Org       int64 // for analysts; 0 for all
	Mine      bool  // the caller's own only
	Withdrawn bool  // the withdrawn ones too
	Mails     bool  // with their redacted mails
	Before    int64 // id: the page after the row that had it
	Limit     int   // 1 to 500; 0 means 50
}

// Page is a part of the list, the newest first.
type Page struct {
	Items []*Report
	Next  int64 // Before of the next page; 0 when this is the last
}
