// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package storetest_test

import (
	"testing"

	"teiten/internal/store"
	"teiten/internal/storetest"
)

// Figures are of the durable server, which must be one.
func TestDurable(t *testing.T) {
	address := storetest.Durable(t)
	if first, second := address(), address(); first == second {
		t.Errorf("the same database twice: %s", first)
	}
	for want, at := range map[string]string{"on": address(), "off": storetest.Address(t)} {
		db := storetest.Open(t, store.Options{Database: at})
		if got := storetest.Value[string](t, db, `SELECT setting FROM pg_settings WHERE name = 'fsync'`); got != want {
			t.Errorf("%s: fsync is %s, want %s", at, got, want)
		}
	}
}
