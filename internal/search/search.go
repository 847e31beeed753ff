// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package search keeps the full-text index of shared information. Go folds the
// text and makes its grams; FTS5 and tsvector only store them. A query's grams
// find candidates, and each candidate is verified on the folded text, so both
// engines give the same answer as reading every text would.
package search

import (
	"context"
	"fmt"
	"strings"

	"teiten/internal/fault"
	"teiten/internal/fold"
	"teiten/internal/store"
)

const (
	// MaxQuery bounds a query in bytes; a pasted mail is looked through for
	// indicators instead.
	MaxQuery = 2000
	// MaxWords bounds the words of a query.
	MaxWords = 20
	// MaxGrams bounds the distinct grams of a text, of nine bytes at most, by
	// what a tsvector holds (1 MiB). Only a text of very many different
	// characters, tens of thousands, reaches it; it is found by what stands
	// before that.
	MaxGrams = 100_000
)

// Words splits a query into folded words, all of which must occur; words in
// "…" or 「…」 stay together.
func Words(query string) ([]string, error) {
	if len(query) > MaxQuery {
		return nil, fault.New(fault.TooLarge, "search.long", "most", MaxQuery)
	}
	var words []string
	add := func(s string) {
		if s = fold.Text(s); s != "" {
			words = append(words, s)
		}
	}
	rest := query
	for rest != "" {
		i := strings.IndexAny(rest, `"「”“`)
		if i < 0 {
			break
		}
		for _, w := range strings.Fields(rest[:i]) {
			add(w)
		}
		open := []rune(rest[i:])[0]
		rest = rest[i+len(string(open)):]
		closing := `"”“`
		if open == '「' {
			closing = "」"
		}
		end := strings.IndexAny(rest, closing)
		if end < 0 {
			break // an unclosed quotation mark is a typing error, not a phrase
		}
		add(rest[:end])
		rest = rest[end+len(string([]rune(rest[end:])[0])):]
	}
	for _, w := range strings.Fields(rest) {
		add(w)
	}
	if len(words) > MaxWords {
		return nil, fault.New(fault.TooLarge, "search.words", "most", MaxWords)
	}
	return words, nil
}

// Put indexes the text of an advisory at its position, and forgets what was
// indexed for it before.
func Put(ctx context.Context, tx *store.Tx, advisory, position int64, text string) error {
	if err := Remove(ctx, tx, advisory); err != nil {
		return err
	}
	folded := fold.Text(text)
	grams := fold.Grams(folded)
	if len(grams) > MaxGrams {
		folded = folded[:strings.Index(folded, grams[MaxGrams])]
		grams = grams[:MaxGrams]
	}
	for i, g := range grams {
		grams[i] = fold.Token(g)
	}
	var err error
	if tx.Engine() == store.Postgres {
		_, err = tx.Exec(ctx, `INSERT INTO search_text (position, advisory_id, folded, grams)
			VALUES ($1, $2, $3, array_to_tsvector($4))`, position, advisory, folded, grams)
	} else {
		if _, err = tx.Exec(ctx, `INSERT INTO search_text (position, advisory_id, folded) VALUES ($1, $2, $3)`,
			position, advisory, folded); err == nil {
			_, err = tx.Exec(ctx, `INSERT INTO search_gram (rowid, grams) VALUES ($1, $2)`, position, strings.Join(grams, " "))
		}
	}
	if err != nil {
		return fmt.Errorf("search: index advisory %d: %w", advisory, err)
	}
	return nil
}

// Remove forgets an advisory's text.
func Remove(ctx context.Context, tx *store.Tx, advisory int64) error {
	if tx.Engine() == store.SQLite {
		if _, err := tx.Exec(ctx, `DELETE FROM search_gram WHERE rowid IN (SELECT position FROM search_text WHERE advisory_id = $1)`, advisory); err != nil {
			return fmt.Errorf("search: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM search_text WHERE advisory_id = $1`, advisory); err != nil {
		return fmt.Errorf("search: %w", err)
	}
	return nil
}

// Clause is what a query adds to a SELECT on advisory a: a join, and
// conditions that use the arguments from $n on.
type Clause struct {
	Join  string
	Where []string
	Args  []any
	// Order is the column by which the index gives its rows in order.
	Order string
}

// Match returns the clause for words, which Words made, with arguments from
// $n on.
func Match(engine store.Dialect, words []string, n int) Clause {
	var c Clause
	seen := map[string]bool{}
	var grams []string
	for _, w := range words {
		for _, g := range fold.QueryGrams(w) {
			if t := fold.Token(g); !seen[t] {
				seen[t] = true
				grams = append(grams, t)
			}
		}
	}
	contains := "strpos"
	if engine == store.Postgres {
		c.Join = `JOIN search_text st ON st.advisory_id = a.id`
		c.Where = append(c.Where, fmt.Sprintf(`st.grams @@ CAST($%d AS tsquery)`, n))
		c.Args = append(c.Args, "'"+strings.Join(grams, "' & '")+"'")
		c.Order = "st.position"
	} else {
		contains = "instr"
		c.Join = `JOIN search_text st ON st.advisory_id = a.id JOIN search_gram sg ON sg.rowid = st.position`
		c.Where = append(c.Where, fmt.Sprintf(`sg.search_gram MATCH $%d`, n))
		c.Args = append(c.Args, `"`+strings.Join(grams, `" "`)+`"`)
		c.Order = "sg.rowid"
	}
	for _, w := range words {
		c.Args = append(c.Args, w)
		c.Where = append(c.Where, fmt.Sprintf(`%s(st.folded, $%d) > 0`, contains, n+len(c.Args)-1))
	}
	return c
}
