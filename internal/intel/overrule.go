// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"slices"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/store"
)

// Overrule lets an indicator out although a list holds it, by name and date.
func Overrule(ctx context.Context, db *store.DB, c caller.Caller, v indicator.Value, reason string) error {
	if err := mayGuard(c); err != nil {
		return err
	}
	reason, err := needReason(reason)
	if err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO overrule (key, kind, value, reason, actor, at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (key) DO UPDATE SET reason = excluded.reason, actor = excluded.actor, at = excluded.at`,
			tx.Key(string(v.Kind), v.Value), string(v.Kind), v.Value, reason, c.Name, store.Micros(tx.Now)); err != nil {
			return err
		}
		if err := guardChanged(ctx, tx); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "overrule.add", "indicator/"+string(v.Kind), "value", shown(v), "reason", reason)
	})
}

// RemoveOverrule lets the lists decide again.
func RemoveOverrule(ctx context.Context, db *store.DB, c caller.Caller, v indicator.Value) error {
	if err := mayGuard(c); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM overrule WHERE key = $1`, tx.Key(string(v.Kind), v.Value))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "fault.not_found")
		}
		if err := guardChanged(ctx, tx); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "overrule.remove", "indicator/"+string(v.Kind), "value", shown(v))
	})
}

// Overrules lists who let out what, the newest first, for the guard itself and
// those who keep it. What others may know of them [SeenOverrules] says.
func Overrules(ctx context.Context, q store.Queryer) ([]guard.Overrule, error) {
	rows, err := q.Query(ctx, `SELECT kind, value, reason, actor, at FROM overrule ORDER BY at DESC, key`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []guard.Overrule
	for rows.Next() {
		var o guard.Overrule
		var at int64
		if err := rows.Scan(&o.Kind, &o.Value, &o.Reason, &o.By, &at); err != nil {
			return nil, err
		}
		o.At = store.Time(at)
		all = append(all, o)
	}
	return all, rows.Err()
}

// SeenOverrules are the overrules that the caller may know of: all of them for
// those who keep the guard, else those of what a claim that he may see is
// about. An overrule names the indicator, which may be known from a TLP:RED
// report only.
func SeenOverrules(ctx context.Context, q store.Queryer, c caller.Caller) ([]guard.Overrule, error) {
	all, err := Overrules(ctx, q)
	if err != nil || mayGuard(c) == nil {
		return all, err
	}
	var seen []guard.Overrule
	for _, o := range all {
		known, err := seesOverruled(ctx, q, c, o)
		if err != nil {
			return nil, err
		}
		if known {
			seen = append(seen, o)
		}
	}
	return seen, nil
}

// Judge is the guard's verdict with the reasons that the caller may know:
// without the overrules that [SeenOverrules] leaves out.
func Judge(ctx context.Context, q store.Queryer, c caller.Caller, g *guard.Guard, v indicator.Value) (guard.Verdict, error) {
	verdict := g.Judge(v)
	if mayGuard(c) == nil {
		return verdict, nil
	}
	var wrong error
	verdict.Reasons = slices.DeleteFunc(verdict.Reasons, func(r guard.Reason) bool {
		if r.Overrule == nil || wrong != nil {
			return false
		}
		known, err := seesOverruled(ctx, q, c, *r.Overrule)
		wrong = err
		return !known
	})
	return verdict, wrong
}

// seesOverruled reports whether the caller may see a claim about what was
// overruled, or about something on the host that was.
func seesOverruled(ctx context.Context, q store.Queryer, c caller.Caller, o guard.Overrule) (known bool, err error) {
	ceiling, org := store.Sees(c)
	host := ""
	switch indicator.Kind(o.Kind) {
	case indicator.Domain, indicator.IPv4, indicator.IPv6:
		host = indicator.HostKey(o.Value)
	}
	err = q.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM indicator i WHERE (i.key = $1 OR i.host_key = $2 AND $2 <> '') AND `+store.Visible("i", 3)+`)`,
		q.Key(string(o.Kind), o.Value), host, ceiling, org).Scan(&known)
	return known, err
}
