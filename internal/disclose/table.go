// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package disclose

import "slices"

// Table is a table of counts with its totals.
type Table struct {
	Cells [][]Cell
	Rows  []Cell // the total of each row
	Cols  []Cell // the total of each column
	Total Cell
}

// ShownTable is a table as it may be shown.
type ShownTable struct {
	Cells [][]Shown
	Rows  []Shown
	Cols  []Shown
	Total Shown
}

// SuppressTable shows a table of counts of which each contributor has one. All
// rows must be of one length.
func SuppressTable(kind Kind, counts [][]int) ShownTable {
	t := Table{Cells: make([][]Cell, len(counts)), Rows: make([]Cell, len(counts))}
	if len(counts) > 0 {
		t.Cols = make([]Cell, len(counts[0]))
	}
	for i, row := range counts {
		t.Cells[i] = cells(row)
		for j, n := range row {
			for _, sum := range []*Cell{&t.Rows[i], &t.Cols[j], &t.Total} {
				sum.Count, sum.Contributors = sum.Count+n, sum.Contributors+n
			}
		}
	}
	return t.Suppress(kind)
}

// Suppress shows the table. The totals of the rows and those of the columns
// are each shown as [SuppressCells] shows a row. Of the cells those that are
// small are withheld, those that a hidden total is made of, and as many others
// as it takes that each hidden number could be another one, with everything
// that is shown as it is. A cell that is 0 is shown, so that a withheld one is
// known to be more. Where that is not enough, all cells are withheld, and with
// them the totals of the columns, or else those of the rows, or else both: put
// into the rows what should be known sooner.
func (t Table) Suppress(kind Kind) ShownTable {
	rows, cols := SuppressCells(kind, t.Rows, t.Total), SuppressCells(kind, t.Cols, t.Total)
	s := ShownTable{Cells: make([][]Shown, len(t.Cells)), Rows: rows[:len(t.Rows)], Cols: cols[:len(t.Cols)], Total: rows[len(t.Rows)]}
	for i, row := range t.Cells {
		s.Cells[i] = make([]Shown, len(row))
		for j, c := range row {
			s.Cells[i][j] = Shown{N: c.Count, kind: kind}
			if c.small(kind) || c.Count > 0 && (s.Rows[i].Hidden() || s.Cols[j].Hidden()) {
				s.Cells[i][j] = withheld(kind)
			}
		}
	}
	if cols[len(t.Cols)].Hidden() {
		s.Total = withheld(kind)
	}
	if s.Total.Hidden() { // a total of either side would tell it
		return t.without(kind, s, true, true)
	}
	whole := t.without(kind, s, false, false) // a copy: loosen hides further cells
	if (&net{&t, &s, 1}).loosen(kind) {
		return s
	}
	for _, rows := range []bool{false, true} {
		if s := t.without(kind, whole, rows, !rows); (&net{&t, &s, 0}).loosen(kind) {
			return s
		}
	}
	return t.without(kind, whole, true, true)
}

// without returns a copy of a shown table in which, with the totals of the rows
// or of the columns, all cells are withheld, but those that a total of 0 tells.
func (t *Table) without(kind Kind, s ShownTable, rows, cols bool) ShownTable {
	hide := func(totals []Shown, hidden bool) []Shown {
		totals = slices.Clone(totals)
		for i := range totals {
			if hidden {
				totals[i] = withheld(kind)
			}
		}
		if hidden && len(totals) == 1 { // which is that of all
			totals[0] = s.Total
		}
		return totals
	}
	out := ShownTable{Rows: hide(s.Rows, rows), Cols: hide(s.Cols, cols), Total: s.Total}
	for i, row := range s.Cells {
		row = slices.Clone(row)
		for j := range row {
			none := !out.Rows[i].Hidden() && t.Rows[i].Count == 0 || !out.Cols[j].Hidden() && t.Cols[j].Count == 0
			if (rows || cols) && !none {
				row[j] = withheld(kind)
			}
		}
		out.Cells = append(out.Cells, row)
	}
	return out
}

// net is the table as a circulation, in which every number flows from one node
// to another: a cell from its row to its column, the total of a row from the
// source to the row, that of a column from the column to the sink; the total of
// all, which is shown, cannot change. What flows into any other node flows out
// of it, and as much into the sink as out of the source. So the
// hidden numbers could be others exactly if there is a circle of hidden ones on
// which each with the current can grow by one and each against it can shrink by
// one (Ahuja, Magnanti and Orlin, Network Flows, 1993, section 3.5; used for
// tables since Cox, Network Models for Complementary Cell Suppression, 1995).
type net struct {
	t     *Table
	s     *ShownTable
	least int // that a hidden cell is known to be: 1 while every 0 is shown
}

// place is a number of the table: a cell, or with a row or column of -1 the
// total of the other.
type place struct{ row, col int }

func (n *net) at(p place) (value int, shown Shown) {
	switch {
	case p.col < 0:
		return n.t.Rows[p.row].Count, n.s.Rows[p.row]
	case p.row < 0:
		return n.t.Cols[p.col].Count, n.s.Cols[p.col]
	default:
		return n.t.Cells[p.row][p.col].Count, n.s.Cells[p.row][p.col]
	}
}

// grows and shrinks report whether a number could be greater or less by one, if
// it were hidden, as cells can be that are not 0 (totals cannot).
func (n *net) grows(p place) bool {
	value, shown := n.at(p)
	return n.hideable(p) && (shown.Fewer == 0 || value+1 < shown.Fewer)
}

func (n *net) shrinks(p place) bool {
	value, shown := n.at(p)
	least := n.least
	if shown.Fewer != 0 {
		least = 1
	}
	return n.hideable(p) && value > least
}

func (n *net) hideable(p place) bool {
	value, shown := n.at(p)
	return shown.Hidden() || p.row >= 0 && p.col >= 0 && n.least > 0 && value > 0
}

// loosen hides cells until every hidden number could be another one. What lies
// on a circle with others stays so, as more is hidden. False when a number has
// no circle, whatever is hidden.
func (n *net) loosen(kind Kind) bool {
	for i := -1; i < len(n.t.Rows); i++ {
		for j := -1; j < len(n.t.Cols); j++ {
			p := place{i, j}
			if i < 0 && j < 0 {
				continue
			}
			if _, shown := n.at(p); !shown.Hidden() {
				continue
			}
			further, found := n.circle(p)
			if !found {
				return false
			}
			for _, q := range further { // they are on the circle: they need no look themselves
				n.s.Cells[q.row][q.col] = withheld(kind)
			}
		}
	}
	return true
}

// The nodes are numbered: the source, the rows, the columns, the sink.
func (n *net) row(i int) int { return i + 1 }
func (n *net) col(j int) int { return len(n.t.Rows) + j + 1 }
func (n *net) sink() int     { return n.col(len(n.t.Cols)) }

// ends are the nodes from and to which a number flows.
func (n *net) ends(p place) (from, to int) {
	switch {
	case p.col < 0:
		return 0, n.row(p.row)
	case p.row < 0:
		return n.col(p.col), n.sink()
	default:
		return n.row(p.row), n.col(p.col)
	}
}

// circle finds what must be hidden so that the change of a number by one can be
// made good by changes of other hidden ones: the cells that are not hidden yet
// on the circle whose cells that are not have the least sum.
func (n *net) circle(p place) (further []place, found bool) {
	from, to := n.ends(p)
	least := 0
	if n.grows(p) { // what more flows to the end must flow back to the start
		further, least, found = n.path(to, from, p)
	}
	if n.shrinks(p) {
		if other, sum, any := n.path(from, to, p); any && (!found || sum < least) {
			further, found = other, true
		}
	}
	return further, found
}

// path is the cheapest way of changes from one node to another without a number
// (Dijkstra's algorithm): the cells on it that are not hidden yet, and their sum.
func (n *net) path(start, end int, without place) (further []place, sum int, found bool) {
	const far = int(^uint(0) >> 1)
	type step struct {
		sum  int
		by   place
		from int
		done bool
	}
	steps := make([]step, n.sink()+1)
	for i := range steps {
		steps[i].sum = far
	}
	steps[start].sum = 0
	for {
		node := -1
		for i, s := range steps {
			if !s.done && s.sum < far && (node < 0 || s.sum < steps[node].sum) {
				node = i
			}
		}
		if node < 0 {
			return nil, 0, false
		}
		if node == end {
			break
		}
		steps[node].done = true
		n.neighbours(node, func(q place) {
			from, to := n.ends(q)
			if q == without || from == node && !n.grows(q) || to == node && !n.shrinks(q) {
				return
			}
			cost, shown := n.at(q)
			if shown.Hidden() {
				cost = 0
			}
			if other := &steps[from+to-node]; !other.done && steps[node].sum+cost < other.sum {
				other.sum, other.by, other.from = steps[node].sum+cost, q, node
			}
		})
	}
	for node := end; node != start; node = steps[node].from {
		if _, shown := n.at(steps[node].by); !shown.Hidden() {
			further = append(further, steps[node].by)
		}
	}
	return further, steps[end].sum, true
}

// neighbours calls fn for every number that flows from or to a node.
func (n *net) neighbours(node int, fn func(place)) {
	rows, cols := len(n.t.Rows), len(n.t.Cols)
	switch {
	case node == 0:
		for i := range rows {
			fn(place{i, -1})
		}
	case node == n.sink():
		for j := range cols {
			fn(place{-1, j})
		}
	case node <= rows:
		for j := -1; j < cols; j++ {
			fn(place{node - 1, j})
		}
	default:
		for i := -1; i < rows; i++ {
			fn(place{i, node - rows - 1})
		}
	}
}
