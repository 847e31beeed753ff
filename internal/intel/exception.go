// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/store"
)

// Exception is what an institution leaves out of its own filters: it needs the
// site although others refuse it. It changes nobody else's list.
type Exception struct {
	Kind   indicator.Kind
	Value  string
	Reason string
	Actor  string
	At     time.Time
}

const (
	maxExceptions = 5000
	maxReason     = 500
)

func exceptionTopic(org int64) string { return fmt.Sprintf("exception/%d", org) }

func mayExcept(c caller.Caller) error {
	if c.OrgKind == caller.Institution && c.Is(caller.Contact) || c.Is(caller.Operator) {
		return nil
	}
	return fault.New(fault.Forbidden, "fault.forbidden")
}

// AddException leaves an indicator out of the filters of the caller's
// institution. A domain covers the names and URLs below it.
func AddException(ctx context.Context, db *store.DB, c caller.Caller, v indicator.Value, reason string) error {
	if err := mayExcept(c); err != nil {
		return err
	}
	reason, err := needReason(reason)
	if err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM filter_exception WHERE organisation_id = $1`, c.Org).Scan(&n); err != nil {
			return err
		}
		if n >= maxExceptions {
			return fault.New(fault.TooLarge, "intel.exceptions", "most", maxExceptions)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO filter_exception (organisation_id, key, kind, value, reason, actor, at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (organisation_id, key) DO UPDATE
			SET reason = excluded.reason, actor = excluded.actor, at = excluded.at`,
			c.Org, tx.Key(string(v.Kind), v.Value), string(v.Kind), v.Value, reason, c.Name, store.Micros(tx.Now)); err != nil {
			return err
		}
		if err := tx.Bump(ctx, exceptionTopic(c.Org)); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "exception.add", fmt.Sprintf("organisation/%d", c.Org), "kind", string(v.Kind), "value", v.Value, "reason", reason)
	})
}

// RemoveException puts an indicator back into the own filters.
func RemoveException(ctx context.Context, db *store.DB, c caller.Caller, v indicator.Value) error {
	if err := mayExcept(c); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM filter_exception WHERE organisation_id = $1 AND key = $2`, c.Org, tx.Key(string(v.Kind), v.Value))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "fault.not_found")
		}
		if err := tx.Bump(ctx, exceptionTopic(c.Org)); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "exception.remove", fmt.Sprintf("organisation/%d", c.Org), "kind", string(v.Kind), "value", v.Value)
	})
}

// Exceptions lists those of the caller's institution, the newest first.
func Exceptions(ctx context.Context, q store.Queryer, c caller.Caller) ([]Exception, error) {
	rows, err := q.Query(ctx, `SELECT kind, value, reason, actor, at FROM filter_exception WHERE organisation_id = $1 ORDER BY at DESC, key`, c.Org)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Exception
	for rows.Next() {
		var e Exception
		var at int64
		if err := rows.Scan(&e.Kind, &e.Value, &e.Reason, &e.Actor, &at); err != nil {
			return nil, err
		}
		e.At = store.Time(at)
		all = append(all, e)
	}
	return all, rows.Err()
}

// exceptions answers quickly whether an entry is left out.
type exceptions struct {
	values map[string]bool // kind and value
	hosts  map[string]bool // hosts left out with all below them
}

func loadExceptions(ctx context.Context, q store.Queryer, org int64) (exceptions, error) {
	x := exceptions{map[string]bool{}, map[string]bool{}}
	all, err := Exceptions(ctx, q, caller.Caller{Org: org})
	for _, e := range all {
		x.values[string(e.Kind)+" "+e.Value] = true
		if e.Kind == indicator.Domain || e.Kind == indicator.IPv4 || e.Kind == indicator.IPv6 {
			x.hosts[e.Value] = true
		}
	}
	return x, err
}

// hold reports whether e is left out. A URL that is excepted keeps its host
// out of host lists too: refusing the host would refuse the URL.
func (x exceptions) hold(e *Entry) bool {
	if len(x.values) == 0 {
		return false
	}
	if x.values[string(e.Kind)+" "+e.Value] {
		return true
	}
	for host := e.Host; host != ""; {
		if x.hosts[host] {
			return true
		}
		_, rest, found := strings.Cut(host, ".")
		if !found {
			break
		}
		host = rest
	}
	return false
}

func needReason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return "", fault.New(fault.Invalid, "intel.reason").At("reason")
	}
	if utf8.RuneCountInString(reason) > maxReason {
		return "", fault.New(fault.TooLarge, "intel.reason_long", "most", maxReason).At("reason")
	}
	return reason, nil
}
