// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// scanner is a row, or the rows at one of them.
type scanner interface{ Scan(...any) error }

// list reads all rows of a query.
func list[T any](ctx context.Context, q store.Queryer, scan func(scanner) (T, error), query string, args ...any) (all []T, err error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// accepted returns the envelope for an address that takes mail now.
func accepted(ctx context.Context, q store.Queryer, address string) (e envelope, err error) {
	err = q.QueryRow(ctx, `SELECT a.id, a.organisation_id FROM mailbox_address a JOIN organisation o ON o.id = a.organisation_id
		WHERE a.address = $1 AND (a.ends_at = 0 OR a.ends_at > $2) AND o.left_at = 0`, address, member.Present(q)).Scan(&e.address, &e.org)
	return e, store.NotFound(err)
}

// sender returns the account of an organisation that has a mail address, else
// its staff without a name. Package report takes reports of an account or of a
// device; in place of one stands here the keyed hash of the address, below 0,
// which no certificate's number is: so two people's reports are two, and one's
// report of the same mail is one.
func sender(ctx context.Context, q store.Queryer, org int64, folded string) (caller.Caller, error) {
	c := caller.Caller{Role: caller.Staff, Channel: "mailbox", Device: -senderKey(q, folded)}
	err := q.QueryRow(ctx, `SELECT o.id, o.short, o.kind FROM organisation o WHERE o.id = $1 AND o.left_at = 0`, org).Scan(&c.Org, &c.OrgName, &c.OrgKind)
	if err != nil {
		return caller.Caller{}, store.NotFound(err)
	}
	var account int64
	err = q.QueryRow(ctx, `SELECT a.id FROM account a WHERE a.organisation_id = $1 AND LOWER(a.mail) = $2 AND a.role <> 'machine' AND `+member.Active(3)+`
		ORDER BY a.id LIMIT 1`, org, folded, member.Present(q)).Scan(&account)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	} else if err != nil {
		return caller.Caller{}, err
	}
	return member.Caller(ctx, q, account, "mailbox")
}

func insertMail(ctx context.Context, tx *store.Tx, m Mail) (int64, error) {
	return tx.Insert(ctx, `INSERT INTO mailbox_mail (organisation_id, address_id, imap_id, account_id, received_at, size, blob, sender, sender_key,
			state, reason, verdict, report_id, answer, answer_id, handled_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '', 0, 'none', 0, 0) RETURNING id`,
		m.Org, m.address, m.imap, m.account, store.Micros(m.At), m.Size, m.blob, m.sender, m.senderKey, string(m.State))
}

// seen notes that a mail with the digest came, and returns the one that came
// before within the time in which they are the same; 0 for none. On PostgreSQL
// the second of two at the same time waits here for the first.
func seen(ctx context.Context, tx *store.Tx, digest, id int64) (earlier int64, err error) {
	n, err := tx.Exec(ctx, `INSERT INTO mailbox_seen (digest, mail_id, seen_at) VALUES ($1, $2, $3)
		ON CONFLICT (digest) DO UPDATE SET mail_id = excluded.mail_id, seen_at = excluded.seen_at WHERE mailbox_seen.seen_at <= $4`,
		digest, id, store.Micros(tx.Now), store.Micros(tx.Now.Add(-sameFor)))
	if err != nil || n > 0 {
		return 0, err
	}
	err = tx.QueryRow(ctx, `SELECT mail_id FROM mailbox_seen WHERE digest = $1`, digest).Scan(&earlier)
	return earlier, err
}

const mailColumns = `m.id, m.organisation_id, o.short, m.address_id, m.imap_id, m.account_id, m.received_at, m.size, m.blob, m.sender, m.sender_key,
	m.state, m.reason, m.verdict, m.report_id, m.answer`

func scanMail(row scanner) (m Mail, err error) {
	var at int64
	err = row.Scan(&m.ID, &m.Org, &m.OrgName, &m.address, &m.imap, &m.account, &at, &m.Size, &m.blob, &m.sender, &m.senderKey,
		&m.State, &m.Reason, &m.Verdict, &m.Report, &m.Reply)
	m.At, m.Fetched = store.Time(at), m.imap != 0
	if m.State == Outside && m.blob != "" {
		m.Until = m.At.Add(keepFor)
	}
	return m, err
}

// reach is permit.Reach for the mailbox, narrowed to one organisation; 0 for all.
func reach(c caller.Caller, only int64) (all int, org int64) {
	all, org = permit.Reach(c, permit.InstitutionManage)
	switch {
	case only == 0 || all == 0 && org == only:
		return all, org
	case all == 1:
		return 0, only
	default:
		return 0, -1
	}
}

// recentMails returns one more than the limit if there is one.
func recentMails(ctx context.Context, q store.Queryer, c caller.Caller, f Filter) ([]Mail, error) {
	all, org := reach(c, f.Org)
	outside := 0
	if f.Outside {
		outside = 1
	}
	return list(ctx, q, scanMail, `SELECT `+mailColumns+` FROM mailbox_mail m JOIN organisation o ON o.id = m.organisation_id
		WHERE ($1 = 1 OR m.organisation_id = $2) AND ($3 = 0 OR m.id < $3) AND ($4 = 0 OR m.state = 'outside' AND m.blob <> '')
		ORDER BY m.id DESC LIMIT $5`, all, org, f.Before, outside, f.Limit+1)
}

func addresses(ctx context.Context, q store.Queryer, c caller.Caller, id int64) ([]Address, error) {
	all, org := permit.Reach(c, permit.InstitutionManage)
	return addressesOf(ctx, q, all, org, id)
}

func addressesOf(ctx context.Context, q store.Queryer, all int, org, id int64) ([]Address, error) {
	return list(ctx, q, scanAddress, `SELECT a.id, a.organisation_id, o.short, a.address, a.created_at, a.ends_at,
			(a.ends_at = 0 OR a.ends_at > $4) AND o.left_at = 0 AS active
		FROM mailbox_address a JOIN organisation o ON o.id = a.organisation_id
		WHERE ($1 = 1 OR a.organisation_id = $2) AND ($3 = 0 OR a.id = $3) ORDER BY active DESC, a.organisation_id, a.id DESC LIMIT 1000`,
		all, org, id, member.Present(q))
}

func scanAddress(row scanner) (a Address, err error) {
	var created, ends int64
	err = row.Scan(&a.ID, &a.Org, &a.OrgName, &a.Address, &created, &ends, &a.Active)
	a.CreatedAt, a.EndsAt = store.Time(created), store.Time(ends)
	return a, err
}

func countAddresses(ctx context.Context, tx *store.Tx, org int64) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM mailbox_address WHERE organisation_id = $1 AND (ends_at = 0 OR ends_at > $2)`, org, store.Micros(tx.Now)).Scan(&n)
	return n, err
}

func insertAddress(ctx context.Context, tx *store.Tx, a Address) (int64, error) {
	return tx.Insert(ctx, `INSERT INTO mailbox_address (organisation_id, address, created_at, created_by, ends_at) VALUES ($1, $2, $3, $4, 0) RETURNING id`,
		a.Org, a.Address, store.Micros(a.CreatedAt), tx.Caller.Account)
}

func endAddress(ctx context.Context, tx *store.Tx, id int64, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE mailbox_address SET ends_at = $1 WHERE id = $2`, store.Micros(at), id)
	return err
}

func loadMail(ctx context.Context, q store.Queryer, id int64) (Mail, error) {
	m, err := scanMail(q.QueryRow(ctx, `SELECT `+mailColumns+` FROM mailbox_mail m JOIN organisation o ON o.id = m.organisation_id WHERE m.id = $1`, id))
	return m, store.NotFound(err)
}

// findMail returns a mail that the caller may manage.
func findMail(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (Mail, error) {
	all, own := permit.Reach(c, permit.InstitutionManage)
	m, err := scanMail(q.QueryRow(ctx, `SELECT `+mailColumns+` FROM mailbox_mail m JOIN organisation o ON o.id = m.organisation_id
		WHERE m.id = $1 AND ($2 = 1 OR m.organisation_id = $3)`, id, all, own))
	return m, store.NotFound(err)
}

// claimMail locks a mail that is in a state; false if it is not any more. The
// state is set again by updateMail.
func claimMail(ctx context.Context, tx *store.Tx, id int64, in State) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE mailbox_mail SET handled_at = $1 WHERE id = $2 AND state = $3 AND blob <> ''`, store.Micros(tx.Now), id, string(in))
	return n == 1, err
}

func updateMail(ctx context.Context, tx *store.Tx, m Mail) error {
	_, err := tx.Exec(ctx, `UPDATE mailbox_mail SET state = $1, reason = $2, verdict = $3, report_id = $4, answer = $5, answer_id = $6, blob = $7, sender = $8 WHERE id = $9`,
		string(m.State), m.Reason, string(m.Verdict), m.Report, string(m.Reply), m.answerID, m.blob, m.sender, m.ID)
	return err
}

// cameBy is by which address, or from which mailbox, the mail of a report came.
// A mail is a report soon after it came, or after somebody accepted it.
func cameBy(ctx context.Context, q store.Queryer, org, report int64, reported time.Time) (o Origin, err error) {
	var at, imap int64
	var reason string
	err = q.QueryRow(ctx, `SELECT m.received_at, m.imap_id, COALESCE(a.address, ''), m.reason FROM mailbox_mail m LEFT JOIN mailbox_address a ON a.id = m.address_id
		WHERE m.organisation_id = $1 AND m.received_at > $2 AND m.report_id = $3 ORDER BY m.id LIMIT 1`,
		org, store.Micros(reported.Add(-keepFor-24*time.Hour)), report).Scan(&at, &imap, &o.Address, &reason)
	o.At, o.Fetched, o.Accepted = store.Time(at), imap != 0, Refusal(reason) == NotInside
	return o, store.NotFound(err)
}

// countSince counts the mails of a sender and of his institution since a time,
// with those that wait, without those of machines and strangers; each up to a
// most, because in a flood every mail asks.
func countSince(ctx context.Context, tx *store.Tx, org, senderKey int64, since time.Time, mostSender, mostAll int) (fromSender, fromAll int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM mailbox_mail WHERE sender_key = $1 AND received_at > $2
		AND state IN ('received', 'reported') LIMIT $3) AS found`, senderKey, store.Micros(since), mostSender).Scan(&fromSender)
	if err != nil {
		return 0, 0, err
	}
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM mailbox_mail WHERE organisation_id = $1 AND received_at > $2
		AND state IN ('received', 'reported') LIMIT $3) AS found`, org, store.Micros(since), mostAll).Scan(&fromAll)
	return fromSender, fromAll, err
}

func countAnswers(ctx context.Context, tx *store.Tx, senderKey int64, kind string, since time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM mailbox_answer WHERE sender_key = $1 AND kind = $2 AND made_at > $3`,
		senderKey, kind, store.Micros(since)).Scan(&n)
	return n, err
}

// lastAnswer is when a sender was answered last in a way; zero for never.
func lastAnswer(ctx context.Context, tx *store.Tx, senderKey int64, kind string) (time.Time, error) {
	var at int64
	err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(made_at), 0) FROM mailbox_answer WHERE sender_key = $1 AND kind = $2`, senderKey, kind).Scan(&at)
	return store.Time(at), err
}

func insertAnswer(ctx context.Context, tx *store.Tx, org, senderKey int64, kind string, sealed []byte) (int64, error) {
	return tx.Insert(ctx, `INSERT INTO mailbox_answer (organisation_id, sender_key, kind, letter, state, made_at, tries, sent_at)
		VALUES ($1, $2, $3, $4, 'waiting', $5, 0, 0) RETURNING id`, org, senderKey, kind, sealed, store.Micros(tx.Now))
}

// groupedMails are those of a sender that wait to be answered together, the
// oldest first.
func groupedMails(ctx context.Context, tx *store.Tx, org, senderKey int64) ([]Mail, error) {
	return list(ctx, tx, scanMail, `SELECT `+mailColumns+` FROM mailbox_mail m JOIN organisation o ON o.id = m.organisation_id
		WHERE m.sender_key = $1 AND m.organisation_id = $2 AND m.answer = 'grouped' ORDER BY m.id LIMIT 100000`, senderKey, org)
}

func answerGroup(ctx context.Context, tx *store.Tx, org, senderKey, newest, answer int64) error {
	_, err := tx.Exec(ctx, `UPDATE mailbox_mail SET answer = 'waiting', answer_id = $1 WHERE sender_key = $2 AND organisation_id = $3 AND answer = 'grouped' AND id <= $4`,
		answer, senderKey, org, newest)
	return err
}

// waitingAnswer returns an answer that is not sent yet; nil for none.
func waitingAnswer(ctx context.Context, q store.Queryer, id int64) (sealed []byte, tries int, err error) {
	err = q.QueryRow(ctx, `SELECT letter, tries FROM mailbox_answer WHERE id = $1 AND state = 'waiting'`, id).Scan(&sealed, &tries)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, nil
	}
	return sealed, tries, err
}

func triedAnswer(ctx context.Context, tx *store.Tx, id int64) error {
	_, err := tx.Exec(ctx, `UPDATE mailbox_answer SET tries = tries + 1 WHERE id = $1`, id)
	return err
}

// endAnswer notes what became of an answer, and forgets whom it was for and
// what it said.
func endAnswer(ctx context.Context, tx *store.Tx, id int64, reply Reply) error {
	if _, err := tx.Exec(ctx, `UPDATE mailbox_answer SET state = $1, sent_at = $2, letter = $3 WHERE id = $4`,
		string(reply), store.Micros(tx.Now), []byte{}, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE mailbox_mail SET answer = $1, sender = $2 WHERE answer_id = $3`, string(reply), []byte{}, id)
	return err
}

// expired are the mails whose file is to go; their senders are forgotten with
// them.
func expired(ctx context.Context, tx *store.Tx, before time.Time, limit int) ([]string, error) {
	return list(ctx, tx, func(row scanner) (name string, err error) { return name, row.Scan(&name) },
		`SELECT blob FROM mailbox_mail WHERE blob <> '' AND received_at < $1 AND state <> 'received' ORDER BY received_at LIMIT $2`, store.Micros(before), limit)
}

func forgetMail(ctx context.Context, tx *store.Tx, name string) error {
	_, err := tx.Exec(ctx, `UPDATE mailbox_mail SET blob = '', sender = $1 WHERE blob = $2`, []byte{}, name)
	return err
}

// forgetOld removes what only the last days are needed of.
func forgetOld(ctx context.Context, tx *store.Tx, seenBefore, logBefore time.Time) (n int64, err error) {
	for _, s := range []struct {
		statement string
		before    time.Time
	}{
		{`DELETE FROM mailbox_seen WHERE seen_at < $1`, seenBefore},
		{`DELETE FROM mailbox_answer WHERE state <> 'waiting' AND made_at < $1`, logBefore},
		{`DELETE FROM mailbox_mail WHERE blob = '' AND answer NOT IN ('waiting', 'grouped') AND received_at < $1`, logBefore},
	} {
		gone, err := tx.Exec(ctx, s.statement, store.Micros(s.before))
		if err != nil {
			return n, err
		}
		n += gone
	}
	return n, nil
}

func status(ctx context.Context, q store.Queryer, c caller.Caller, only int64) (s Status, err error) {
	all, org := reach(c, only)
	now := member.Present(q)
	day := now - (24 * time.Hour).Microseconds()
	var last, oldest int64
	err = q.QueryRow(ctx, `SELECT
		(SELECT COUNT(*) FROM mailbox_address a JOIN organisation o ON o.id = a.organisation_id
			WHERE ($1 = 1 OR a.organisation_id = $2) AND (a.ends_at = 0 OR a.ends_at > $3) AND o.left_at = 0),
		(SELECT COALESCE(MAX(received_at), 0) FROM mailbox_mail WHERE ($1 = 1 OR organisation_id = $2)),
		(SELECT COUNT(*) FROM mailbox_mail WHERE ($1 = 1 OR organisation_id = $2) AND received_at > $4),
		(SELECT COUNT(*) FROM mailbox_mail WHERE ($1 = 1 OR organisation_id = $2) AND received_at > $4 AND state = 'bounce'),
		(SELECT COUNT(*) FROM mailbox_mail WHERE ($1 = 1 OR organisation_id = $2) AND state = 'received'),
		(SELECT COALESCE(MIN(received_at), 0) FROM mailbox_mail WHERE ($1 = 1 OR organisation_id = $2) AND state = 'received'),
		(SELECT COUNT(*) FROM mailbox_mail WHERE ($1 = 1 OR organisation_id = $2) AND state = 'failed'),
		(SELECT COUNT(*) FROM mailbox_mail WHERE ($1 = 1 OR organisation_id = $2) AND state = 'outside' AND blob <> ''),
		(SELECT COUNT(*) FROM mailbox_answer WHERE ($1 = 1 OR organisation_id = $2) AND state = 'waiting'),
		(SELECT COUNT(*) FROM mailbox_imap WHERE ($1 = 1 OR organisation_id = $2) AND enabled),
		(SELECT COUNT(*) FROM mailbox_imap WHERE ($1 = 1 OR organisation_id = $2) AND enabled AND failures > 0)`, all, org, now, day).
		Scan(&s.Addresses, &last, &s.Day, &s.Bounces, &s.Waiting, &oldest, &s.Failed, &s.Outside, &s.Unanswered, &s.IMAPs, &s.IMAPsFailing)
	s.Last, s.Oldest = store.Time(last), store.Time(oldest)
	return s, err
}

const imapColumns = `i.id, i.organisation_id, o.short, i.server, i.security, i.login, i.password, i.folder, i.done_folder, i.enabled,
	i.uid_validity, i.uid_first, i.uid_last, i.fetched, i.last_run, i.last_ok, i.next_run, i.failures, i.error_code, i.error_args`

func scanIMAP(row scanner) (i IMAP, err error) {
	var run, ok, next int64
	var args string
	if err := row.Scan(&i.ID, &i.Org, &i.OrgName, &i.Server, &i.Security, &i.Login, &i.password, &i.Folder, &i.DoneFolder, &i.Enabled,
		&i.validity, &i.first, &i.last, &i.Fetched, &run, &ok, &next, &i.Failures, &i.ErrorCode, &args); err != nil {
		return i, err
	}
	i.LastRun, i.LastOK, i.NextRun = store.Time(run), store.Time(ok), store.Time(next)
	if args != "" {
		err = json.Unmarshal([]byte(args), &i.ErrorArgs)
	}
	return i, err
}

// imaps are those that the caller may manage; org 0 for all.
func imaps(ctx context.Context, q store.Queryer, c caller.Caller, org int64) ([]IMAP, error) {
	all, org := reach(c, org)
	return list(ctx, q, scanIMAP, `SELECT `+imapColumns+` FROM mailbox_imap i JOIN organisation o ON o.id = i.organisation_id
		WHERE $1 = 1 OR i.organisation_id = $2 ORDER BY i.organisation_id`, all, org)
}

// putIMAP stores the settings, and lets the mailbox be asked at once.
func putIMAP(ctx context.Context, tx *store.Tx, i IMAP) error {
	_, err := tx.Exec(ctx, `INSERT INTO mailbox_imap (organisation_id, server, security, login, password, folder, done_folder, enabled,
			uid_validity, uid_first, uid_last, fetched, last_run, last_ok, next_run, failures, error_code, error_args)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0, 0, 0, '', '')
		ON CONFLICT (organisation_id) DO UPDATE SET server = excluded.server, security = excluded.security, login = excluded.login,
			password = excluded.password, folder = excluded.folder, done_folder = excluded.done_folder, enabled = excluded.enabled,
			uid_validity = excluded.uid_validity, uid_first = excluded.uid_first, uid_last = excluded.uid_last,
			next_run = 0, failures = 0, error_code = '', error_args = ''`,
		i.Org, i.Server, string(i.Security), i.Login, i.password, i.Folder, i.DoneFolder, i.Enabled, i.validity, i.first, i.last)
	return err
}

func deleteIMAP(ctx context.Context, tx *store.Tx, org int64) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM mailbox_imap WHERE organisation_id = $1`, org)
}

func dueIMAPs(ctx context.Context, q store.Queryer) ([]int64, error) {
	return store.Numbers(ctx, q, `SELECT i.id FROM mailbox_imap i JOIN organisation o ON o.id = i.organisation_id
		WHERE i.enabled AND o.left_at = 0 AND i.next_run <= $1 ORDER BY i.next_run`, member.Present(q))
}

// claimIMAP takes a mailbox that is due for one run, so that no other process
// fetches from it meanwhile; the fault is NotFound for one that is not due.
func claimIMAP(ctx context.Context, tx *store.Tx, id int64, until time.Time) (IMAP, error) {
	n, err := tx.Exec(ctx, `UPDATE mailbox_imap SET next_run = $1, last_run = $2 WHERE id = $3 AND enabled AND next_run <= $2`,
		store.Micros(until), store.Micros(tx.Now), id)
	if err != nil {
		return IMAP{}, err
	}
	if n == 0 {
		return IMAP{}, store.NotFound(sql.ErrNoRows)
	}
	i, err := scanIMAP(tx.QueryRow(ctx, `SELECT `+imapColumns+` FROM mailbox_imap i JOIN organisation o ON o.id = i.organisation_id
		WHERE i.id = $1 AND o.left_at = 0`, id))
	return i, store.NotFound(err)
}

// advanceIMAP notes how far the folder is stored, unless the settings changed
// meanwhile.
func advanceIMAP(ctx context.Context, tx *store.Tx, i IMAP, fetched int) error {
	_, err := tx.Exec(ctx, `UPDATE mailbox_imap SET uid_validity = $1, uid_first = $2, uid_last = $3, fetched = fetched + $4
		WHERE id = $5 AND server = $6 AND login = $7 AND folder = $8`, i.validity, i.first, i.last, fetched, i.ID, i.Server, i.Login, i.Folder)
	return err
}

func finishIMAP(ctx context.Context, tx *store.Tx, i IMAP, failed error, next time.Time) error {
	if failed == nil {
		_, err := tx.Exec(ctx, `UPDATE mailbox_imap SET uid_validity = $1, uid_first = $2, uid_last = $3, last_ok = $4, next_run = $5, failures = 0,
			error_code = '', error_args = '' WHERE id = $6 AND server = $7 AND login = $8 AND folder = $9`,
			i.validity, i.first, i.last, store.Micros(tx.Now), store.Micros(next), i.ID, i.Server, i.Login, i.Folder)
		return err
	}
	f := fault.From(failed)
	args, err := json.Marshal(f.Args)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE mailbox_imap SET next_run = $1, failures = $2, error_code = $3, error_args = $4
		WHERE id = $5 AND server = $6 AND login = $7 AND folder = $8`,
		store.Micros(next), i.Failures, f.Code, string(args), i.ID, i.Server, i.Login, i.Folder)
	return err
}
