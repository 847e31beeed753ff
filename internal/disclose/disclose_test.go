// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package disclose

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"teiten/internal/locale"
)

func TestThresholds(t *testing.T) {
	want := map[Kind]int{Sightings: 3, Statistics: 3, MailChecks: 3, Drills: 10}
	if len(rules) != len(want) || len(Kinds) != len(want) {
		t.Errorf("%d rules of %d kinds", len(rules), len(Kinds))
	}
	for _, k := range Kinds {
		if Least(k) != want[k] || Least(k) < 3 {
			t.Errorf("kind %d has the threshold %d", k, Least(k))
		}
		if !locale.Has("disclose.fewer." + rules[k].of) {
			t.Errorf("kind %d has no sentence", k)
		}
	}
}

func TestCount(t *testing.T) {
	for _, c := range []struct {
		shown          Shown
		ja, en, asJSON string
		some           bool
	}{
		{Count(Sightings, 0), "0", "0", "0", false},
		{Count(Sightings, 1), "3施設未満", "fewer than 3", `{"fewer_than":3}`, true},
		{Count(Sightings, 2), "3施設未満", "fewer than 3", `{"fewer_than":3}`, true},
		{Count(Sightings, 3), "3", "3", "3", true},
		{Count(Drills, 9), "10人未満", "fewer than 10", `{"fewer_than":10}`, true},
		{Count(Drills, 1234), "1,234", "1,234", "1234", true},
		{Of(MailChecks, 50, 2), "3施設未満", "fewer than 3", `{"fewer_than":3}`, true},
		{Of(MailChecks, 50, 3), "50", "50", "50", true},
		{Exactly(1), "1", "1", "1", true},
		{withheld(Statistics), "非公表", "not shown", `{"withheld":true}`, false},
	} {
		b, err := json.Marshal(c.shown)
		if c.shown.Text(locale.Japanese) != c.ja || c.shown.Text(locale.English) != c.en || string(b) != c.asJSON || err != nil || c.shown.Some() != c.some {
			t.Errorf("%v: %q, %q, %s, %v", c.shown, c.shown.Text(locale.Japanese), c.shown.Text(locale.English), b, c.shown.Some())
		}
		if c.shown.Hidden() && c.shown.N != 0 {
			t.Errorf("%v carries %d", c.shown, c.shown.N)
		}
		var back Shown
		if err := json.Unmarshal(b, &back); err != nil || back.String() != c.shown.String() {
			t.Errorf("%s is read as %v, %v", b, back, err)
		}
	}
	var s Shown
	for _, bad := range []string{`"3"`, `{"fewer_than":"x"}`, `[1]`, `1.5`} {
		if err := json.Unmarshal([]byte(bad), &s); err == nil {
			t.Errorf("%s is taken for %v", bad, s)
		}
	}
}

// An attacker who has the row and its total, and who knows this very program,
// has all rows that give the same answer to choose from: in each hidden place
// they must differ.
func TestRowsCannotBeComputed(t *testing.T) {
	const most = 9
	for n := 1; n <= 4; n++ {
		type seen struct {
			values []map[int]bool
			shown  []Shown
		}
		answers := map[string]*seen{}
		rows := 0
		each(n, most, func(row []int) {
			sum := 0
			for _, v := range row {
				sum += v
			}
			if sum > most { // beyond, not all rows of the answer would be here
				return
			}
			rows++
			shown := Suppress(Sightings, row)
			key := fmt.Sprint(shown)
			if answers[key] == nil {
				answers[key] = &seen{values: make([]map[int]bool, n+1), shown: shown}
				for i := range answers[key].values {
					answers[key].values[i] = map[int]bool{}
				}
			}
			for i, v := range append(row[:n:n], sum) {
				answers[key].values[i][v] = true
				switch s := shown[i]; {
				case !s.Hidden() && (s.N != v || i < n && v > 0 && v < 3):
					t.Errorf("%v is shown as %v", row, shown)
				case s.Fewer != 0 && (v < 1 || v > 2):
					t.Errorf("%v is shown as %v, which is a lie", row, shown)
				}
			}
		})
		for key, a := range answers {
			for i, values := range a.values {
				if a.shown[i].Hidden() && len(values) < 2 {
					t.Errorf("%s: what stands at %d can only be %v", key, i, values)
				}
			}
		}
		t.Logf("%d rows of %d give %d answers", rows, n, len(answers))
	}
}

// each calls fn for every row of n counts from 0 to most.
func each(n, most int, fn func([]int)) {
	row := make([]int, n)
	var fill func(i int)
	fill = func(i int) {
		if i == n {
			fn(row)
			return
		}
		for row[i] = 0; row[i] <= most; row[i]++ {
			fill(i + 1)
		}
	}
	fill(0)
}

func TestSuppress(t *testing.T) {
	for _, c := range []struct {
		row  []int
		want string
	}{
		{nil, "[0]"},
		{[]int{0, 0}, "[0 0 0]"},
		{[]int{3, 0, 40}, "[3 0 40 43]"},
		{[]int{1, 2, 40, 0}, "[<3 <3 40 0 43]"},        // they hide each other
		{[]int{1, 40, 7}, "[withheld 40 withheld 48]"}, // the next greater one helps
		{[]int{1, 1, 7, 7, 9}, "[withheld withheld withheld withheld 9 25]"},
		{[]int{2, 2, 0}, "[withheld withheld withheld 4]"}, // the zero helps
		{[]int{2, 2}, "[withheld withheld withheld]"},      // nothing helps
		{[]int{1, 0}, "[withheld withheld withheld]"},
	} {
		if got := fmt.Sprint(Suppress(Sightings, c.row)); got != c.want {
			t.Errorf("%v: %s, want %s", c.row, got, c.want)
		}
	}
	// Seven sightings of one hospital are those of one hospital.
	row := []Cell{{7, 1}, {9, 3}, {20, 8}}
	if got := fmt.Sprint(SuppressCells(Sightings, row, Cell{36, 9})); got != "[withheld withheld 20 36]" {
		t.Errorf("by contributors: %s", got)
	}
}

// An attacker who has a table with all its totals can put numbers where it has
// none, and knows that those are not 0 unless a 0 is hidden somewhere too. There
// must be two numbers for each place.
func TestTablesCannotBeComputed(t *testing.T) {
	tables, hidden, whole := 0, 0, 0
	check := func(counts [][]int) {
		t.Helper()
		tables++
		s := SuppressTable(Sightings, counts)
		n := checkTable(t, counts, s)
		hidden += n
		if n == len(counts)*len(counts[0]) {
			whole++
		}
	}
	for _, shape := range [][3]int{{1, 1, 8}, {1, 3, 5}, {2, 2, 5}, {2, 3, 3}, {3, 2, 2}} {
		each(shape[0]*shape[1], shape[2], func(flat []int) { check(shaped(flat, shape[0], shape[1])) })
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 1200 { // sparse ones and full ones
		rows, cols, most := 2+r.IntN(2), 2+r.IntN(3), 1+r.IntN(7)
		flat := make([]int, rows*cols)
		for i := range flat {
			flat[i] = max(0, r.IntN(most+3)-2)
		}
		check(shaped(flat, rows, cols))
	}
	t.Logf("%d tables, %d cells hidden, %d tables without any cell", tables, hidden, whole)
}

func shaped(flat []int, rows, cols int) [][]int {
	t := make([][]int, rows)
	for i := range t {
		t[i] = append([]int(nil), flat[i*cols:(i+1)*cols]...)
	}
	return t
}

// checkTable returns how many cells are hidden.
func checkTable(t *testing.T, counts [][]int, s ShownTable) (hidden int) {
	t.Helper()
	rows, cols, total := make([]int, len(counts)), make([]int, len(counts[0])), 0
	for i, row := range counts {
		for j, v := range row {
			rows[i], cols[j], total = rows[i]+v, cols[j]+v, total+v
			if shown := s.Cells[i][j]; shown.Hidden() {
				if hidden++; v == 0 && !leftWhole(s) {
					t.Fatalf("%v is shown as %v: a 0 is hidden", counts, s)
				}
			} else if shown.N != v || v > 0 && v < 3 {
				t.Fatalf("%v is shown as %v", counts, s)
			}
		}
	}
	for _, side := range []struct {
		shown []Shown
		sums  []int
	}{{s.Rows, rows}, {s.Cols, cols}, {[]Shown{s.Total}, []int{total}}} {
		for i, shown := range side.shown {
			if v := side.sums[i]; !shown.Hidden() && (shown.N != v || v > 0 && v < 3) || shown.Fewer != 0 && (v < 1 || v > 2) {
				t.Fatalf("%v: the total %d is shown as %v", counts, v, shown)
			}
		}
	}
	if hidden == 0 {
		return 0
	}
	a := attacker{s: s, total: total, guess: make([]int, len(rows)*len(cols)), found: make([]map[int]bool, len(counts)*len(counts[0])),
		rows: make([]int, len(rows)), cols: make([]int, len(cols)), totals: make([]map[int]bool, len(rows)+len(cols))}
	for _, sets := range [][]map[int]bool{a.found, a.totals} {
		for i := range sets {
			sets[i] = map[int]bool{}
		}
	}
	if s.Total.Hidden() {
		a.total = -1
	}
	if !leftWhole(s) {
		a.least = 1
	}
	a.wander(counts)
	a.try(0, 0)
	if a.steps > mostSteps {
		t.Fatalf("%v shown as %v: too large for this test", counts, s)
	}
	for at, values := range a.found {
		if i, j := at/len(cols), at%len(cols); s.Cells[i][j].Hidden() && len(values) < 2 {
			t.Fatalf("%v shown as %v: the cell %d, %d can only be %v", counts, s, i, j, values)
		}
	}
	for at, values := range a.totals {
		shown := append(append([]Shown(nil), s.Rows...), s.Cols...)[at]
		if shown.Hidden() && len(values) < 2 {
			t.Fatalf("%v shown as %v: the total %d can only be %v", counts, s, at, values)
		}
	}
	return hidden
}

// leftWhole reports whether no cell is shown but 0 and no total of the rows, or
// none of the columns: then a hidden cell may be 0 too.
func leftWhole(s ShownTable) bool {
	all := func(totals []Shown) bool {
		return !slices.ContainsFunc(totals, func(s Shown) bool { return !s.Hidden() })
	}
	for _, row := range s.Cells {
		if slices.ContainsFunc(row, func(s Shown) bool { return s.N > 0 }) {
			return false
		}
	}
	return all(s.Rows) || all(s.Cols)
}

// attacker fills the hidden cells in every way that the shown numbers allow.
type attacker struct {
	s          ShownTable
	total      int // -1 unknown
	rows, cols []int
	guess      []int
	least      int // of a hidden cell
	found      []map[int]bool
	totals     []map[int]bool
	steps      int
}

const mostSteps = 5_000_000

// wander begins with the truth and moves counts between hidden cells, keeping
// what is shown: what it comes by is possible. It is quick where there is much
// to choose from; try is sure where there is not.
func (a *attacker) wander(counts [][]int) {
	r := rand.New(rand.NewPCG(3, 4))
	n := len(a.cols)
	var hidden []int
	for at := range a.guess {
		a.guess[at] = counts[at/n][at%n]
		if a.s.Cells[at/n][at%n].Hidden() {
			hidden = append(hidden, at)
		}
	}
	add := func(at, d int) { a.guess[at] += d; a.rows[at/n] += d; a.cols[at%n] += d }
	for at, v := range a.guess {
		a.guess[at] = 0
		add(at, v)
	}
	for range 400 {
		x, y, d := hidden[r.IntN(len(hidden))], hidden[r.IntN(len(hidden))], 1+r.IntN(2)
		move := map[int]int{}
		switch r.IntN(3) {
		case 0:
			move[x] += d
			if a.total >= 0 {
				move[y] -= d
			}
		case 1:
			move[x] -= d
			if a.total >= 0 {
				move[y] += d
			}
		default: // the corners of a rectangle
			move[x], move[y] = move[x]+d, move[y]+d
			move[x/n*n+y%n] -= d
			move[y/n*n+x%n] -= d
		}
		for at, d := range move {
			add(at, d)
		}
		if !a.possible() {
			for at, d := range move {
				add(at, -d)
			}
		}
		a.note()
	}
	for at, v := range a.guess {
		add(at, -v)
	}
}

// possible reports whether the guess agrees with everything that is shown.
func (a *attacker) possible() bool {
	n := len(a.cols)
	sum := 0
	for at, v := range a.guess {
		if sum += v; v < 0 || !fits(a.s.Cells[at/n][at%n], v) || v < a.least && a.s.Cells[at/n][at%n].Hidden() {
			return false
		}
	}
	for i, shown := range a.s.Rows {
		if !fits(shown, a.rows[i]) {
			return false
		}
	}
	for j, shown := range a.s.Cols {
		if !fits(shown, a.cols[j]) {
			return false
		}
	}
	return a.total < 0 || sum == a.total
}

func (a *attacker) try(at, sum int) {
	a.steps++
	if a.steps > mostSteps || a.done() {
		return
	}
	n := len(a.cols)
	if at == len(a.found) {
		for j, shown := range a.s.Cols {
			if !fits(shown, a.cols[j]) {
				return
			}
		}
		if a.total >= 0 && sum != a.total {
			return
		}
		a.note()
		return
	}
	i, j := at/n, at%n
	from, to := a.least, 12
	if a.total >= 0 {
		to = a.total - sum
	}
	if c := a.s.Cells[i][j]; !c.Hidden() {
		from, to = c.N, c.N
	}
	for v := from; v <= to; v++ {
		a.guess[at] = v
		a.rows[i], a.cols[j] = a.rows[i]+v, a.cols[j]+v
		if j < n-1 || fits(a.s.Rows[i], a.rows[i]) {
			a.try(at+1, sum+v)
		}
		a.rows[i], a.cols[j] = a.rows[i]-v, a.cols[j]-v
	}
}

// done reports whether the attacker has failed already.
func (a *attacker) done() bool {
	for at, values := range a.found {
		if a.s.Cells[at/len(a.cols)][at%len(a.cols)].Hidden() && len(values) < 2 {
			return false
		}
	}
	for at, values := range a.totals {
		hidden := at < len(a.rows) && a.s.Rows[at].Hidden() || at >= len(a.rows) && a.s.Cols[at-len(a.rows)].Hidden()
		if hidden && len(values) < 2 {
			return false
		}
	}
	return true
}

func (a *attacker) note() {
	for at := range a.found {
		a.found[at][a.guess[at]] = true
	}
	for i, sum := range append(append([]int(nil), a.rows...), a.cols...) {
		a.totals[i][sum] = true
	}
}

func fits(s Shown, n int) bool {
	switch {
	case s.Withheld:
		return true
	case s.Fewer != 0:
		return n > 0 && n < s.Fewer
	default:
		return s.N == n
	}
}
