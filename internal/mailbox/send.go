// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"teiten/internal/job"
	"teiten/internal/locale"
	"teiten/internal/mailer"
	"teiten/internal/store"
)

// AnswerJob sends one answer.
const AnswerJob = "mailbox.answer"

// AnswerField is the header field by which an answer of this installation is
// known when it comes back: its Message-ID's left side and a keyed hash of it.
const AnswerField = "Teiten-Answer"

// kinds of answers.
const (
	reportAnswer = "report"
	groupAnswer  = "group"
	guideAnswer  = "guide"
)

// letterUse binds sealed answers to their use.
const letterUse = "mailbox.letter"

// letter is an answer until it is sent. It is stored sealed, and not in the
// job: jobs are kept for a while, and it names a person.
type letter struct {
	ID        string      `json:"id"` // the same at every attempt
	To        string      `json:"to"`
	Subject   string      `json:"subject"`
	Body      string      `json:"body"`
	InReplyTo string      `json:"in_reply_to,omitempty"`
	Lang      locale.Lang `json:"lang"`
}

func newLetter(lang locale.Lang, subject, body string) letter {
	return letter{ID: strings.ToLower(rand.Text()), Subject: subject, Body: body, Lang: lang}
}

type answerArgs struct {
	Answer int64 `json:"answer"`
}

// enqueueAnswer writes an answer and its job in the transaction of what it
// answers.
func (b *Box) enqueueAnswer(ctx context.Context, tx *store.Tx, m *Mail, kind string, l letter) (err error) {
	m.Reply = Waiting
	m.answerID, err = b.insertLetter(ctx, tx, m.Org, m.senderKey, kind, l)
	return err
}

func (b *Box) insertLetter(ctx context.Context, tx *store.Tx, org, key int64, kind string, l letter) (int64, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return 0, err
	}
	id, err := insertAnswer(ctx, tx, org, key, kind, b.Blobs.Keyring().Protect(letterUse, text))
	if err != nil {
		return 0, err
	}
	return id, job.Enqueue(ctx, tx, AnswerJob, answerArgs{id}, job.Unique(strconv.FormatInt(id, 10)))
}

// pauses are between attempts to send an answer; after the last it is given
// up. An answer about this morning's mail is of no use tomorrow.
var pauses = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour}

func (b *Box) answerJob(ctx context.Context, j job.Job) error {
	var args answerArgs
	if err := json.Unmarshal(j.Args, &args); err != nil {
		return fmt.Errorf("mailbox: %w", err)
	}
	sealed, tries, err := waitingAnswer(ctx, b.DB, args.Answer)
	if err != nil || sealed == nil {
		return err
	}
	text, err := b.Blobs.Keyring().Reveal(letterUse, sealed)
	if err != nil {
		return err
	}
	var l letter
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("mailbox: answer %d: %w", args.Answer, err)
	}
	failed := b.Mail.Deliver(ctx, mailer.Letter{ID: l.ID, To: l.To, Subject: l.Subject, Body: l.Body, Language: l.Lang, InReplyTo: l.InReplyTo,
		Fields: map[string]string{"Auto-Submitted": "auto-replied", "Precedence": "bulk", AnswerField: b.answerMark(l.ID)}})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var f *mailer.Failure
	if failed != nil && !(errors.As(failed, &f) && f.Permanent()) && tries < len(pauses) {
		b.Log.Warn("an answer could not be sent and will be tried again", "answer", args.Answer, "try", tries+1, "error", failed)
		return b.DB.Keep(ctx, func(tx *store.Tx) error {
			if err := triedAnswer(ctx, tx, args.Answer); err != nil {
				return err
			}
			return job.Enqueue(ctx, tx, AnswerJob, args, job.Unique(strconv.FormatInt(args.Answer, 10)), job.At(tx.Now.Add(pauses[tries])))
		})
	}
	reply := Sent
	if failed != nil {
		reply = Unsent
		b.Log.Error("an answer was not sent", "answer", args.Answer, "error", failed)
	}
	return b.DB.Keep(ctx, func(tx *store.Tx) error { return endAnswer(ctx, tx, args.Answer, reply) })
}

// answerMark is the value of AnswerField.
func (b *Box) answerMark(id string) string {
	return id + " " + base64.RawURLEncoding.EncodeToString(b.Blobs.Keyring().Seal([]byte("mailbox answer\n" + id))[:18])
}

// isAnswer reports whether a value of AnswerField was made here.
func (b *Box) isAnswer(value string) bool {
	id, _, ok := strings.Cut(value, " ")
	return ok && len(value) <= 100 && subtle.ConstantTimeCompare([]byte(b.answerMark(id)), []byte(value)) == 1
}
