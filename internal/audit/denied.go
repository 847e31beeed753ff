// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"teiten/internal/caller"
	"teiten/internal/store"
)

const (
	// denialWindow is how long the same denial is counted and not written.
	denialWindow = time.Minute
	// mostDenials bounds the denials of one account, device and token that are
	// written within the window, however they differ; more are counted together.
	mostDenials = 100
	maxDenial   = 200 // characters of what was denied
)

// Taken records that a caller takes information out: a download, an export. It
// is a transaction of its own, because reading has none, and it comes before
// the first byte: what cannot be recorded is not handed out.
func Taken(ctx context.Context, db *store.DB, c caller.Caller, action, object string, pairs ...any) error {
	return db.Write(ctx, c, func(tx *store.Tx) error { return Append(ctx, tx, action, object, pairs...) })
}

// Denied records that a caller was refused. It is a transaction of its own,
// because the operation that was refused has none. A loop cannot fill the disk:
// when the same caller is refused the same thing again within a minute, it is
// counted, and the count becomes one record afterwards, with "times" in its
// detail; so does what is beyond 100 different refusals of a caller in a minute,
// under the object "*". Whatever is refused is recorded or counted on disk when
// Denied returns.
func Denied(ctx context.Context, db *store.DB, c caller.Caller, action, object string) error {
	return db.Keep(ctx, func(tx *store.Tx) error {
		d := denial{who: c, action: cut(action), object: cut(object)}
		again, err := d.count(ctx, tx, d.key(tx))
		if err != nil || again {
			return err
		}
		// The window's first of its kind. How many kinds were there already?
		all := denial{who: c}
		if _, err := all.count(ctx, tx, all.key(tx)); err != nil {
			return err
		}
		if all.times < mostDenials {
			return insert(ctx, tx, c, "denied", d.object, "action", d.action)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM audit_denial WHERE key = $1`, d.key(tx)); err != nil {
			return fmt.Errorf("audit: denial: %w", err)
		}
		rest := denial{who: c, action: "*", object: "*"}
		again, err = rest.count(ctx, tx, rest.key(tx))
		if err != nil || again {
			return err
		}
		return insert(ctx, tx, c, "denied", rest.object, "action", rest.action)
	})
}

func cut(s string) string {
	if runes := []rune(s); len(runes) > maxDenial {
		return string(runes[:maxDenial]) + "…"
	}
	return s
}

// denial is something that a caller was refused; without action and object it
// stands for all that the caller was refused.
type denial struct {
	who            caller.Caller
	action, object string
	times          int64 // after the first, within the window
}

// key names the row in which a denial is counted.
func (d *denial) key(q store.Queryer) int64 {
	n := func(i int64) string { return strconv.FormatInt(i, 10) }
	return q.Key("denied", n(d.who.Account), n(d.who.Org), n(d.who.Device), n(d.who.Token), string(d.who.Role), d.who.Channel, d.action, d.object)
}

// count counts a denial, and reports whether its window began with another.
func (d *denial) count(ctx context.Context, tx *store.Tx, key int64) (again bool, err error) {
	c, now := d.who, store.Micros(tx.Now)
	var began int64
	err = tx.QueryRow(ctx, `INSERT INTO audit_denial (key, at, times, account_id, organisation_id, actor, role, channel, device_id, token_id, action, object)
		VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (key) DO UPDATE SET times = audit_denial.times + 1 RETURNING at, times`,
		key, now, c.Account, c.Org, c.Name, string(c.Role), c.Channel, c.Device, c.Token, d.action, d.object).Scan(&began, &d.times)
	if err != nil {
		return false, fmt.Errorf("audit: denial: %w", err)
	}
	if d.times == 0 {
		return false, nil
	}
	if now-began < denialWindow.Microseconds() {
		return true, nil
	}
	d.times-- // this one begins a window of its own
	if err := d.repeated(ctx, tx, began); err != nil {
		return false, err
	}
	d.times = 0
	if _, err := tx.Exec(ctx, `UPDATE audit_denial SET at = $2, times = 0 WHERE key = $1`, key, now); err != nil {
		return false, fmt.Errorf("audit: denial: %w", err)
	}
	return false, nil
}

// repeated writes how often a denial came again.
func (d *denial) repeated(ctx context.Context, tx *store.Tx, began int64) error {
	if d.times == 0 || d.action == "" {
		return nil
	}
	return insert(ctx, tx, d.who, "denied", d.object, "action", d.action, "times", d.times, "since", store.Time(began).Format(time.RFC3339))
}

// recordRepeats writes what was counted in windows that are over.
func recordRepeats(ctx context.Context, db *store.DB) error {
	var some bool
	if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM audit_denial)`).Scan(&some); err != nil || !some {
		return err
	}
	return db.Keep(ctx, func(tx *store.Tx) error {
		rows, err := tx.Query(ctx, `DELETE FROM audit_denial WHERE at <= $1
			RETURNING at, times, account_id, organisation_id, actor, role, channel, device_id, token_id, action, object`,
			store.Micros(tx.Now.Add(-denialWindow)))
		if err != nil {
			return fmt.Errorf("audit: denial: %w", err)
		}
		defer rows.Close()
		var all []denial
		var began []int64
		for rows.Next() {
			var d denial
			var at int64
			if err := rows.Scan(&at, &d.times, &d.who.Account, &d.who.Org, &d.who.Name, &d.who.Role, &d.who.Channel,
				&d.who.Device, &d.who.Token, &d.action, &d.object); err != nil {
				return fmt.Errorf("audit: denial: %w", err)
			}
			all, began = append(all, d), append(began, at)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return fmt.Errorf("audit: denial: %w", err)
		}
		for i := range all {
			if err := all[i].repeated(ctx, tx, began[i]); err != nil {
				return err
			}
		}
		return nil
	})
}
