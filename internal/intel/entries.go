// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/store"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

// Entry is an indicator on its way out of the portal: merged over the claims
// that the caller may see, what identifies people masked.
type Entry struct {
	Kind        indicator.Kind
	Value       string
	Host        string
	HostBlocked bool // the host as a whole may be refused
	Category    category.Category
	Brand       string
	Confidence  int
	FirstSeen   time.Time
	LastSeen    time.Time
	ValidUntil  time.Time
	TLP         tlp.Level

	key  int64
	self bool // may be an entry in its own kind
}

// Selection says which indicators leave.
type Selection struct {
	Kinds          []indicator.Kind // nil for all
	Pages          bool             // also what is an entry only in its own kind, not as a host
	ByHost         bool             // in the order of indicator.HostKey and value; else in no order
	Categories     []category.Category
	MaxAge         int // days, in Tokyo, since last seen; 0 for any
	MinConfidence  int // 0 to 100
	MaxTLP         *tlp.Level
	IncludeExpired bool
	// Own applies the exceptions of the caller's institution.
	Own bool
}

// Check reports what is wrong with a selection.
func (s Selection) Check() error {
	if s.MaxAge < 0 || s.MaxAge > 36500 {
		return fault.New(fault.Invalid, "intel.age").At("age")
	}
	if s.MinConfidence < 0 || s.MinConfidence > 100 {
		return fault.New(fault.Invalid, "intel.confidence").At("confidence")
	}
	return nil
}

// Entries yields the indicators of a selection that the caller may see and the
// guard lets out, each once. It reads as it goes, in constant memory; an error
// is the last thing it yields. today is the moment at which validity is judged.
func Entries(ctx context.Context, q store.Queryer, c caller.Caller, s Selection, today time.Time) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := s.Check(); err != nil {
			yield(Entry{}, err)
			return
		}
		var except exceptions
		if s.Own {
			var err error
			if except, err = loadExceptions(ctx, q, c.Org); err != nil {
				yield(Entry{}, err)
				return
			}
		}
		query, args := s.sql(c, today)
		rows, err := q.Query(ctx, query, args...)
		if err != nil {
			yield(Entry{}, fmt.Errorf("intel: entries: %w", err))
			return
		}
		defer rows.Close()
		var pending Entry
		have := false
		seen := map[string]bool{} // what was masked: several URLs may become one
		flush := func() bool {
			if !have || except.hold(&pending, s.Pages) {
				return true
			}
			if m, changed := indicator.Mask(pending.Kind, pending.Value); changed {
				pending.Value = m
				if seen[m] {
					return true
				}
				seen[m] = true
			}
			return yield(pending, nil)
		}
		for rows.Next() {
			var e Entry
			var level, first, last, until, confidence int64
			if err := rows.Scan(&e.key, &e.Kind, &e.Value, &e.Host, &e.self, &e.HostBlocked, &e.Category, &e.Brand, &confidence, &first, &last, &until, &level); err != nil {
				yield(Entry{}, err)
				return
			}
			e.Confidence, e.TLP = int(confidence), tlp.Level(level)
			e.FirstSeen, e.LastSeen, e.ValidUntil = store.Time(first), store.Time(last), store.Time(until)
			if have && pending.key == e.key && pending.Kind == e.Kind && pending.Value == e.Value {
				pending.widen(&e)
				continue
			}
			if !flush() {
				return
			}
			pending, have = e, true
		}
		if err := rows.Err(); err != nil {
			yield(Entry{}, fmt.Errorf("intel: entries: %w", err))
			return
		}
		flush()
	}
}

func (e *Entry) widen(o *Entry) {
	sum := Claim{FirstSeen: e.FirstSeen, LastSeen: e.LastSeen, ValidUntil: e.ValidUntil, Confidence: e.Confidence, Brand: e.Brand}
	merge(&sum, Claim{FirstSeen: o.FirstSeen, LastSeen: o.LastSeen, ValidUntil: o.ValidUntil, Confidence: o.Confidence, Brand: o.Brand})
	e.FirstSeen, e.LastSeen, e.ValidUntil, e.Confidence, e.Brand = sum.FirstSeen, sum.LastSeen, sum.ValidUntil, sum.Confidence, sum.Brand
	e.self, e.HostBlocked = e.self || o.self, e.HostBlocked || o.HostBlocked
	e.TLP = min(e.TLP, o.TLP)
}

func (s Selection) sql(c caller.Caller, today time.Time) (string, []any) {
	ceiling, org := store.Sees(c)
	args := []any{ceiling, org}
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	where := []string{store.Visible("i", 1), "i.status = 'active'"}
	if s.MaxTLP != nil {
		// It holds for the own organisation's claims too, and what is for a group
		// is for nobody else at any level: a list that is handed on must not carry
		// them.
		where = append(where, "i.tlp <= "+arg(int64(*s.MaxTLP)), "i.group_id = 0")
	}
	out := "(i.is_host_entry OR i.is_entry AND i.kind NOT IN ('url', 'domain', 'ipv4', 'ipv6'))"
	if s.Pages {
		out = "(i.is_entry OR i.is_host_entry)"
	}
	if len(s.Kinds) == 1 && s.Kinds[0] == indicator.URL && s.Pages {
		out = "i.is_entry"
	}
	where = append(where, out)
	list := func(column string, n int, value func(int) any) {
		if n == 0 {
			return
		}
		in := make([]string, n)
		for i := range in {
			in[i] = arg(value(i))
		}
		where = append(where, column+" IN ("+strings.Join(in, ", ")+")")
	}
	list("i.kind", len(s.Kinds), func(i int) any { return string(s.Kinds[i]) })
	list("i.category", len(s.Categories), func(i int) any { return string(s.Categories[i]) })
	if !s.IncludeExpired {
		where = append(where, "i.valid_until > "+arg(store.Micros(today)))
	}
	if s.MaxAge > 0 {
		// Cut at midnight, so that a list does not change within a day by itself.
		where = append(where, "i.last_seen >= "+arg(store.Micros(trend.DayStart(trend.Day(today)-int64(s.MaxAge)))))
	}
	if s.MinConfidence > 0 {
		where = append(where, "i.confidence >= "+arg(s.MinConfidence))
	}
	// What the widest claim says comes first, on either engine.
	order := "i.key, i.tlp, i.organisation_id, i.group_id"
	if s.ByHost {
		// True of all, but SQLite then walks the index instead of sorting a
		// million entries in memory before the first one.
		where = append(where, "i.host_key >= ''")
		order = "i.host_key, i.value, i.key, i.tlp, i.organisation_id, i.group_id"
	}
	return `SELECT i.key, i.kind, i.value, i.host, i.is_entry, i.is_host_entry, i.category, i.brand, i.confidence, i.first_seen, i.last_seen, i.valid_until, i.tlp
		FROM indicator i WHERE ` + strings.Join(where, " AND ") + ` ORDER BY ` + order, args
}

// Version names the state of what a selection would yield: while it is the
// same, so is the list. It changes with indicators, which follow guard lists
// and overrules, with the exceptions of the caller's institution, with what he
// may see and the groups that his organisation is in, and at midnight in Tokyo, when validity ends.
func Version(ctx context.Context, q store.Queryer, c caller.Caller) (string, error) {
	return version(ctx, q, c, time.Now())
}

func version(ctx context.Context, q store.Queryer, c caller.Caller, now time.Time) (string, error) {
	ceiling, org := store.Sees(c)
	parts := []int64{trend.Day(now), ceiling, org}
	for _, topic := range []string{"indicator", exceptionTopic(org)} {
		seq, err := store.Sequence(ctx, q, topic)
		if err != nil {
			return "", err
		}
		parts = append(parts, seq)
	}
	groups, err := keysOf(q.Query(ctx, `SELECT group_id FROM sharing_group_member WHERE organisation_id = $1`, org))
	if err != nil {
		return "", fmt.Errorf("intel: version: %w", err)
	}
	parts = append(parts, groups...)
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(parts), " ", "."), "[]"), nil
}
