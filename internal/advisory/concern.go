// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"teiten/internal/caller"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/store"
)

// ConcernJob finds the institutions that a published advisory concerns.
const ConcernJob = "concern.match"

// ConcernArgs name the advisory.
type ConcernArgs struct {
	Advisory int64 `json:"advisory"`
}

// ConcernWorker does ConcernJob: it compares an advisory's text with what each
// institution says it uses.
func ConcernWorker(db *store.DB) job.Worker {
	return func(ctx context.Context, j job.Job) error {
		var args ConcernArgs
		if err := json.Unmarshal(j.Args, &args); err != nil {
			return err
		}
		return db.Keep(ctx, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, `DELETE FROM concern WHERE advisory_id = $1`, args.Advisory); err != nil {
				return err
			}
			return matchConcerns(ctx, tx, `a.id = $1`, args.Advisory, `1 = $1`, 1)
		})
	}
}

// RematchWorker does member.RematchJob: all advisories for one organisation.
func RematchWorker(db *store.DB) job.Worker {
	return func(ctx context.Context, j job.Job) error {
		var args member.RematchArgs
		if err := json.Unmarshal(j.Args, &args); err != nil {
			return err
		}
		return db.Keep(ctx, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, `DELETE FROM concern WHERE organisation_id = $1`, args.Org); err != nil {
				return err
			}
			return matchConcerns(ctx, tx, `1 = $1`, 1, `i.organisation_id = $1`, args.Org)
		})
	}
}

// matchConcerns matches the advisories of one condition with the interests of
// another. Both are few texts or few interests; the other side is streamed.
func matchConcerns(ctx context.Context, tx *store.Tx, advisories string, advisory int64, interests string, org int64) error {
	type interest struct {
		org   int64
		value string
		words []string
	}
	var all []interest
	rows, err := tx.Query(ctx, `SELECT i.organisation_id, i.kind, i.value FROM interest i WHERE `+interests, org)
	if err != nil {
		return err
	}
	for rows.Next() {
		var i member.Interest
		if err := rows.Scan(&i.Org, &i.Kind, &i.Value); err != nil {
			rows.Close()
			return err
		}
		all = append(all, interest{i.Org, i.Value, i.Words()})
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	type match struct {
		org, advisory int64
		value         string
	}
	var found []match
	rows, err = tx.Query(ctx, `SELECT a.id, st.folded FROM advisory a JOIN search_text st ON st.advisory_id = a.id
		WHERE a.state IN ('published', 'corrected') AND `+advisories, advisory)
	if err != nil {
		return err
	}
	for rows.Next() {
		var id int64
		var folded string
		if err := rows.Scan(&id, &folded); err != nil {
			rows.Close()
			return err
		}
		for _, i := range all {
			if concerns(folded, i.words) {
				found = append(found, match{i.org, id, i.value})
			}
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	for _, m := range found {
		if _, err := tx.Exec(ctx, `INSERT INTO concern (organisation_id, advisory_id, matched) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			m.org, m.advisory, m.value); err != nil {
			return fmt.Errorf("advisory: concern: %w", err)
		}
	}
	return nil
}

// concerns reports whether a folded text has every word. A word that begins or
// ends with a Latin letter or a digit must not stand inside a longer one: "SAP"
// does not concern Sapporo, "Windows 1" not Windows 11.
func concerns(folded string, words []string) bool {
	for _, w := range words {
		if !containsWord(folded, w) {
			return false
		}
	}
	return len(words) > 0
}

func containsWord(text, word string) bool {
	if word == "" {
		return false
	}
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(word)
		if !joined(text[:start], word) && !joined(word, text[end:]) {
			return true
		}
		from = start + 1
	}
}

// joined reports whether two neighbouring texts make one word where they meet.
func joined(left, right string) bool {
	a, _ := utf8.DecodeLastRuneInString(left)
	b, _ := utf8.DecodeRuneInString(right)
	return latin(a) && latin(b)
}

func latin(r rune) bool { return unicode.Is(unicode.Latin, r) || unicode.IsDigit(r) }

// Matched returns, for advisories, the words of the caller's institution that
// they concern.
func Matched(ctx context.Context, q store.Queryer, c caller.Caller, ids ...int64) (map[int64][]string, error) {
	all := map[int64][]string{}
	if len(ids) == 0 {
		return all, nil
	}
	args := []any{c.Org}
	list := make([]string, len(ids))
	for i, id := range ids {
		args = append(args, id)
		list[i] = "$" + strconv.Itoa(len(args))
	}
	rows, err := q.Query(ctx, `SELECT advisory_id, matched FROM concern WHERE organisation_id = $1
		AND advisory_id IN (`+strings.Join(list, ", ")+`) ORDER BY advisory_id, matched`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var w string
		if err := rows.Scan(&id, &w); err != nil {
			return nil, err
		}
		all[id] = append(all[id], w)
	}
	return all, rows.Err()
}
