// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package trend

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"teiten/internal/caller"
	"teiten/internal/disclose"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// dayOf is the Tokyo day of a column of microseconds.
func dayOf(column string) string {
	return "((" + column + " + 32400000000) / 86400000000)"
}

// counted returns, for a series and dimension, the SELECT of its rows as
// (item, day, tlp, organisation_id, group_id), and the day column to restrict it by.
func counted(s Series, d Dimension) string {
	switch s {
	case Observation:
		item := map[Dimension]string{Category: "o.category", Brand: "o.brand", Source: "o.source"}[d]
		return `SELECT ` + item + ` AS item, o.day AS day, o.tlp AS tlp, o.organisation_id AS organisation_id, o.group_id AS group_id
			FROM observation o WHERE o.day BETWEEN $1 AND $2`
	case Sighting:
		item, join := advisoryItem(d)
		return `SELECT ` + item + ` AS item, ` + dayOf("s.at") + ` AS day, a.tlp AS tlp, s.organisation_id AS organisation_id, a.group_id AS group_id
			FROM sighting s JOIN advisory a ON a.id = s.advisory_id ` + join + `
			WHERE s.retracted_at = 0 AND a.state IN ('published', 'corrected')
			AND s.at >= $1 * 86400000000 - 32400000000 AND s.at < ($2 + 1) * 86400000000 - 32400000000`
	default:
		item, join := advisoryItem(d)
		return `SELECT ` + item + ` AS item, ` + dayOf("a.published_at") + ` AS day, a.tlp AS tlp, a.organisation_id AS organisation_id, a.group_id AS group_id
			FROM advisory a ` + join + ` WHERE a.state IN ('published', 'corrected') AND a.published_at > 0
			AND a.published_at >= $1 * 86400000000 - 32400000000 AND a.published_at < ($2 + 1) * 86400000000 - 32400000000`
	}
}

func advisoryItem(d Dimension) (item, join string) {
	switch d {
	case Technique:
		return "t.technique_id", "JOIN advisory_technique t ON t.advisory_id = a.id"
	case NoticeKind:
		return "a.notice_kind", ""
	case Brand:
		return "a.brand", ""
	case Source:
		return "a.source", ""
	default:
		return "a.category", ""
	}
}

// grouped counts the rows of a series and dimension. An empty item (no brand,
// not a notice) is no item, but each thing has a category and a source.
func grouped(s Series, d Dimension) string {
	return `SELECT CAST('` + string(s) + `' AS TEXT) AS series, CAST('` + string(d) + `' AS TEXT) AS dimension,
		item, day, tlp, organisation_id, group_id, COUNT(*) AS count
		FROM (` + counted(s, d) + `) AS r WHERE item <> '' GROUP BY item, day, tlp, organisation_id, group_id`
}

func refreshSome(ctx context.Context, tx *store.Tx, most int) (int, error) {
	rows, err := tx.Query(ctx, `DELETE FROM dirty_day WHERE (series, day) IN
		(SELECT series, day FROM dirty_day ORDER BY series, day LIMIT $1`+tx.Engine().Skip()+`) RETURNING series, day`, most)
	if err != nil {
		return 0, fmt.Errorf("trend: dirty days: %w", err)
	}
	defer rows.Close()
	todo := map[Series][]int64{}
	n := 0
	for rows.Next() {
		var s Series
		var day int64
		if err := rows.Scan(&s, &day); err != nil {
			return 0, err
		}
		todo[s] = append(todo[s], day)
		n++
	}
	if err := rows.Err(); err != nil || n == 0 {
		return 0, err
	}
	rows.Close()
	for _, s := range AllSeries {
		for _, run := range runs(todo[s]) {
			if err := countAgain(ctx, tx, s, run.first, run.last); err != nil {
				return 0, err
			}
		}
	}
	return n, tx.Bump(ctx, "trend")
}

// run is days without a gap, both ends included.
type run struct{ first, last int64 }

// runs joins days: to count a month is hardly slower than to count a day.
func runs(days []int64) []run {
	slices.Sort(days)
	var all []run
	for _, d := range days {
		if n := len(all); n > 0 && d == all[n-1].last+1 {
			all[n-1].last = d
			continue
		}
		all = append(all, run{d, d})
	}
	return all
}

func countAgain(ctx context.Context, tx *store.Tx, s Series, first, last int64) error {
	for _, d := range s.Dimensions() {
		if _, err := tx.Exec(ctx, `DELETE FROM daily_count WHERE series = $1 AND dimension = $2 AND day BETWEEN $3 AND $4`,
			string(s), string(d), first, last); err != nil {
			return fmt.Errorf("trend: %w", err)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO daily_count (series, dimension, item, day, tlp, organisation_id, group_id, count) `+
			grouped(s, d), first, last); err != nil {
			return fmt.Errorf("trend: count %s by %s: %w", s, d, err)
		}
	}
	return nil
}

const (
	firstDay = NoDay
	lastDay  = 100_000_000 // later than any time in microseconds
)

// Check counts everything again and returns where the stored counts differ.
// Days that wait for their job are counted first; those that change meanwhile
// are left to theirs.
func Check(ctx context.Context, db *store.DB, c caller.Caller) ([]Difference, error) {
	if err := Refresh(ctx, db); err != nil {
		return nil, err
	}
	return Differences(ctx, db, c)
}

// Differences is Check that changes nothing: days that wait for their job are
// left out.
func Differences(ctx context.Context, db *store.DB, c caller.Caller) ([]Difference, error) {
	var all []Difference
	err := db.View(ctx, c, func(tx *store.Tx) error {
		for _, s := range AllSeries {
			for _, d := range s.Dimensions() {
				rows, err := tx.Query(ctx, `SELECT item, day, SUM(stored), SUM(counted) FROM (
					SELECT item, day, tlp, organisation_id, group_id, count AS stored, 0 AS counted FROM daily_count WHERE series = '`+string(s)+`' AND dimension = '`+string(d)+`'
					UNION ALL
					SELECT item, day, tlp, organisation_id, group_id, 0, count FROM (`+grouped(s, d)+`) AS g) AS both_counts
					WHERE day NOT IN (SELECT day FROM dirty_day WHERE series = '`+string(s)+`')
					GROUP BY item, day, tlp, organisation_id, group_id HAVING SUM(stored) <> SUM(counted) ORDER BY day, item`, firstDay, lastDay)
				if err != nil {
					return fmt.Errorf("trend: recount: %w", err)
				}
				for rows.Next() {
					f := Difference{Series: s, Dimension: d}
					var day int64
					if err := rows.Scan(&f.Item, &day, &f.Stored, &f.Counted); err != nil {
						rows.Close()
						return err
					}
					f.Day = DayText(day)
					all = append(all, f)
				}
				rows.Close()
				if err := rows.Err(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return all, err
}

// Recount throws the stored counts away and makes all of them anew.
func Recount(ctx context.Context, db *store.DB) error {
	return db.Keep(ctx, func(tx *store.Tx) error {
		for _, q := range []string{`DELETE FROM dirty_day`, `DELETE FROM daily_count`} {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		for _, s := range AllSeries {
			for _, d := range s.Dimensions() {
				if _, err := tx.Exec(ctx, `INSERT INTO daily_count (series, dimension, item, day, tlp, organisation_id, group_id, count) `+
					grouped(s, d), firstDay, lastDay); err != nil {
					return fmt.Errorf("trend: count %s by %s: %w", s, d, err)
				}
			}
		}
		return tx.Bump(ctx, "trend")
	})
}

// Query asks for counts.
type Query struct {
	Series    Series
	Dimension Dimension
	Item      string // only this item; "" for all
	From, To  int64  // days, both included
	Monthly   bool
	Org       int64 // only this organisation's, the caller's own unless he reviews for the ISAC; 0 for all that he may see
}

// Point is one count. Period is 2026-03 or 2026-03-04.
type Point struct {
	Period string
	Item   string
	Count  int64          // 0 if it is hidden
	Hidden disclose.Shown // how a hidden count is told; else zero
}

// Shown is the count as it may be shown.
func (p Point) Shown() disclose.Shown {
	if p.Hidden.Hidden() {
		return p.Hidden
	}
	return disclose.Exactly(int(p.Count))
}

// Read returns the counts that the caller may see, by period and item. What
// has no date is in no period. Of sightings everybody but the ISAC's reviewers
// gets the counts as package disclose shows them, those of a month always for
// the whole month, and those of the own organisation as they are.
func Read(ctx context.Context, q store.Queryer, c caller.Caller, ask Query) ([]Point, error) {
	known := false
	for _, d := range ask.Series.Dimensions() {
		known = known || d == ask.Dimension
	}
	if !known {
		return nil, fault.New(fault.Invalid, "trend.dimension", "series", string(ask.Series), "dimension", string(ask.Dimension))
	}
	if ask.From > ask.To || ask.To-ask.From > 366*30 {
		return nil, fault.New(fault.Invalid, "trend.period")
	}
	// Counts of one other institution would tell which one was attacked.
	if reviews := c.OrgKind == caller.ISAC && c.Is(caller.Operator, caller.Analyst); ask.Org != 0 && ask.Org != c.Org && !reviews {
		return nil, fault.New(fault.Forbidden, "fault.forbidden")
	}
	if !utf8.ValidString(ask.Item) || strings.ContainsRune(ask.Item, 0) {
		return nil, nil // no item is called so
	}
	if !exact(c, ask) {
		return readHidden(ctx, q, c, ask)
	}
	ceiling, own := store.Sees(c)
	rows, err := q.Query(ctx, `SELECT d.day, d.item, SUM(d.count) FROM daily_count d
		WHERE d.series = $1 AND d.dimension = $2 AND d.day BETWEEN $3 AND $4 AND d.day >= 0
		AND (CAST($5 AS TEXT) = '' OR d.item = $5) AND (CAST($6 AS BIGINT) = 0 OR d.organisation_id = $6)
		AND `+store.Visible("d", 7)+`
		GROUP BY d.day, d.item ORDER BY d.day, d.item`,
		string(ask.Series), string(ask.Dimension), ask.From, ask.To, ask.Item, ask.Org, ceiling, own)
	if err != nil {
		return nil, fmt.Errorf("trend: %w", err)
	}
	defer rows.Close()
	var all []Point
	at := map[string]int{} // index in all of each item of the present period
	period := ""
	for rows.Next() {
		var day, n int64
		var p Point
		if err := rows.Scan(&day, &p.Item, &n); err != nil {
			return nil, err
		}
		p.Period, p.Count = DayText(day), n
		if ask.Monthly {
			p.Period = p.Period[:len("2006-01")]
		}
		if p.Period != period {
			period = p.Period
			clear(at)
		}
		if i, ok := at[p.Item]; ok {
			all[i].Count += n
			continue
		}
		at[p.Item] = len(all)
		all = append(all, p)
	}
	return all, rows.Err()
}

// Periods lists every period of a query, so that a chart has its empty months too.
func (ask Query) Periods() []string {
	var all []string
	for day := max(ask.From, 0); day <= ask.To; day++ {
		p := DayText(day)
		if ask.Monthly {
			p = p[:len("2006-01")]
		}
		if len(all) == 0 || all[len(all)-1] != p {
			all = append(all, p)
		}
	}
	return all
}

// ParseDimension reads a dimension's name.
func ParseDimension(s string) (Dimension, error) {
	switch d := Dimension(strings.TrimSpace(s)); d {
	case Category, Technique, NoticeKind, Brand, Source:
		return d, nil
	default:
		return "", fault.New(fault.Invalid, "trend.dimension", "series", "", "dimension", s)
	}
}
