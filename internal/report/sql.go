// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/member"
	"teiten/internal/store"
)

func now(q store.Queryer) time.Time {
	if tx, ok := q.(*store.Tx); ok {
		return tx.Now
	}
	return time.Now()
}

// texts returns the one column of texts that a query gives.
func texts(ctx context.Context, q store.Queryer, query string, args ...any) (all []string, err error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// What is known of an organisation, for redaction. People who left are in old
// mails still.
const (
	ownDomains   = `SELECT domain FROM organisation_domain WHERE organisation_id = $1 ORDER BY domain`
	ownNames     = `SELECT name FROM organisation WHERE id = $1 UNION SELECT short FROM organisation WHERE id = $1 UNION SELECT name FROM account WHERE organisation_id = $1`
	ownAddresses = `SELECT mail FROM account WHERE organisation_id = $1 AND mail <> '' ORDER BY mail`
)

// --- held mails

const (
	insertHold = `INSERT INTO mail_hold (organisation_id, account_id, device_id, blob, held_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`
	selectHold = `SELECT blob, held_at, expires_at FROM mail_hold
		WHERE id = $1 AND organisation_id = $2 AND account_id = $3 AND device_id = $4 AND expires_at > $5`
	deleteOldHolds = `DELETE FROM mail_hold WHERE organisation_id = $1 AND account_id = $2 AND device_id = $3 AND id <=
		(SELECT h.id FROM mail_hold h WHERE h.organisation_id = $1 AND h.account_id = $2 AND h.device_id = $3 ORDER BY h.id DESC LIMIT 1 OFFSET $4)
		RETURNING blob`
	deleteExpiredHolds = `DELETE FROM mail_hold WHERE id IN (SELECT h.id FROM mail_hold h WHERE h.expires_at <= $1 ORDER BY h.expires_at LIMIT $2) RETURNING blob`
)

// --- reports

const insertReport = `INSERT INTO mail_report (organisation_id, account_id, device_id, channel, reported_at, did, verdict, score, rules,
		findings, subject, redacted, mail_key, size, blob, keep_until, case_id, print_id, withdrawn_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0) RETURNING id`

// reported returns the owner's report of the mail, 0 if there is none.
func reported(ctx context.Context, q store.Queryer, o owner, key int64) (id int64, err error) {
	err = q.QueryRow(ctx, `SELECT COALESCE(MAX(id), 0) FROM mail_report
		WHERE organisation_id = $1 AND account_id = $2 AND device_id = $3 AND mail_key = $4 AND withdrawn_at = 0`,
		o.org, o.account, o.device, key).Scan(&id)
	return id, err
}

// reportColumns read a report; its last argument is a flag that says whether
// the redacted mail is wanted. $1 to $6 are those of sight.
const reportColumns = `SELECT r.id, r.organisation_id, o.short, r.account_id, COALESCE(p.name, ''), r.channel, r.reported_at, r.did, r.verdict, r.score,
		r.rules, r.subject, r.size, CASE WHEN r.blob = '' THEN 0 ELSE r.keep_until END, r.case_id, c.state, r.withdrawn_at,
		CASE WHEN r.account_id = $4 AND $4 <> 0 OR r.account_id = 0 AND r.device_id = $5 AND $5 <> 0 THEN 1 ELSE 0 END,
		COALESCE((SELECT a.id FROM advisory a WHERE a.id = c.advisory_id AND a.state IN ('published', 'corrected') AND %s), 0), %s
	FROM mail_report r JOIN mail_case c ON c.id = r.case_id JOIN organisation o ON o.id = r.organisation_id
		LEFT JOIN account p ON p.id = r.account_id
	WHERE ($1 = 1 AND (r.withdrawn_at = 0 OR r.organisation_id = $2) OR r.organisation_id = $2 AND ($3 = 1
		OR r.account_id = $4 AND $4 <> 0 OR r.account_id = 0 AND r.device_id = $5 AND $5 <> 0 AND r.reported_at > $6))`

var (
	oneReport   = fmt.Sprintf(reportColumns, store.Visible("a", 8), "r.findings, r.redacted") + ` AND r.id = $7`
	listReports = fmt.Sprintf(reportColumns, store.Visible("a", 7), "'', ''") + someReports
	listMails   = fmt.Sprintf(reportColumns, store.Visible("a", 7), "'', r.redacted") + someReports
)

const someReports = ` AND (r.case_id = $9 OR $9 = 0) AND (r.organisation_id = $10 OR $10 = 0)
		AND ($11 = 0 OR r.account_id = $4 AND $4 <> 0) AND ($12 = 1 OR r.withdrawn_at = 0) AND (r.id < $13 OR $13 = 0) ORDER BY r.id DESC LIMIT $14`

const (
	withdrawReport = `UPDATE mail_report SET withdrawn_at = $2, blob = '', findings = '', redacted = '', print_id = 0 WHERE id = $1`
	reportParts    = `SELECT blob, print_id, case_id FROM mail_report WHERE id = $1`
	printUsed      = `SELECT COUNT(*) FROM mail_report WHERE print_id = $1`
	endConsents    = `UPDATE original_consent SET state = 'revoked', answered_at = $2 WHERE report_id = $1 AND state IN ('asked', 'granted')`
	expiredMails   = `SELECT id FROM mail_report WHERE blob <> '' AND keep_until <= $1 ORDER BY keep_until LIMIT $2`
	forgetOriginal = `UPDATE mail_report SET blob = '' WHERE id = $1`
	shortenMails   = `UPDATE mail_report SET keep_until = reported_at + $2 WHERE organisation_id = $1 AND blob <> '' AND keep_until > reported_at + $2`
	setRetention   = `INSERT INTO report_setting (organisation_id, original_days) VALUES ($1, $2)
		ON CONFLICT (organisation_id) DO UPDATE SET original_days = excluded.original_days`
	caseMails = `SELECT organisation_id, redacted FROM mail_report WHERE case_id = $1 AND withdrawn_at = 0 ORDER BY id DESC LIMIT $2`
)

func retention(ctx context.Context, q store.Queryer, org int64) (days int, err error) {
	err = q.QueryRow(ctx, `SELECT COALESCE(MAX(original_days), $2) FROM report_setting WHERE organisation_id = $1`, org, DefaultRetention).Scan(&days)
	return days, err
}

// --- cases

const (
	insertCase = `INSERT INTO mail_case (state, title, verdict, reports, first_at, last_at, opened_at, taken_by, taken_at, decided_at,
			reopened_at, reason, advisory_id, advisory_state, merged_into, revision)
		VALUES ($1, $2, $3, 1, $4, $5, $6, 0, 0, 0, 0, '', 0, '', 0, 1) RETURNING id`
	joinCase = `UPDATE mail_case SET reports = reports + 1, first_at = CASE WHEN first_at = 0 OR first_at > $2 THEN $2 ELSE first_at END,
			last_at = CASE WHEN last_at < $2 THEN $2 ELSE last_at END,
			revision = revision + CASE WHEN verdict < $3 THEN 1 ELSE 0 END, verdict = CASE WHEN verdict < $3 THEN $3 ELSE verdict END
		WHERE id = $1`
	reopenCase = `UPDATE mail_case SET state = 'triage', reopened_at = $2, reason = $3, revision = revision + 1 WHERE id = $1 AND state = 'dismissed'`

	countInstitution = `INSERT INTO case_organisation (case_id, organisation_id, reports, first_at, last_at) VALUES ($1, $2, 1, $3, $3)
		ON CONFLICT (case_id, organisation_id) DO UPDATE SET reports = case_organisation.reports + 1,
			first_at = CASE WHEN case_organisation.first_at > excluded.first_at THEN excluded.first_at ELSE case_organisation.first_at END,
			last_at = CASE WHEN case_organisation.last_at < excluded.last_at THEN excluded.last_at ELSE case_organisation.last_at END`

	uncountInstitutions = `DELETE FROM case_organisation WHERE case_id = $1`
	recountInstitutions = `INSERT INTO case_organisation (case_id, organisation_id, reports, first_at, last_at)
		SELECT case_id, organisation_id, COUNT(*), MIN(reported_at), MAX(reported_at) FROM mail_report
		WHERE case_id = $1 AND withdrawn_at = 0 GROUP BY case_id, organisation_id`
	recountCase = `UPDATE mail_case SET
			reports = (SELECT COUNT(*) FROM mail_report r WHERE r.case_id = $1 AND r.withdrawn_at = 0),
			first_at = (SELECT COALESCE(MIN(r.reported_at), 0) FROM mail_report r WHERE r.case_id = $1 AND r.withdrawn_at = 0),
			last_at = (SELECT COALESCE(MAX(r.reported_at), 0) FROM mail_report r WHERE r.case_id = $1 AND r.withdrawn_at = 0),
			title = COALESCE((SELECT r.subject FROM mail_report r WHERE r.case_id = $1 AND r.withdrawn_at = 0 ORDER BY r.id LIMIT 1), ''),
			verdict = (SELECT COALESCE(MAX(CASE r.verdict WHEN 'malicious' THEN 2 WHEN 'suspicious' THEN 1 ELSE 0 END), 0)
				FROM mail_report r WHERE r.case_id = $1 AND r.withdrawn_at = 0),
			revision = revision + 1 WHERE id = $1`
)

// caseColumns read a case.
const caseColumns = `SELECT c.id, c.state, c.title, c.verdict, c.reports, (SELECT COUNT(*) FROM case_organisation o WHERE o.case_id = c.id),
		c.first_at, c.last_at, CASE WHEN c.decided_at = 0 THEN 0 ELSE (SELECT COUNT(*) FROM mail_report r
			WHERE r.case_id = c.id AND r.withdrawn_at = 0 AND r.reported_at > c.decided_at) END,
		c.opened_at, c.taken_by, COALESCE(t.name, ''), c.taken_at, c.decided_at, c.reopened_at, c.reason, c.advisory_id,
		COALESCE(a.state, ''), c.merged_into, c.revision
	FROM mail_case c LEFT JOIN account t ON t.id = c.taken_by LEFT JOIN advisory a ON a.id = c.advisory_id `

const (
	oneCase  = caseColumns + `WHERE c.id = $1`
	caseOrgs = `SELECT n.organisation_id, o.short, n.reports, n.first_at, n.last_at FROM case_organisation n JOIN organisation o ON o.id = n.organisation_id
		WHERE n.case_id = $1 ORDER BY n.reports DESC, n.organisation_id`
	countCases = `SELECT state, COUNT(*) FROM mail_case WHERE state <> 'merged' AND reports > 0 GROUP BY state`
	// afterCase is where a page ends and the next begins.
	afterCase  = `(c.last_at, c.id) < (SELECT b.last_at, b.id FROM mail_case b WHERE b.id = %s)`
	afterGrave = `(c.verdict, c.last_at, c.id) < (SELECT b.verdict, b.last_at, b.id FROM mail_case b WHERE b.id = %s)`

	takeCase = `UPDATE mail_case SET state = 'triage', taken_by = $2, taken_at = CASE WHEN taken_at = 0 THEN $3 ELSE taken_at END, revision = revision + 1
		WHERE id = $1`
	dismissCase = `UPDATE mail_case SET state = 'dismissed', decided_at = $2, reason = $3, revision = revision + 1 WHERE id = $1`
	linkCase    = `UPDATE mail_case SET advisory_id = $2, advisory_state = $3, revision = revision + 1 WHERE id = $1`
	followCase  = `UPDATE mail_case SET state = $2, decided_at = $3, reopened_at = $4, advisory_state = $5, advisory_revision = $6, revision = revision + 1 WHERE id = $1`
	mergeCase   = `UPDATE mail_case SET state = 'merged', merged_into = $2, advisory_id = 0, advisory_state = '', revision = revision + 1 WHERE id = $1`
	intoCase    = `UPDATE mail_case SET state = $2, opened_at = $3, taken_by = $4, taken_at = $5, decided_at = $6, advisory_id = $7, advisory_state = $8 WHERE id = $1`
	moveReport  = `UPDATE mail_report SET case_id = $2, print_id = $3 WHERE id = $1`
	caseReports = `SELECT id, print_id, withdrawn_at FROM mail_report WHERE case_id = $1 ORDER BY id`
	behind      = `SELECT c.id FROM mail_case c JOIN advisory a ON a.id = c.advisory_id
		WHERE c.advisory_id <> 0 AND (a.state <> c.advisory_state OR a.state IN ('published', 'corrected') AND a.revision <> c.advisory_revision)
		ORDER BY c.id LIMIT $1`
	casesOf       = `SELECT id FROM mail_case WHERE advisory_id = $1 AND advisory_id <> 0 ORDER BY id`
	advisoryState = `SELECT state, published_at, revision FROM advisory WHERE id = $1`
	caseAdvisory  = `SELECT advisory_id FROM mail_case WHERE id = $1`
	// The first report of each organisation in the cases of an advisory, of those
	// since it took its sighting back by hand.
	firstReports = `SELECT n.organisation_id, MIN(CASE WHEN n.first_at > COALESCE(s.declined_at, 0) THEN n.first_at
			WHEN n.last_at > s.declined_at THEN (SELECT MIN(r.reported_at) FROM mail_report r WHERE r.case_id = n.case_id
				AND r.organisation_id = n.organisation_id AND r.withdrawn_at = 0 AND r.reported_at > s.declined_at) END) AS first_at
		FROM mail_case k JOIN case_organisation n ON n.case_id = k.id
			LEFT JOIN sighting s ON s.advisory_id = k.advisory_id AND s.organisation_id = n.organisation_id
		WHERE k.advisory_id = $1 AND k.advisory_id <> 0 AND (n.organisation_id = $2 OR $2 = 0) GROUP BY n.organisation_id`
	sightedByReport = `SELECT COALESCE(MAX(reported_at), 0) FROM sighting WHERE advisory_id = $1 AND organisation_id = $2`
)

// --- consents

const (
	consentColumns = `SELECT n.id, n.report_id, r.subject, r.organisation_id, o.short,
			CASE WHEN n.state IN ('asked', 'granted') AND r.blob = '' OR n.state = 'granted' AND n.expires_at <= $1 THEN 'ended' ELSE n.state END,
			COALESCE(k.name, ''), n.reason, n.asked_at, COALESCE(w.name, ''), n.answer, n.answered_at, n.expires_at
		FROM original_consent n JOIN mail_report r ON r.id = n.report_id JOIN organisation o ON o.id = r.organisation_id
			LEFT JOIN account k ON k.id = n.asked_by LEFT JOIN account w ON w.id = n.answered_by
		WHERE ($2 = 1 OR r.organisation_id = $3 AND ($4 = 1 OR r.account_id = $5 AND $5 <> 0)) `
	listConsents  = consentColumns + `AND (n.report_id = $6 OR $6 = 0) AND ($7 = 0 OR n.state = 'asked' AND r.blob <> '') ORDER BY n.id DESC LIMIT 200`
	oneConsent    = consentColumns + `AND n.id = $6`
	openConsent   = `SELECT COALESCE(MAX(id), 0) FROM original_consent WHERE report_id = $1 AND state = 'asked'`
	insertConsent = `INSERT INTO original_consent (report_id, state, asked_by, asked_at, reason, answered_by, answered_at, answer, expires_at)
		VALUES ($1, 'asked', $2, $3, $4, 0, 0, '', 0) RETURNING id`
	// Its institution, or an analyst, has $2 and $3.
	selectConsent = `SELECT n.report_id, n.state, n.asked_by, n.expires_at, r.keep_until, r.blob FROM original_consent n JOIN mail_report r ON r.id = n.report_id
		WHERE n.id = $1 AND r.organisation_id = $2`
	answerConsent = `UPDATE original_consent SET state = $2, answered_by = $3, answered_at = $4, answer = $5, expires_at = $6 WHERE id = $1`
	liveConsent   = `SELECT COALESCE(MAX(id), 0) FROM original_consent WHERE report_id = $1 AND state = 'granted' AND expires_at > $2`
)

// --- notices

var (
	// The people behind the reports of a case, each with the first of them.
	caseReporters = `SELECT a.id, MIN(r.id) FROM mail_report r JOIN account a ON a.id = r.account_id
		WHERE r.case_id = $1 AND r.withdrawn_at = 0 AND a.role <> 'machine' AND ` + member.Active(2) + ` GROUP BY a.id`
	// Who is told in place of a shared PC, a machine or somebody who left.
	caseContacts = `SELECT a.id, MIN(r.id) FROM mail_report r JOIN account a ON a.organisation_id = r.organisation_id AND a.role = 'contact'
		WHERE r.case_id = $1 AND r.withdrawn_at = 0 AND ` + member.Active(2) + ` AND NOT EXISTS (SELECT 1 FROM account p WHERE p.id = r.account_id
			AND p.role <> 'machine' AND p.active AND p.left_at = 0 AND (p.expires_at = 0 OR p.expires_at > $2)) GROUP BY a.id`
	orgContacts = `SELECT a.id, CAST($3 AS BIGINT) FROM account a WHERE a.organisation_id = $1 AND a.role IN ('contact', 'operator') AND ` + member.Active(2)
	listNotices = `SELECT n.id, n.kind, n.report_id, r.subject, n.consent_id, n.told_at, n.read_at,
			COALESCE((SELECT a.id FROM advisory a WHERE a.id = n.advisory_id AND a.state IN ('published', 'corrected', 'withdrawn') AND ` + store.Visible("a", 2) + `), 0)
		FROM report_notice n JOIN mail_report r ON r.id = n.report_id WHERE n.account_id = $1`
)

const (
	insertNotice = `INSERT INTO report_notice (account_id, kind, report_id, advisory_id, consent_id, told_at, read_at)
		VALUES ($1, $2, $3, $4, $5, $6, 0)`
	readNotice  = `UPDATE report_notice SET read_at = $2 WHERE account_id = $1 AND read_at = 0`
	dropNotices = `DELETE FROM report_notice WHERE read_at <> 0 AND told_at < $1`
)

// --- time to protection

const (
	protect = `INSERT INTO protection (advisory_id, published_at) VALUES ($1, $2) ON CONFLICT (advisory_id) DO NOTHING`
	// Who fetched a list well after it was published has it, at the latest since then.
	protectKnown = `INSERT INTO protection_fetch (advisory_id, organisation_id, fetched_at)
		SELECT CAST($1 AS BIGINT), f.organisation_id, f.fetched_at FROM filter_fetch f WHERE f.fetched_at >= $2 ON CONFLICT (advisory_id, organisation_id) DO NOTHING`
	fetchedLast = `SELECT COALESCE(MAX(fetched_at), 0) FROM filter_fetch WHERE organisation_id = $1`
	// What an organisation has not fetched that was published since $2.
	unfetched = `SELECT p.advisory_id FROM protection p WHERE p.published_at >= $2 AND p.published_at <= $3
		AND NOT EXISTS (SELECT 1 FROM protection_fetch f WHERE f.advisory_id = p.advisory_id AND f.organisation_id = $1)`
	keepFetch = `INSERT INTO protection_fetch (advisory_id, organisation_id, fetched_at) VALUES ($1, $2, $3) ON CONFLICT (advisory_id, organisation_id) DO NOTHING`
	keepLast  = `INSERT INTO filter_fetch (organisation_id, fetched_at) VALUES ($1, $2)
		ON CONFLICT (organisation_id) DO UPDATE SET fetched_at = excluded.fetched_at WHERE filter_fetch.fetched_at < excluded.fetched_at`
)

// meant are the institutions o that may see the advisory a.
const meant = advisory.Meant

const (
	protectionTimes = `SELECT MIN(c.first_at), MIN(CASE WHEN c.taken_at = 0 THEN p.published_at ELSE c.taken_at END),
			(SELECT COUNT(DISTINCT n.organisation_id) FROM case_organisation n JOIN mail_case k ON k.id = n.case_id WHERE k.advisory_id = $1),
			(SELECT COUNT(*) FROM case_organisation n JOIN mail_case k ON k.id = n.case_id WHERE k.advisory_id = $1 AND n.organisation_id = $2),
			COALESCE((SELECT f.fetched_at FROM protection_fetch f WHERE f.advisory_id = $1 AND f.organisation_id = $2), 0)
		FROM protection p JOIN mail_case c ON c.advisory_id = p.advisory_id AND c.advisory_id <> 0 AND c.reports > 0 WHERE p.advisory_id = $1 GROUP BY p.advisory_id`
	protectionFetches = `SELECT o.id, o.short, COALESCE(f.fetched_at, 0) FROM advisory a JOIN organisation o ON ` + meant + `
		LEFT JOIN protection_fetch f ON f.advisory_id = a.id AND f.organisation_id = o.id WHERE a.id = $1 ORDER BY o.id`
	// How many institutions information is meant for that has the TLP $1, the
	// group $2 and the source $3, and whether $4 is one of them.
	countMeant = `SELECT COUNT(*), COALESCE(SUM(CASE WHEN o.id = $4 THEN 1 ELSE 0 END), 0) FROM organisation o
		WHERE o.kind = 'institution' AND o.left_at = 0 AND (o.id = $3 OR $1 <= 3 AND ($2 = 0
			OR EXISTS (SELECT 1 FROM sharing_group_member m WHERE m.group_id = $2 AND m.organisation_id = o.id)))`
)

// summed are the advisories of a summary.
var summed = `SELECT a.id, a.published_at, a.tlp, a.group_id, a.organisation_id,
		(SELECT MIN(c.first_at) FROM mail_case c WHERE c.advisory_id = a.id AND c.advisory_id <> 0 AND c.reports > 0) AS first_at
	FROM protection p JOIN advisory a ON a.id = p.advisory_id
	WHERE p.published_at >= $1 AND a.state IN ('published', 'corrected') AND ` + store.Visible("a", 2) + `
		AND EXISTS (SELECT 1 FROM mail_case c WHERE c.advisory_id = a.id AND c.advisory_id <> 0 AND c.reports > 0)
	ORDER BY p.published_at DESC LIMIT $4`

var (
	// How many fetches took how many minutes, and of them those of $3.
	summedFetches = `SELECT (f.fetched_at - s.first_at) / 60000000 AS minutes, COUNT(*), SUM(CASE WHEN o.id = $3 THEN 1 ELSE 0 END)
		FROM (` + summed + `) AS s JOIN advisory a ON a.id = s.id JOIN protection_fetch f ON f.advisory_id = a.id
			JOIN organisation o ON o.id = f.organisation_id WHERE ` + meant + ` GROUP BY minutes ORDER BY minutes`
	// Whether at least $5 institutions have fetched something of it.
	summedFetchers = `SELECT COUNT(*) FROM (SELECT DISTINCT f.organisation_id FROM (` + summed + `) AS s JOIN advisory a ON a.id = s.id
			JOIN protection_fetch f ON f.advisory_id = a.id JOIN organisation o ON o.id = f.organisation_id WHERE ` + meant + ` LIMIT $5) AS fetchers`
)
