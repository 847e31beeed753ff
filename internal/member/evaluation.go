// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"
	"strconv"
	"time"

	"teiten/internal/caller"
	"teiten/internal/locale"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// Evaluation is what an evaluator answered to "did this help you decide?".
type Evaluation struct {
	Account   int64     `json:"account"` // 0 in the total
	Name      string    `json:"name"`
	OrgName   string    `json:"organisation"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Admitted  bool      `json:"admitted"` // still gets in

	AdvisoryHelped    int `json:"advisory_helped"` // advisories that helped
	AdvisoryNotHelped int `json:"advisory_not_helped"`
	SearchHelped      int `json:"search_helped"` // days on which searching helped
	SearchNotHelped   int `json:"search_not_helped"`
}

// Answers is how many answers there are.
func (e Evaluation) Answers() int {
	return e.AdvisoryHelped + e.AdvisoryNotHelped + e.SearchHelped + e.SearchNotHelped
}

// EvaluationHeader names the columns of [Evaluation.Record] in CSV.
func EvaluationHeader() []string {
	return []string{"account", "name", "organisation", "expires_at", "admitted",
		"advisory_helped", "advisory_not_helped", "search_helped", "search_not_helped", "answers"}
}

// Record is the evaluation as a line of CSV; times are RFC 3339 in Tokyo.
func (e Evaluation) Record() []string {
	expires := ""
	if !e.ExpiresAt.IsZero() {
		expires = e.ExpiresAt.In(locale.Tokyo).Format(time.RFC3339)
	}
	return []string{strconv.FormatInt(e.Account, 10), e.Name, e.OrgName, expires, strconv.FormatBool(e.Admitted),
		strconv.Itoa(e.AdvisoryHelped), strconv.Itoa(e.AdvisoryNotHelped), strconv.Itoa(e.SearchHelped), strconv.Itoa(e.SearchNotHelped),
		strconv.Itoa(e.Answers())}
}

// Evaluations reports every evaluator's answers, also of those whose time is
// over, and their sum. Operators only.
func Evaluations(ctx context.Context, q store.Queryer, c caller.Caller) (all []Evaluation, total Evaluation, err error) {
	if err := permit.Check(c, permit.EvaluationRead); err != nil {
		return nil, total, err
	}
	rows, err := q.Query(ctx, `SELECT a.id, a.name, o.short, a.expires_at, CASE WHEN `+Admitted(1)+` THEN 1 ELSE 0 END,
		COALESCE(SUM(CASE WHEN p.subject LIKE 'advisory/%' AND p.helped THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN p.subject LIKE 'advisory/%' AND NOT p.helped THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN p.subject = 'search' AND p.helped THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN p.subject = 'search' AND NOT p.helped THEN 1 ELSE 0 END), 0)
		FROM account a JOIN organisation o ON o.id = a.organisation_id LEFT JOIN opinion p ON p.account_id = a.id
		WHERE a.evaluator GROUP BY a.id, a.name, o.short, a.expires_at, a.active, a.left_at, o.left_at ORDER BY a.id`, Present(q))
	if err != nil {
		return nil, total, err
	}
	defer rows.Close()
	for rows.Next() {
		var e Evaluation
		var expires int64
		var admitted int
		if err := rows.Scan(&e.Account, &e.Name, &e.OrgName, &expires, &admitted,
			&e.AdvisoryHelped, &e.AdvisoryNotHelped, &e.SearchHelped, &e.SearchNotHelped); err != nil {
			return nil, total, err
		}
		e.ExpiresAt, e.Admitted = store.Time(expires), admitted == 1
		total.AdvisoryHelped += e.AdvisoryHelped
		total.AdvisoryNotHelped += e.AdvisoryNotHelped
		total.SearchHelped += e.SearchHelped
		total.SearchNotHelped += e.SearchNotHelped
		all = append(all, e)
	}
	return all, total, rows.Err()
}
