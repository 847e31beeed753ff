// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"teiten/internal/fault"
	"teiten/internal/store"
)

// load puts the archive's tables into a schema of its version that is
// otherwise empty. It is all one transaction.
func load(ctx context.Context, tx *store.Tx, a *reader, told func(Progress)) error {
	there, err := tables(ctx, tx)
	if err != nil {
		return err
	}
	if err := sameTables(a.header.Tables, there); err != nil {
		return err
	}
	if err := prepareLoad(ctx, tx, there); err != nil {
		return err
	}
	var p Progress
	for {
		t, err := a.nextTable()
		if err != nil {
			return err
		}
		if t == nil {
			break
		}
		p.Table = t.Name
		rows := &rowSource{a: a, engine: tx.Engine(), told: func() {
			p.Rows++
			if p.Rows%10_000 == 0 {
				told(p)
			}
		}}
		if tx.Engine() == store.Postgres {
			names := make([]string, len(t.Columns))
			for i, c := range t.Columns {
				names[i] = c.Name
			}
			_, err = tx.Copy(ctx, t.Name, names, rows)
		} else {
			err = insertRows(ctx, tx, t, rows)
		}
		if rows.err != nil {
			return rows.err // pgx gives its text only
		}
		if err != nil {
			return fault.Wrap(err, fault.Invalid, "backup.load", "table", t.Name)
		}
	}
	return finishLoad(ctx, tx)
}

// sameTables holds the archive's tables against those of the schema.
func sameTables(want, have []Table) error {
	differ := func(table string) error {
		return fault.New(fault.Invalid, "backup.schema_differs", "table", table)
	}
	byName := map[string]Table{}
	for _, t := range have {
		byName[t.Name] = t
	}
	for _, w := range want {
		h, ok := byName[w.Name]
		if !ok || len(h.Columns) != len(w.Columns) {
			return differ(w.Name)
		}
		for _, c := range w.Columns {
			if !slices.Contains(h.Columns, c) {
				return differ(w.Name + "." + c.Name)
			}
		}
		delete(byName, w.Name)
	}
	for name := range byName {
		return differ(name)
	}
	return nil
}

// rowSource gives the rows of one table; it is a pgx.CopyFromSource.
type rowSource struct {
	a      *reader
	engine store.Dialect
	told   func()
	values []any
	err    error
}

func (s *rowSource) Next() bool {
	values, err := s.a.nextRow()
	if err == nil && s.engine == store.Postgres {
		err = s.fits(values)
	}
	if err != nil {
		if err != io.EOF { // not errors.Is: a fault may have it as its cause
			s.err = err
		}
		return false
	}
	s.values = values
	s.told()
	return true
}

func (s *rowSource) Values() ([]any, error) { return s.values, nil }
func (s *rowSource) Err() error             { return s.err }

// fits refuses text that SQLite keeps and PostgreSQL cannot.
func (s *rowSource) fits(values []any) error {
	for i, v := range values {
		if text, ok := v.(string); ok && (!utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0) {
			return fault.New(fault.Invalid, "backup.text_postgres",
				"table", s.a.table.Name, "column", s.a.table.Columns[i].Name, "row", s.a.row)
		}
	}
	return nil
}

// insertRows is how rows come into SQLite: many with each statement.
func insertRows(ctx context.Context, tx *store.Tx, t *Table, rows *rowSource) error {
	const most = 1000 // placeholders of a statement
	width := len(t.Columns)
	batch := max(1, most/width)
	full, err := tx.Prepare(ctx, insertStatement(tx.Engine(), t, batch))
	if err != nil {
		return err
	}
	defer full.Close()
	args := make([]any, 0, batch*width)
	for rows.Next() {
		if args = append(args, rows.values...); len(args) == batch*width {
			if _, err := full.ExecContext(ctx, args...); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	if rows.err != nil || len(args) == 0 {
		return rows.err
	}
	_, err = tx.Exec(ctx, insertStatement(tx.Engine(), t, len(args)/width), args...)
	return err
}

// insertStatement inserts that many rows. SQLite gets placeholders without
// numbers: it looks up the name of each numbered one in the list of them all.
func insertStatement(engine store.Dialect, t *Table, rows int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES ", quote(t.Name), t.columnList())
	for n := range rows * len(t.Columns) {
		switch {
		case n == 0:
			b.WriteString("(")
		case n%len(t.Columns) == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		if engine == store.SQLite {
			b.WriteString("?")
		} else {
			fmt.Fprintf(&b, "$%d", n+1)
		}
	}
	return b.String() + ")"
}
