// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/locale"
	"teiten/internal/storetest"
)

// At midnight in Tokyo, when validity ends, and not at midnight in UTC.
func TestVersionChangesAtMidnight(t *testing.T) {
	db := storetest.SQLite(t)
	at := func(now time.Time) string {
		t.Helper()
		v, err := version(context.Background(), db, caller.Caller{Org: 1, OrgKind: caller.Institution}, now)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	midnight := time.Date(2026, 3, 4, 0, 0, 0, 0, locale.Tokyo)
	if before := at(midnight.Add(-time.Second)); before == at(midnight) {
		t.Errorf("version %s on both sides of midnight", before)
	}
	if at(midnight) != at(midnight.Add(24*time.Hour-time.Second)) {
		t.Error("the version changes within a day")
	}
}
