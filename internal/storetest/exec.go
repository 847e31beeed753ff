// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"testing"

	"teiten/internal/store"
)

// Exec runs a statement: what a test must change behind the back of the package
// that owns the table, such as time that has passed.
func Exec(t testing.TB, db *store.DB, statement string, args ...any) {
	t.Helper()
	ctx := context.Background()
	if err := db.Keep(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, statement, args...); return err }); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// Value is the one value that a query gives.
func Value[T any](t testing.TB, db *store.DB, query string, args ...any) (v T) {
	t.Helper()
	if err := db.QueryRow(context.Background(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}
