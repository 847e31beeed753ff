// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/redact"
	"teiten/internal/store"
	"teiten/internal/wave"
)

// wardSight is how long a report from a shared PC can be read on it: whoever
// stands there tomorrow is somebody else.
const wardSight = HoldFor

// leads reports whether the caller answers for the reports of her institution.
func leads(c caller.Caller) bool { return c.Org != 0 && c.Account != 0 && c.Is(caller.Contact) }

// sight are the first arguments of every read of reports: whether the caller
// sees all, his organisation, whether he sees all of hers, his account, his
// device when nobody is signed in, and since when he sees what came from it.
func sight(q store.Queryer, c caller.Caller, p permit.Permission) []any {
	all, org := permit.Reach(c, p)
	lead, device := 0, int64(0)
	if leads(c) {
		lead = 1
	}
	if c.Account == 0 {
		device = c.Device
	}
	return []any{all, org, lead, c.Account, device, store.Micros(now(q).Add(-wardSight))}
}

// Get returns a report: the reporter's own, for a contact any of the
// institution's, for analysts any, redacted. On a ward's shared PC a report from
// it can be read for a day.
func Get(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (*Report, error) {
	ceiling, org := store.Sees(c)
	var findings, redacted string
	r, err := scanReport(q.QueryRow(ctx, oneReport, append(sight(q, c, permit.MailReportRead), id, ceiling, org)...), c, &findings, &redacted)
	if err != nil {
		return nil, err
	}
	if r.Findings, err = readFindings(findings); err != nil {
		return nil, err
	}
	r.Mail, err = readRedacted(redacted)
	return r, err
}

func readRedacted(text string) (*redact.Mail, error) {
	if text == "" { // withdrawn
		return nil, nil
	}
	m := new(redact.Mail)
	if err := json.Unmarshal([]byte(text), m); err != nil {
		return nil, fmt.Errorf("report: redacted mail: %w", err)
	}
	return m, nil
}

type scanner interface{ Scan(...any) error }

func scanReport(row scanner, c caller.Caller, findings, redacted *string) (*Report, error) {
	var r Report
	var at, keep, withdrawn int64
	err := row.Scan(&r.ID, &r.Org, &r.OrgName, &r.Account, &r.Reporter, &r.Channel, &at, &r.Did, &r.Verdict, &r.Score,
		&r.Rules, &r.Subject, &r.Size, &keep, &r.Case, &r.State, &withdrawn, &r.Mine, &r.Advisory, findings, redacted)
	if err != nil {
		return nil, store.NotFound(err)
	}
	r.At, r.Original, r.Withdrawn = store.Time(at), store.Time(keep), store.Time(withdrawn)
	if r.Org != c.Org { // who it was stays in the institution
		r.Account, r.Reporter = 0, ""
	}
	if permit.May(c, permit.MailCase) == permit.None {
		r.Case = 0
	}
	return &r, nil
}

// List returns a page of the reports that the caller may see.
func List(ctx context.Context, q store.Queryer, c caller.Caller, f Filter) (Page, error) {
	if f.Limit == 0 {
		f.Limit = 50
	}
	if f.Limit < 1 || f.Limit > 500 {
		return Page{}, fault.New(fault.Invalid, "fault.limit", "most", 500)
	}
	if f.Case != 0 && permit.May(c, permit.MailCase) == permit.None || f.Org != 0 && f.Org != c.Org && permit.May(c, permit.MailReportRead) != permit.All {
		return Page{}, fault.New(fault.Forbidden, "fault.forbidden")
	}
	ceiling, org := store.Sees(c)
	args := append(sight(q, c, permit.MailReportRead), ceiling, org, f.Case, f.Org, number(f.Mine), number(f.Withdrawn), f.Before, f.Limit+1)
	query := listReports
	if f.Mails {
		query = listMails
	}
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return Page{}, fmt.Errorf("report: list: %w", err)
	}
	defer rows.Close()
	var p Page
	for rows.Next() {
		var none, redacted string
		r, err := scanReport(rows, c, &none, &redacted)
		if err != nil {
			return Page{}, err
		}
		if r.Mail, err = readRedacted(redacted); err != nil {
			return Page{}, err
		}
		p.Items = append(p.Items, r)
	}
	if len(p.Items) > f.Limit {
		p.Items = p.Items[:f.Limit]
		p.Next = p.Items[f.Limit-1].ID
	}
	return p, rows.Err()
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// MayWithdraw reports whether the caller may withdraw the report as it is: the
// reporter himself or his institution's contact, while no advisory came of it.
func MayWithdraw(c caller.Caller, r *Report) bool {
	return owns(c, r) && r.Withdrawn.IsZero() && r.State != Published
}

// owns reports whether the caller made the report or answers for it.
func owns(c caller.Caller, r *Report) bool {
	return permit.CheckFor(c, permit.MailReport, r.Org) == nil && (r.Mine || leads(c) && r.Org == c.Org)
}

// Withdraw takes a report back: it leaves its case, and the original and the
// redacted mail are deleted at once. A case without reports is closed.
func Withdraw(ctx context.Context, db *store.DB, blobs *blob.Store, c caller.Caller, id int64) error {
	var file string
	err := db.Write(ctx, c, func(tx *store.Tx) error {
		if err := serialise(ctx, tx); err != nil {
			return err
		}
		r, err := Get(ctx, tx, c, id)
		if err != nil {
			return err
		}
		if !owns(c, r) || !r.Withdrawn.IsZero() {
			return fault.New(fault.Forbidden, "report.withdraw")
		}
		if r.State == Published {
			return fault.New(fault.Conflict, "report.withdraw_published")
		}
		var print, of int64
		if err := tx.QueryRow(ctx, reportParts, id).Scan(&file, &print, &of); err != nil {
			return err
		}
		if err := dropFile(ctx, tx, file); err != nil {
			return err
		}
		at := store.Micros(tx.Now)
		for _, query := range []string{withdrawReport, endConsents} {
			if _, err := tx.Exec(ctx, query, id, at); err != nil {
				return err
			}
		}
		if err := forgetPrint(ctx, tx, print); err != nil {
			return err
		}
		if err := recount(ctx, tx, of); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "report.withdraw", object(id), "case", of)
	})
	if err != nil || file == "" {
		return err
	}
	return blobs.Remove(file)
}

// dropFile deletes the row of an original, if there is one.
func dropFile(ctx context.Context, tx *store.Tx, name string) error {
	if name == "" {
		return nil
	}
	err := blob.Delete(ctx, tx, name)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// forgetPrint removes a print when no report has it any more.
func forgetPrint(ctx context.Context, tx *store.Tx, print int64) error {
	if print == 0 {
		return nil
	}
	var n int
	if err := tx.QueryRow(ctx, printUsed, print).Scan(&n); err != nil || n > 0 {
		return err
	}
	return wave.Forget(ctx, tx, print)
}

// recount makes a case's figures anew from its reports, and the sightings of its
// advisory.
func recount(ctx context.Context, tx *store.Tx, of int64) error {
	for _, query := range []string{uncountInstitutions, recountInstitutions, recountCase} {
		if _, err := tx.Exec(ctx, query, of); err != nil {
			return fmt.Errorf("report: case %d: %w", of, err)
		}
	}
	var advisoryID int64
	if err := tx.QueryRow(ctx, caseAdvisory, of).Scan(&advisoryID); err != nil {
		return fmt.Errorf("report: case %d: %w", of, err)
	}
	return sightings(ctx, tx, advisoryID)
}

// moment is the stored form of a time that may be in the future.
func moment(t time.Time) int64 { return store.Micros(t.UTC().Truncate(time.Microsecond)) }
