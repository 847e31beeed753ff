// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"fmt"
	"strings"

	"teiten/internal/fold"
	"teiten/internal/store"
)

// rebuildBatch bounds the texts in memory at a time.
const rebuildBatch = 200

// Rebuild makes the grams of every stored text anew, for a store whose rows
// were put there without Put.
func Rebuild(ctx context.Context, tx *store.Tx) error {
	put := `UPDATE search_text SET grams = array_to_tsvector($2) WHERE position = $1`
	if tx.Engine() == store.SQLite {
		put = `INSERT INTO search_gram (rowid, grams) VALUES ($1, $2)`
		if _, err := tx.Exec(ctx, `INSERT INTO search_gram (search_gram) VALUES ('delete-all')`); err != nil {
			return fmt.Errorf("search: rebuild: %w", err)
		}
	}
	stmt, err := tx.Prepare(ctx, put)
	if err != nil {
		return fmt.Errorf("search: rebuild: %w", err)
	}
	defer stmt.Close()
	after, first := int64(0), true
	for {
		texts, err := textsAfter(ctx, tx, after, first)
		if err != nil {
			return fmt.Errorf("search: rebuild: %w", err)
		}
		if len(texts) == 0 {
			return nil
		}
		for _, t := range texts {
			grams := fold.Grams(t.folded)
			for i, g := range grams {
				grams[i] = fold.Token(g)
			}
			var stored any = grams
			if tx.Engine() == store.SQLite {
				stored = strings.Join(grams, " ")
			}
			if _, err := stmt.ExecContext(ctx, t.position, stored); err != nil {
				return fmt.Errorf("search: rebuild at %d: %w", t.position, err)
			}
		}
		after, first = texts[len(texts)-1].position, false
	}
}

type storedText struct {
	position int64
	folded   string
}

func textsAfter(ctx context.Context, tx *store.Tx, after int64, first bool) ([]storedText, error) {
	rows, err := tx.Query(ctx, `SELECT position, folded FROM search_text
		WHERE position > $1 OR $2 ORDER BY position LIMIT $3`, after, first, rebuildBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []storedText
	for rows.Next() {
		var t storedText
		if err := rows.Scan(&t.position, &t.folded); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}
