// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/mailer"
	"teiten/internal/store"
)

// NoticeKind is what somebody is told.
type NoticeKind string

const (
	ToldPublished NoticeKind = "published" // your report became an advisory
	ToldDismissed NoticeKind = "dismissed" // the ISAC looked, and there is no danger to share
	ToldWithdrawn NoticeKind = "withdrawn" // the advisory was taken back
	ToldAsked     NoticeKind = "asked"     // to contacts: an analyst asks for an original
	ToldAnswered  NoticeKind = "answered"  // to the analyst: it was answered
)

// Text is the sentence of the notice.
func (k NoticeKind) Text(lang locale.Lang) string { return lang.T("report.notice." + string(k)) }

// mailed are the notices that are sent by mail too, with the key of their text.
var mailed = map[NoticeKind]string{ToldPublished: "report_published", ToldAsked: "report_asked"}

// Notice tells a person what became of something. For a report from a shared
// PC it goes to the institution's contacts.
type Notice struct {
	ID       int64
	Kind     NoticeKind
	Report   int64
	Subject  string // of the report, redacted
	Advisory int64  // if the caller may see it, else 0
	Consent  int64
	At       time.Time
	Read     time.Time // zero until it was read
}

// keepRead is how long a notice is kept that was read.
const keepRead = 90 * 24 * time.Hour

// tellReporters tells everybody who reported something in a case.
func tellReporters(ctx context.Context, tx *store.Tx, ml *mailer.Mailer, of int64, kind NoticeKind, advisoryID int64) error {
	told := map[int64]bool{}
	for _, query := range []string{caseReporters, caseContacts} {
		who, err := pairs(ctx, tx, query, of, store.Micros(tx.Now))
		if err != nil {
			return err
		}
		for _, w := range who {
			if told[w.account] {
				continue
			}
			told[w.account] = true
			if err := tell(ctx, tx, ml, w, kind, advisoryID, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// told is an account, and the report of which it is told.
type told struct{ account, report int64 }

func pairs(ctx context.Context, tx *store.Tx, query string, args ...any) (all []told, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("report: notices: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t told
		if err := rows.Scan(&t.account, &t.report); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

func tell(ctx context.Context, tx *store.Tx, ml *mailer.Mailer, w told, kind NoticeKind, advisoryID, consent int64) error {
	if _, err := tx.Exec(ctx, insertNotice, w.account, string(kind), w.report, advisoryID, consent, store.Micros(tx.Now)); err != nil {
		return fmt.Errorf("report: notice: %w", err)
	}
	key, ok := mailed[kind]
	if !ok {
		return nil
	}
	_, err := ml.Notify(ctx, tx, w.account, key, "number", w.report, "at", tx.Now)
	return err
}

// Notices returns the caller's notices, the newest first, at most limit (1 to
// 200); with unread only those he has not read.
func Notices(ctx context.Context, q store.Queryer, c caller.Caller, unread bool, limit int) ([]Notice, error) {
	if limit < 1 || limit > 200 {
		return nil, fault.New(fault.Invalid, "fault.limit", "most", 200)
	}
	if c.Account == 0 {
		return nil, nil
	}
	query := listNotices
	if unread {
		query += " AND n.read_at = 0"
	}
	ceiling, org := store.Sees(c)
	rows, err := q.Query(ctx, query+" ORDER BY n.id DESC LIMIT "+strconv.Itoa(limit), c.Account, ceiling, org)
	if err != nil {
		return nil, fmt.Errorf("report: notices: %w", err)
	}
	defer rows.Close()
	var all []Notice
	for rows.Next() {
		var n Notice
		var at, read int64
		if err := rows.Scan(&n.ID, &n.Kind, &n.Report, &n.Subject, &n.Consent, &at, &read, &n.Advisory); err != nil {
			return nil, err
		}
		n.At, n.Read = store.Time(at), store.Time(read)
		all = append(all, n)
	}
	return all, rows.Err()
}

// MarkRead notes that the caller has read his notices; without ids all of them.
func MarkRead(ctx context.Context, db *store.DB, c caller.Caller, ids ...int64) error {
	if c.Account == 0 {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	if len(ids) > 200 {
		return fault.New(fault.Invalid, "fault.limit", "most", 200)
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		var read int64
		if len(ids) == 0 {
			n, err := tx.Exec(ctx, readNotice, c.Account, store.Micros(tx.Now))
			if err != nil {
				return err
			}
			read = n
		}
		for _, id := range ids {
			n, err := tx.Exec(ctx, readNotice+" AND id = $3", c.Account, store.Micros(tx.Now), id)
			if err != nil {
				return err
			}
			read += n
		}
		return audit.Append(ctx, tx, "notice.read", "account/"+strconv.FormatInt(c.Account, 10), "notices", read)
	})
}
