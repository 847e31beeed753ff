// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package trend

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/disclose"
	"teiten/internal/locale"
	"teiten/internal/store"
)

// exact reports whether the caller has the numbers as they are: all but the
// ISAC's reviewers see of others' sightings only what names nobody.
func exact(c caller.Caller, ask Query) bool {
	return ask.Series != Sighting || ask.Org != 0 || c.OrgKind == caller.ISAC && c.Is(caller.Operator, caller.Analyst)
}

// readHidden is Read of sightings for members. Of each month there is one table
// of items by days, suppressed with its totals, and whatever is asked for is a
// part of it: the counts of a month are always those of the whole month, so
// that two periods that differ by a day do not give that day.
//
// A sighting has one category and one source, and a notice has one kind, so
// that what the categories hide of notices on a day is hidden of the kinds too.
func readHidden(ctx context.Context, q store.Queryer, c caller.Caller, ask Query) ([]Point, error) {
	months, err := readMonths(ctx, q, c, ask, ask.Dimension)
	if err != nil {
		return nil, err
	}
	var notices map[string]*month
	if ask.Dimension == NoticeKind {
		if notices, err = readMonths(ctx, q, c, ask, Category); err != nil {
			return nil, err
		}
	}
	var all []Point
	for name, m := range months {
		all = append(all, m.points(ask, name, notices[name])...)
	}
	slices.SortFunc(all, func(a, b Point) int { return cmp.Or(cmp.Compare(a.Period, b.Period), cmp.Compare(a.Item, b.Item)) })
	return all, nil
}

// readMonths reads the months that a period touches, whole.
func readMonths(ctx context.Context, q store.Queryer, c caller.Caller, ask Query, d Dimension) (map[string]*month, error) {
	from := DayStart(max(ask.From, 0)).In(locale.Tokyo)
	to := DayStart(max(ask.To, 0)).In(locale.Tokyo)
	first := Day(time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, locale.Tokyo))
	last := Day(time.Date(to.Year(), to.Month()+1, 1, 0, 0, 0, 0, locale.Tokyo)) - 1
	ceiling, own := store.Sees(c)
	rows, err := q.Query(ctx, `SELECT d.day, d.item, d.organisation_id, SUM(d.count) FROM daily_count d
		WHERE d.series = $1 AND d.dimension = $2 AND d.day BETWEEN $3 AND $4 AND d.day >= 0 AND `+store.Visible("d", 5)+`
		GROUP BY d.day, d.item, d.organisation_id`, string(Sighting), string(d), max(first, 0), last, ceiling, own)
	if err != nil {
		return nil, fmt.Errorf("trend: %w", err)
	}
	defer rows.Close()
	all := map[string]*month{}
	for rows.Next() {
		var day, org, n int64
		var item string
		if err := rows.Scan(&day, &item, &org, &n); err != nil {
			return nil, err
		}
		name := DayText(day)[:len("2006-01")]
		if all[name] == nil {
			all[name] = &month{items: map[string]int{}, days: map[int64]int{}, cells: map[[2]int]*tally{}}
		}
		all[name].add(item, day, org, int(n))
	}
	return all, rows.Err()
}

// tally counts things and whose they are.
type tally struct {
	n    int
	orgs map[int64]bool
}

func (t *tally) add(org int64, n int) {
	if t.orgs == nil {
		t.orgs = map[int64]bool{}
	}
	t.n += n
	t.orgs[org] = true
}

func (t *tally) cell() disclose.Cell {
	if t == nil {
		return disclose.Cell{}
	}
	return disclose.Cell{Count: t.n, Contributors: len(t.orgs)}
}

// month is the sightings of one month by item and day.
type month struct {
	items map[string]int // their rows
	days  map[int64]int  // their columns
	cells map[[2]int]*tally
	rows  []tally
	cols  []tally
	total tally
	shown *disclose.ShownTable
}

func (m *month) add(item string, day, org int64, n int) {
	i, ok := m.items[item]
	if !ok {
		i = len(m.items)
		m.items[item], m.rows = i, append(m.rows, tally{})
	}
	j, ok := m.days[day]
	if !ok {
		j = len(m.days)
		m.days[day], m.cols = j, append(m.cols, tally{})
	}
	at := [2]int{i, j}
	if m.cells[at] == nil {
		m.cells[at] = &tally{}
	}
	for _, t := range []*tally{m.cells[at], &m.rows[i], &m.cols[j], &m.total} {
		t.add(org, n)
	}
}

// table is the month as it may be shown. What it hides does not depend on the
// order in which the rows were read but for ties, which are of equal counts;
// so that two readings tell the same, rows and columns are put in order first.
func (m *month) table() *disclose.ShownTable {
	if m.shown != nil {
		return m.shown
	}
	items, days := sortedBy(m.items), sortedBy(m.days)
	var t disclose.Table
	t.Total = m.total.cell()
	for i, item := range items {
		t.Rows = append(t.Rows, m.rows[m.items[item]].cell())
		t.Cells = append(t.Cells, make([]disclose.Cell, len(days)))
		for j, day := range days {
			t.Cells[i][j] = m.cells[[2]int{m.items[item], m.days[day]}].cell()
		}
	}
	for _, day := range days {
		t.Cols = append(t.Cols, m.cols[m.days[day]].cell())
	}
	shown := t.Suppress(disclose.Sightings)
	for i, item := range items {
		m.items[item] = i
	}
	for j, day := range days {
		m.days[day] = j
	}
	m.shown = &shown
	return m.shown
}

func sortedBy[K cmp.Ordered](at map[K]int) []K {
	keys := make([]K, 0, len(at))
	for k := range at {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// hides reports whether the number of an item is hidden, of the month or of a day.
func (m *month) hides(item string, day int64, monthly bool) bool {
	if m == nil {
		return false
	}
	t := m.table()
	i, ok := m.items[item]
	if !ok {
		return false
	}
	if monthly {
		return t.Rows[i].Hidden()
	}
	j, ok := m.days[day]
	return ok && t.Cells[i][j].Hidden()
}

// points are what a question gets of the month. A count of 0 is left out where
// it is known to be one.
func (m *month) points(ask Query, name string, notices *month) (all []Point) {
	t := m.table()
	take := func(period, item string, s disclose.Shown, day int64) {
		if notices.hides(string(category.Notice), day, ask.Monthly) {
			s = disclose.Shown{Withheld: true}
		}
		if ask.Item != "" && ask.Item != item || !s.Hidden() && s.N == 0 {
			return
		}
		p := Point{Period: period, Item: item, Count: int64(s.N)}
		if s.Hidden() {
			p.Hidden = s
		}
		all = append(all, p)
	}
	for item, i := range m.items {
		if ask.Monthly {
			take(name, item, t.Rows[i], 0)
			continue
		}
		for day, j := range m.days {
			if day >= ask.From && day <= ask.To {
				take(DayText(day), item, t.Cells[i][j], day)
			}
		}
	}
	return all
}
