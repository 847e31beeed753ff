// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/job"
	"teiten/internal/mail"
	"teiten/internal/report"
	"teiten/internal/store"
)

// Workers do the jobs of the mailbox.
func (b *Box) Workers() map[string]job.Worker {
	return map[string]job.Worker{HandleJob: b.handleJob, groupJob: b.groupJob, AnswerJob: b.answerJob, fetchJob: b.fetchJob}
}

// lastAttempt is the attempt after which a mail is given up (package job).
const lastAttempt = 8

func (b *Box) handleJob(ctx context.Context, j job.Job) error {
	var args handleArgs
	if err := json.Unmarshal(j.Args, &args); err != nil {
		return fmt.Errorf("mailbox: %w", err)
	}
	err := b.handle(ctx, args.Mail)
	if err != nil && j.Attempt >= lastAttempt && ctx.Err() == nil {
		// The mail stays for keepFor; the log has the cause.
		err = errors.Join(err, b.finish(ctx, caller.System("mailbox"), args.Mail, func(tx *store.Tx, m *Mail) error {
			m.State, m.Reason = Failed, fault.From(err).Code
			return audit.Append(ctx, tx, "mailbox.handle", object("mailbox_mail", m.ID), "state", string(m.State))
		}))
	}
	return err
}

// errHandled undoes a second handling of the same mail.
var errHandled = errors.New("mailbox: handled already")

// handle finds the original in a mail, reports it and has it answered. Done
// twice, it comes to the same end.
func (b *Box) handle(ctx context.Context, id int64) error {
	m, err := loadMail(ctx, b.DB, id)
	if fault.Is(err, fault.NotFound) || err == nil && m.State != Received {
		return nil
	} else if err != nil {
		return err
	}
	from, err := b.senderOf(m)
	if err != nil {
		return err
	}
	raw, err := b.read(ctx, m.blob)
	if err != nil {
		return err
	}
	c, inside, err := person(ctx, b.DB, m.Org, from)
	if err != nil {
		return err
	}
	read, broken := mail.Read(raw, mail.Limits{})
	if broken != nil && fault.Code(broken) == "" {
		return broken
	}
	refusal := NotInside
	if inside || from == (Sender{}) {
		var fields []mail.Field
		if read != nil {
			fields = read.Fields
		}
		refusal = b.answerable(from, fields)
	}
	end := func(state State, reply string, c caller.Caller) error {
		return b.finish(ctx, c, id, func(tx *store.Tx, m *Mail) error {
			m.State, m.Reason = state, string(refusal)
			if reply != "" {
				if err := b.guide(ctx, tx, m, from, read, reply, refusal); err != nil {
					return err
				}
			}
			return audit.Append(ctx, tx, "mailbox.handle", object("mailbox_mail", m.ID), "state", string(m.State), "answer", string(m.Reply))
		})
	}
	program := caller.System("mailbox")
	program.Org = m.Org
	switch {
	case read != nil && isBounce(read):
		return end(Bounce, "", program)
	case refusal == OwnAnswer || refusal == NullSender || refusal == OwnAddress:
		return end(Automatic, "", program)
	case !inside:
		return end(Outside, "", program)
	case broken != nil:
		return end(Unreadable, fault.Code(broken), c)
	}
	original, found := read.Original()
	if found == mail.Itself && isOwnWords(original, from) {
		if refusal != "" {
			return end(Automatic, "", c)
		}
		return end(Question, nothingInside, c)
	}
	draft, err := report.Prepare(ctx, b.DB, b.Blobs, b.Checker, c, raw, report.Submission{Channel: report.Mailbox})
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.TooLarge) {
		return end(Unreadable, fault.Code(err), c)
	} else if err != nil {
		return err
	}
	defer draft.Discard()
	err = b.finish(ctx, c, id, func(tx *store.Tx, m *Mail) error {
		if m.Report, _, err = draft.SubmitIn(ctx, tx); err != nil {
			return err
		}
		m.State, m.Verdict, m.Reason = Reported, draft.Answer.Verdict, string(refusal)
		// The report has the mail now; two copies would outlive each other.
		if err := m.drop(ctx, tx); err != nil {
			return err
		}
		if err := b.answer(ctx, tx, m, from, read, draft, refusal); err != nil {
			return err
		}
		if m.Reply == NoReply {
			m.sender = []byte{} // nobody asks for it any more
		}
		return audit.Append(ctx, tx, "mailbox.handle", object("mailbox_mail", m.ID), "state", string(m.State), "report", m.Report, "answer", string(m.Reply))
	})
	if err == nil {
		b.Wake()
	}
	return err
}

// finish changes a mail that waits in one transaction. One that was handled
// meanwhile is left alone.
func (b *Box) finish(ctx context.Context, c caller.Caller, id int64, fn func(*store.Tx, *Mail) error) error {
	err := b.change(ctx, c, id, Received, fn)
	if errors.Is(err, errHandled) {
		return nil
	}
	return err
}

// change changes a mail that is in a state in one transaction, and removes its
// file if fn dropped it. The error is errHandled if it is in another state.
func (b *Box) change(ctx context.Context, c caller.Caller, id int64, in State, fn func(*store.Tx, *Mail) error) error {
	name := ""
	err := b.DB.Write(ctx, c, func(tx *store.Tx) error {
		if mine, err := claimMail(ctx, tx, id, in); err != nil {
			return err
		} else if !mine {
			return errHandled
		}
		m, err := loadMail(ctx, tx, id)
		if err != nil {
			return err
		}
		had := m.blob
		if err := fn(tx, &m); err != nil {
			return err
		}
		if m.blob == "" {
			name = had
		}
		return updateMail(ctx, tx, m)
	})
	if err != nil || name == "" {
		return err
	}
	b.halt("reported")
	return b.Blobs.Remove(name)
}

// drop deletes the row of a mail's file; the file goes after the commit.
func (m *Mail) drop(ctx context.Context, tx *store.Tx) error {
	name := m.blob
	m.blob = ""
	return blob.Delete(ctx, tx, name)
}

// answerable is Answerable with what is known here.
func (b *Box) answerable(to Sender, fields []mail.Field) Refusal {
	own := func(s Sender) bool {
		from, ok := ParseSender(b.Mail.From())
		return s.Domain == b.cfg.Domain || ok && from.Fold() == s.Fold()
	}
	if r := Answerable(to, fields, own, b.isAnswer); r != "" {
		return r
	}
	switch {
	case b.Mail == nil:
		return NoMailServer
	case !to.ASCII():
		return NotWritable
	}
	return ""
}

func (b *Box) senderOf(m Mail) (Sender, error) {
	plain, err := b.Blobs.Keyring().Reveal(senderUse, m.sender)
	if err != nil {
		return Sender{}, err
	}
	s, ok := ParseSender(string(plain))
	if !ok {
		return Sender{}, fmt.Errorf("mailbox: mail %d has a sender that is none", m.ID)
	}
	return s, nil
}

func (b *Box) read(ctx context.Context, name string) ([]byte, error) {
	r, err := b.Blobs.Open(ctx, b.DB, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw := make([]byte, r.Size)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	// The end is authenticated too.
	if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		return nil, errors.Join(errors.New("mailbox: a mail goes on after its end"), err)
	}
	return raw, nil
}

// answer decides how a report is answered: by itself, with others, or not.
func (b *Box) answer(ctx context.Context, tx *store.Tx, m *Mail, to Sender, read *mail.Message, draft *report.Draft, refusal Refusal) error {
	if refusal != "" {
		return nil
	}
	limits := b.cfg.Limits
	hour := tx.Now.Add(-time.Hour)
	fromSender, fromAll, err := countSince(ctx, tx, m.Org, m.senderKey, hour, limits.Answers+1, limits.Single+1)
	if err != nil {
		return err
	}
	if fromSender > limits.Answers || fromAll > limits.Single {
		m.Reply = Grouped
		return b.scheduleGroup(ctx, tx, m.Org, m.senderKey)
	}
	l := b.reportLetter(b.language(read), tx.Caller, m.Report, draft)
	l.thread(to, read)
	return b.enqueueAnswer(ctx, tx, m, reportAnswer, l)
}

// guide answers somebody who sent no mail to check, or one that cannot be read,
// how to forward: once in a while.
func (b *Box) guide(ctx context.Context, tx *store.Tx, m *Mail, to Sender, read *mail.Message, code string, refusal Refusal) error {
	if refusal != "" {
		return nil
	}
	if n, err := countAnswers(ctx, tx, m.senderKey, guideAnswer, tx.Now.Add(-b.cfg.Limits.GuideInterval)); err != nil {
		return err
	} else if n > 0 {
		m.Reason = string(GuidedAlready)
		return nil
	}
	l := b.guideLetter(b.language(read), code)
	l.thread(to, read)
	return b.enqueueAnswer(ctx, tx, m, guideAnswer, l)
}

// scheduleGroup has the reports of a sender that wait answered together: after
// a pause, and not before the last such answer is Group old.
func (b *Box) scheduleGroup(ctx context.Context, tx *store.Tx, org, key int64) error {
	at := tx.Now.Add(b.cfg.Limits.GroupPause)
	last, err := lastAnswer(ctx, tx, key, groupAnswer)
	if err != nil {
		return err
	}
	if next := last.Add(b.cfg.Limits.Group); !last.IsZero() && next.After(at) {
		at = next
	}
	return job.Enqueue(ctx, tx, groupJob, groupArgs{org, key}, job.Unique(fmt.Sprint(key)), job.At(at))
}

// groupJob answers the reports of one sender that wait for it with one mail.
const groupJob = "mailbox.group"

type groupArgs struct {
	Org    int64 `json:"org"`
	Sender int64 `json:"sender"` // keyed hash
}

func (b *Box) groupJob(ctx context.Context, j job.Job) error {
	var args groupArgs
	if err := json.Unmarshal(j.Args, &args); err != nil {
		return fmt.Errorf("mailbox: %w", err)
	}
	c := caller.System("mailbox")
	c.Org = args.Org
	err := b.DB.Write(ctx, c, func(tx *store.Tx) error {
		all, err := groupedMails(ctx, tx, args.Org, args.Sender)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return errHandled
		}
		newest := all[len(all)-1]
		to, err := b.senderOf(newest)
		if err != nil {
			return err
		}
		l := b.groupLetter(b.cfg.Language, all)
		l.thread(to, nil)
		id, err := b.insertLetter(ctx, tx, args.Org, args.Sender, groupAnswer, l)
		if err != nil {
			return err
		}
		if err := answerGroup(ctx, tx, args.Org, args.Sender, newest.ID, id); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "mailbox.answer", object("mailbox_answer", id), "organisation", args.Org, "reports", len(all))
	})
	if errors.Is(err, errHandled) {
		return nil
	}
	if err == nil {
		b.Wake()
	}
	return err
}

// thread puts an answer into the conversation of what it answers (RFC 5322
// section 3.6.4).
func (l *letter) thread(to Sender, read *mail.Message) {
	l.To = to.String()
	if read != nil && isMessageID(read.MessageID) {
		l.InReplyTo = read.MessageID
	}
}

// isMessageID accepts what may stand in a header as it is.
func isMessageID(id string) bool {
	local, domain, ok := strings.Cut(id, "@")
	return ok && local != "" && domain != "" && len(id) <= 250 &&
		!strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>()\"\\,;", r) })
}
