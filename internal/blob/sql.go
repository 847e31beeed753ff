// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"context"
	"fmt"
	"strings"

	"teiten/internal/fault"
	"teiten/internal/store"
)

func insert(ctx context.Context, tx *store.Tx, r Ref, wrapped []byte) error {
	if _, err := tx.Exec(ctx, `INSERT INTO blob (name, purpose, size, sha256, wrapped_key, created_at)
		VALUES ($1, $2, $3, $4, $5, $6)`,
		r.Name, r.Purpose, r.Size, r.SHA256, wrapped, store.Micros(r.Created)); err != nil {
		return fmt.Errorf("blob: attach: %w", err)
	}
	return nil
}

func find(ctx context.Context, q store.Queryer, name string) (r Ref, wrapped []byte, err error) {
	var created int64
	err = q.QueryRow(ctx, `SELECT name, purpose, size, sha256, wrapped_key, created_at FROM blob WHERE name = $1`, name).
		Scan(&r.Name, &r.Purpose, &r.Size, &r.SHA256, &wrapped, &created)
	r.Created = store.Time(created)
	return r, wrapped, store.NotFound(err)
}

func remove(ctx context.Context, tx *store.Tx, name string) error {
	n, err := tx.Exec(ctx, `DELETE FROM blob WHERE name = $1`, name)
	if err != nil {
		return fmt.Errorf("blob: delete: %w", err)
	}
	if n == 0 {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	return nil
}

// withoutRow returns those of the names that have no row.
func withoutRow(ctx context.Context, q store.Queryer, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	marks := make([]string, len(names))
	args := make([]any, len(names))
	for i, name := range names {
		marks[i], args[i] = fmt.Sprintf("$%d", i+1), name
	}
	rows, err := q.Query(ctx, `SELECT name FROM blob WHERE name IN (`+strings.Join(marks, ", ")+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("blob: sweep: %w", err)
	}
	defer rows.Close()
	has := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		has[name] = true
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var none []string
	for _, name := range names {
		if !has[name] {
			none = append(none, name)
		}
	}
	return none, nil
}

func listNames(ctx context.Context, q store.Queryer) ([]string, error) {
	rows, err := q.Query(ctx, `SELECT name FROM blob ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("blob: check: %w", err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, rows.Err()
}
