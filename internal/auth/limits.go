// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// Limits say how long a session lasts. They hold for sessions that are opened
// from now on.
type Limits struct {
	Idle     time.Duration                 `json:"idle"`     // without a request, 30 minutes
	Roles    map[caller.Role]time.Duration `json:"roles"`    // where a role differs
	Absolute time.Duration                 `json:"absolute"` // however busy, 12 hours
}

const (
	leastIdle, mostIdle         = 5 * time.Minute, 8 * time.Hour
	leastAbsolute, mostAbsolute = time.Hour, 24 * time.Hour
	limitsSetting               = "auth.limits"
)

// DefaultLimits hold while an operator has set no others.
func DefaultLimits() Limits { return Limits{Idle: 30 * time.Minute, Absolute: 12 * time.Hour} }

func (l Limits) idle(r caller.Role) time.Duration {
	if d, ok := l.Roles[r]; ok {
		return d
	}
	return l.Idle
}

// IdleField is how faults name the idle time of a role, and that of everybody
// else for "".
func IdleField(r caller.Role) string {
	if r == "" {
		return "idle"
	}
	return "idle_" + string(r)
}

// differing writes what differs by role, for the record.
func (l Limits) differing() string {
	var all []string
	for _, r := range caller.Roles {
		if d, ok := l.Roles[r]; ok {
			all = append(all, string(r)+" "+d.String())
		}
	}
	return strings.Join(all, ", ")
}

func (l Limits) check() error {
	for _, role := range append([]caller.Role{""}, caller.Roles...) {
		if d := l.idle(role); d < leastIdle || d > mostIdle {
			return fault.New(fault.Invalid, "auth.limit_idle", "least", Wait(leastIdle), "most", Wait(mostIdle)).At(IdleField(role))
		}
	}
	for role := range l.Roles {
		if !(caller.Caller{Role: role}).Is(caller.Roles...) {
			return fault.New(fault.Invalid, "member.role", "value", string(role)).At("role")
		}
	}
	if l.Absolute < leastAbsolute || l.Absolute > mostAbsolute {
		return fault.New(fault.Invalid, "auth.limit_absolute", "least", Wait(leastAbsolute), "most", Wait(mostAbsolute)).At("absolute")
	}
	return nil
}

// ReadLimits returns the limits in force.
func ReadLimits(ctx context.Context, q store.Queryer) (Limits, error) {
	var text string
	err := q.QueryRow(ctx, `SELECT value FROM setting WHERE name = $1`, limitsSetting).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return DefaultLimits(), nil
	}
	if err != nil {
		return Limits{}, err
	}
	var l Limits
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return Limits{}, fault.Wrap(err, fault.Internal, "fault.internal")
	}
	return l, nil
}

// SetLimits changes them. Operators only.
func SetLimits(ctx context.Context, db *store.DB, c caller.Caller, l Limits) error {
	if err := permit.Check(c, permit.InstallationManage); err != nil {
		return err
	}
	if err := l.check(); err != nil {
		return err
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		before, err := ReadLimits(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET value = $2`, limitsSetting, string(text)); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "auth.limits", "setting/"+limitsSetting, "idle", audit.Delta{Before: before.Idle.String(), After: l.Idle.String()},
			"absolute", audit.Delta{Before: before.Absolute.String(), After: l.Absolute.String()},
			"roles", audit.Delta{Before: before.differing(), After: l.differing()})
	})
}
