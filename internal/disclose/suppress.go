// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package disclose

import "slices"

// Cell is a count and over how many contributors it is: as many, if each can
// contribute only one.
type Cell struct{ Count, Contributors int }

// small reports whether the cell must not be shown by itself.
func (c Cell) small(kind Kind) bool { return c.Count > 0 && c.Contributors < Least(kind) }

// cells are counts of which each contributor has one.
func cells(counts []int) []Cell {
	all := make([]Cell, len(counts))
	for i, n := range counts {
		all[i] = Cell{n, n}
	}
	return all
}

// Suppress shows the cells of a row, and their total, which is the last of what
// it returns. No hidden cell can be computed from the others and the total,
// not even by somebody who knows how this function chooses: if any cell is
// small, all cells that are not 0 and not greater than the greatest small one
// are hidden, and if they are all equal, those of the next greater value too.
// So whatever is shown would be the same with any two hidden counts exchanged.
//
// Cells are "fewer than k" as long as only small ones are hidden, else
// withheld. Where nothing but equal small cells, or less than k in all, would
// remain, the total is withheld with them.
func Suppress(kind Kind, counts []int) []Shown {
	row := cells(counts)
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return SuppressCells(kind, row, Cell{sum, sum})
}

// SuppressCells is Suppress for cells whose contributors are counted apart;
// total says how many there are together.
func SuppressCells(kind Kind, row []Cell, total Cell) []Shown {
	shown := make([]Shown, len(row)+1)
	for i, c := range row {
		shown[i] = Shown{N: c.Count, kind: kind}
	}
	shown[len(row)] = Shown{N: total.Count, kind: kind}
	all := func() []Shown {
		for i := range shown {
			shown[i] = withheld(kind)
		}
		return shown
	}
	if total.small(kind) {
		return all()
	}
	most, any := greatestSmall(kind, row)
	if !any {
		return shown
	}
	if !differ(row, most) {
		next, more := above(row, most)
		if !more {
			if !slices.ContainsFunc(row, func(c Cell) bool { return c.Count == 0 }) {
				return all()
			}
			for i := range row { // the zeros hide which cells are not
				shown[i] = withheld(kind)
			}
			return shown
		}
		most = next
	}
	label := Shown{Fewer: Least(kind), kind: kind}
	for _, c := range row {
		if c.Count > 0 && c.Count <= most && !c.small(kind) {
			label = withheld(kind)
		}
	}
	for i, c := range row {
		if c.Count > 0 && c.Count <= most {
			shown[i] = label
		}
	}
	return shown
}

func greatestSmall(kind Kind, row []Cell) (most int, any bool) {
	for _, c := range row {
		if c.small(kind) {
			most, any = max(most, c.Count), true
		}
	}
	return most, any
}

// differ reports whether the counts from 1 to most are not all equal.
func differ(row []Cell, most int) bool {
	first := 0
	for _, c := range row {
		switch {
		case c.Count == 0 || c.Count > most:
		case first == 0:
			first = c.Count
		case c.Count != first:
			return true
		}
	}
	return false
}

// above returns the least count above n.
func above(row []Cell, n int) (next int, any bool) {
	for _, c := range row {
		if c.Count > n && (!any || c.Count < next) {
			next, any = c.Count, true
		}
	}
	return next, any
}
