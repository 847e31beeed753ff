// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"cmp"
	"context"
	"slices"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/mailcheck"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// State is what became of a mail.
type State string

const (
	Received   State = "received"   // stored, not looked at yet
	Reported   State = "reported"   // it is a report now
	Question   State = "question"   // somebody wrote, and no other mail is in it
	Unreadable State = "unreadable" // it could not be read as a mail
	Outside    State = "outside"    // the sender is of none of the approved domains
	Automatic  State = "automatic"  // a machine wrote it: out-of-office, our own answer
	Bounce     State = "bounce"     // a delivery status notification (RFC 3464)
	Discarded  State = "discarded"  // it came from outside, and somebody threw it away
	Failed     State = "failed"     // it was tried again and again; see the log
)

// States are all of them.
var States = []State{Received, Reported, Question, Unreadable, Outside, Automatic, Bounce, Discarded, Failed}

// Name returns the word for the state.
func (s State) Name(lang locale.Lang) string { return lang.T("mailbox.state." + string(s)) }

// Reply is how a mail was answered.
type Reply string

const (
	NoReply Reply = "none"
	Waiting Reply = "waiting" // it is on its way
	Grouped Reply = "grouped" // it will be answered with others
	Sent    Reply = "sent"    // the mail server has taken it
	Unsent  Reply = "failed"  // the mail server refused it, or did not answer for a day
)

// Replies are all of them.
var Replies = []Reply{NoReply, Waiting, Grouped, Sent, Unsent}

// Name returns the word for it.
func (r Reply) Name(lang locale.Lang) string { return lang.T("mailbox.reply." + string(r)) }

// Mail is what the log says about a mail that arrived. It names nobody.
type Mail struct {
	ID      int64             `json:"id"`
	Org     int64             `json:"organisation"`
	OrgName string            `json:"organisation_name"`
	At      time.Time         `json:"received_at"`
	Size    int64             `json:"size"` // in bytes
	Fetched bool              `json:"fetched,omitempty"`
	State   State             `json:"state"`
	Reason  string            `json:"reason,omitempty"` // why it was not answered: a Refusal, or a code of package fault
	Verdict mailcheck.Verdict `json:"verdict,omitempty"`
	Report  int64             `json:"report,omitempty"` // 0 for none
	Reply   Reply             `json:"answer"`
	// Until is when a mail from outside is deleted; zero when nobody can decide
	// about it (any more).
	Until time.Time `json:"until,omitzero"`

	address, imap, account int64
	blob                   string
	sender                 []byte
	senderKey, answerID    int64
}

// Why says why a mail was not answered, "" for no reason.
func (m Mail) Why(lang locale.Lang) string {
	if slices.Contains(Refusals, Refusal(m.Reason)) {
		return Refusal(m.Reason).Name(lang)
	}
	return m.Reason // the code of a fault
}

// MostRecent is the most mails of one page of the log.
const MostRecent = 500

// Filter narrows the log.
type Filter struct {
	Org int64 // 0 for all that the caller may see
	// Outside leaves those from outside that can still be accepted or discarded.
	Outside bool
	Before  int64 // id: the page after the row that had it; 0 for the first
	Limit   int   // 1 to MostRecent; 0 means 50
}

// Page is a part of the log, the newest first.
type Page struct {
	Items []Mail
	Next  int64 // Before of the next page; 0 when this is the last
}

// Recent returns a page of the mails that came to the caller's institution; for
// operators to all.
func Recent(ctx context.Context, q store.Queryer, c caller.Caller, f Filter) (p Page, err error) {
	if err := permit.Check(c, permit.InstitutionManage); err != nil {
		return p, err
	}
	f.Limit = cmp.Or(f.Limit, 50)
	if f.Limit < 1 || f.Limit > MostRecent {
		return p, fault.New(fault.Invalid, "fault.limit", "most", MostRecent)
	}
	if p.Items, err = recentMails(ctx, q, c, f); err == nil && len(p.Items) > f.Limit {
		p.Items = p.Items[:f.Limit]
		p.Next = p.Items[f.Limit-1].ID
	}
	return p, err
}
