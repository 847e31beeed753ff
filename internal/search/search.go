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

// maxGrams is how many grams of one word are looked for in the index.
const maxGrams = 12

// some picks grams evenly out of those of a long word, such as a URL. More of
// them would find the same candidates: each one is verified anyway.
func some(grams []string) []string {
	if len(grams) <= maxGrams {
		return grams
	}
	picked := make([]string, maxGrams)
	for i := range picked {
		picked[i] = grams[i*(len(grams)-1)/(maxGrams-1)]
	}
	return picked
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

// Sorts reports whether the engine must find all texts that have the words
// before it can put the newest first. FTS5 gives its rows in order.
func Sorts(engine store.Dialect) bool { return engine == store.Postgres }

// Near is Match among no more than the given number of the newest texts before
// a position (0 for the newest of all), read one by one.
func Near(engine store.Dialect, words []string, n int, before int64, most int) Clause {
	c := Clause{Join: `JOIN search_text st ON st.advisory_id = a.id`, Order: "st.position"}
	older := ""
	if before != 0 {
		older = fmt.Sprintf("WHERE position < $%d ", n)
		c.Args = append(c.Args, before)
	}
	c.Where = append(c.Where, fmt.Sprintf(`st.position >= (SELECT COALESCE(MIN(position), 0) FROM
		(SELECT position FROM search_text %sORDER BY position DESC LIMIT %d) AS newest)`, older, most))
	c.verify(engine, words, n)
	return c
}

// verify adds the conditions that the words are in the text itself: its grams
// may be there in another order.
func (c *Clause) verify(engine store.Dialect, words []string, n int) {
	contains := "instr"
	if engine == store.Postgres {
		contains = "strpos"
	}
	for _, w := range words {
		c.Args = append(c.Args, w)
		c.Where = append(c.Where, fmt.Sprintf(`%s(st.folded, $%d) > 0`, contains, n+len(c.Args)-1))
	}
}

// Match returns the clause for words, which Words made, with arguments from
// $n on.
func Match(engine store.Dialect, words []string, n int) Clause {
	var c Clause
	seen := map[string]bool{}
	var grams []string
	for _, w := range words {
		for _, g := range some(fold.QueryGrams(w)) {
			if t := fold.Token(g); !seen[t] {
				seen[t] = true
				grams = append(grams, t)
			}
		}
	}
	if engine == store.Postgres {
		// The candidates are sorted by themselves, without the texts; then only
		// as many are verified as are wanted. OFFSET 0 keeps the planner, which
		// thinks that grams occur independently, from doing it the other way round.
		c.Join = fmt.Sprintf(`JOIN (SELECT position FROM search_text WHERE grams @@ CAST($%d AS tsquery)
			ORDER BY position DESC OFFSET 0) AS sg ON TRUE JOIN search_text st ON st.position = sg.position AND st.advisory_id = a.id`, n)
		c.Args = append(c.Args, "'"+strings.Join(grams, "' & '")+"'")
		c.Order = "sg.position"
	} else {
		c.Join = `JOIN search_text st ON st.advisory_id = a.id JOIN search_gram sg ON sg.rowid = st.position`
		c.Where = append(c.Where, fmt.Sprintf(`sg.search_gram MATCH $%d`, n))
		c.Args = append(c.Args, `"`+strings.Join(grams, `" "`)+`"`)
		c.Order = "sg.rowid"
	}
	c.verify(engine, words, n)
	return c
}
