// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"fmt"

	"teiten/internal/caller"
	"teiten/internal/indicator"
	"teiten/internal/store"
)

// ByKey returns the indicator with the key that [Key] gives, if a claim that
// the caller may see is about it. Addresses of pages carry the key, so that no
// indicator stands in an address that somebody logs.
func ByKey(ctx context.Context, q store.Queryer, c caller.Caller, key int64) (indicator.Value, error) {
	ceiling, org := store.Sees(c)
	var v indicator.Value
	err := q.QueryRow(ctx, `SELECT i.kind, i.value, i.host, i.written FROM indicator i
		WHERE i.key = $1 AND `+store.Visible("i", 2)+` ORDER BY i.tlp, i.organisation_id, i.group_id LIMIT 1`, key, ceiling, org).
		Scan(&v.Kind, &v.Value, &v.Host, &v.Written)
	return v, store.NotFound(err)
}

// OnHost returns other active indicators on the very host of v that the caller
// may see, the last seen first, at most limit.
func OnHost(ctx context.Context, q store.Queryer, c caller.Caller, v indicator.Value, limit int) ([]indicator.Value, error) {
	if v.Host == "" {
		return nil, nil
	}
	ceiling, org := store.Sees(c)
	rows, err := q.Query(ctx, `SELECT i.kind, i.value, i.host FROM indicator i
		WHERE i.host_key = $1 AND i.value <> $4 AND i.status = 'active' AND `+store.Visible("i", 2)+`
		GROUP BY i.kind, i.value, i.host ORDER BY MAX(i.last_seen) DESC, i.value LIMIT $5`,
		indicator.HostKey(v.Host), ceiling, org, v.Value, limit)
	if err != nil {
		return nil, fmt.Errorf("intel: on host: %w", err)
	}
	defer rows.Close()
	var all []indicator.Value
	for rows.Next() {
		var v indicator.Value
		if err := rows.Scan(&v.Kind, &v.Value, &v.Host); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
