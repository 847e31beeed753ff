// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"teiten/internal/audit"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/store"
)

// bucket counts failed attempts. They leak away one by one; as long as there
// are more than free, each further one must wait, twice as long as the one
// before.
type bucket struct {
	device, subject int64
	free            int64
	leak            time.Duration
}

const (
	anyDevice  = -1
	anySubject = 0

	firstWait   = 30 * time.Second
	longestWait = 15 * time.Minute
	// beyond bounds what is counted above free, so that a bucket that was full
	// is empty again after a few hours.
	beyond = 10
	// forgotten is longer than any bucket takes to run empty.
	forgotten = 8 * time.Hour
)

// buckets are those that an attempt fills. What a stranger's device does
// counts for that device and the login that was typed there, as if it existed
// nowhere: it can never open the account, so it need not slow it down. The
// bucket of an account on all devices holds back those who try it from one
// shared PC after the other; the owner's own device, on which she has signed
// in before, is spared.
func buckets(q store.Queryer, dev Device, p person, typed string, spared bool) []bucket {
	subject := loginKey(q, typed)
	if dev.serves(p.id, p.org) {
		subject = q.Key("auth account", strconv.FormatInt(p.id, 10))
	}
	all := []bucket{{dev.ID, subject, 5, 30 * time.Minute}}
	if !spared {
		all = append(all, bucket{anyDevice, subject, 30, 5 * time.Minute})
	}
	return append(all, bucket{dev.ID, anySubject, 20, 3 * time.Minute})
}

// attempt is one that was counted as failed before it is tried, so that many
// at once cannot slip through: whoever was right takes it back.
type attempt struct {
	buckets []bucket
	now     time.Time
}

// Wait is a time to be waited, as it is said to people.
type Wait time.Duration

// Name writes a wait in seconds below two minutes, else in minutes.
func (w Wait) Name(l locale.Lang) string {
	s := int64((time.Duration(w) + time.Second - 1) / time.Second)
	if s < 120 {
		return l.T("auth.seconds", "n", s)
	}
	return l.T("auth.minutes", "n", (s+59)/60)
}

// blocked says that no attempt is taken before a time.
type blocked struct {
	bucket
	until time.Time
	told  bool
	now   time.Time
}

func (b *blocked) Error() string { return "auth: blocked" }

// reserve counts an attempt in all of its buckets, or in none: then the fault
// says how long to wait. The audit hears of the first refusal of each block.
func reserve(ctx context.Context, db *store.DB, dev Device, object string, all []bucket) (*attempt, error) {
	a := &attempt{buckets: all}
	err := db.Keep(ctx, func(tx *store.Tx) error {
		a.now = tx.Now
		for _, b := range all {
			if err := b.count(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	var full *blocked
	if !errors.As(err, &full) {
		return a, err
	}
	if !full.told {
		if err := full.tell(ctx, db, dev, object); err != nil {
			return nil, err
		}
	}
	wait := full.until.Sub(full.now)
	return nil, fault.New(fault.TooMany, "auth.wait", "wait", Wait(wait), "seconds", int64((wait+time.Second-1)/time.Second))
}

// count adds one failure unless the bucket is blocked; the row's lock makes
// parallel attempts follow one another.
func (b bucket) count(ctx context.Context, tx *store.Tx) error {
	now, leak := store.Micros(tx.Now), b.leak.Microseconds()
	var failures int64
	err := tx.QueryRow(ctx, `INSERT INTO auth_throttle (device_id, subject, failures, counted_at, blocked_until, told)
		VALUES ($1, $2, 1, $3, 0, $5)
		ON CONFLICT (device_id, subject) DO UPDATE SET
			failures = 1 + CASE WHEN auth_throttle.failures > ($3 - auth_throttle.counted_at) / $4
				THEN auth_throttle.failures - ($3 - auth_throttle.counted_at) / $4 ELSE 0 END,
			counted_at = CASE WHEN auth_throttle.failures > ($3 - auth_throttle.counted_at) / $4
				THEN auth_throttle.counted_at + ($3 - auth_throttle.counted_at) / $4 * $4 ELSE $3 END,
			told = $5
		WHERE auth_throttle.blocked_until <= $3
		RETURNING failures`, b.device, b.subject, now, leak, false).Scan(&failures)
	if errors.Is(err, sql.ErrNoRows) {
		full := &blocked{bucket: b, now: tx.Now}
		var until int64
		err := tx.QueryRow(ctx, `SELECT blocked_until, told FROM auth_throttle WHERE device_id = $1 AND subject = $2`,
			b.device, b.subject).Scan(&until, &full.told)
		if err != nil {
			return err
		}
		full.until = store.Time(max(until, now+1))
		return full
	}
	if err != nil || failures < b.free {
		return err
	}
	failures = min(failures, b.free+beyond)
	wait := min(firstWait<<(failures-b.free), longestWait)
	_, err = tx.Exec(ctx, `UPDATE auth_throttle SET failures = $3, blocked_until = $4 WHERE device_id = $1 AND subject = $2`,
		b.device, b.subject, failures, store.Micros(tx.Now.Add(wait)))
	return err
}

var errTold = errors.New("auth: another attempt told the audit")

// tell writes down that a block refused somebody, once for each block.
func (b *blocked) tell(ctx context.Context, db *store.DB, dev Device, object string) error {
	err := db.Write(ctx, visitor(dev), func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE auth_throttle SET told = $3 WHERE device_id = $1 AND subject = $2 AND told = $4`,
			b.device, b.subject, true, false)
		if err != nil {
			return err
		}
		if n == 0 {
			return errTold
		}
		return audit.Append(ctx, tx, "auth.blocked", object, "reason", becauseWait, "until", b.until)
	})
	if errors.Is(err, errTold) {
		return nil
	}
	return err
}

// release takes the attempt back: it was right, or it could not be tried. With
// clear, which is for who was right, her own failures on this device are
// forgotten; those of others on the device are not.
func (a *attempt) release(ctx context.Context, tx *store.Tx, clear bool) error {
	for i, b := range a.buckets {
		upTo := int64(1)
		if clear && i == 0 {
			upTo = b.free + beyond
		}
		if _, err := tx.Exec(ctx, `DELETE FROM auth_throttle WHERE device_id = $1 AND subject = $2 AND failures <= $3`,
			b.device, b.subject, upTo); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE auth_throttle SET failures = failures - 1, blocked_until = 0
			WHERE device_id = $1 AND subject = $2`, b.device, b.subject); err != nil {
			return err
		}
	}
	return nil
}

// untried takes an attempt back that could not be tried, and returns why.
func (a *attempt) untried(ctx context.Context, db *store.DB, why error) error {
	// The visitor may be gone, which is no failure of hers either.
	err := db.Keep(context.WithoutCancel(ctx), func(tx *store.Tx) error { return a.release(ctx, tx, false) })
	return errors.Join(why, err)
}
