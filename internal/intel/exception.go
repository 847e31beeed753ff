// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
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
	if c.OrgKind == caller.Institution && c.Is(caller.Contact) || c.OrgKind == caller.ISAC && c.Is(caller.Operator) {
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
		return audit.Append(ctx, tx, "exception.add", fmt.Sprintf("organisation/%d", c.Org), "kind", string(v.Kind), "value", shown(v), "reason", reason)
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
		return audit.Append(ctx, tx, "exception.remove", fmt.Sprintf("organisation/%d", c.Org), "kind", string(v.Kind), "value", shown(v))
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
	needed map[string]bool // hosts of exceptions and the names above them: to refuse one is to refuse the exception
	nets   []netip.Addr    // addresses of exceptions
}

func loadExceptions(ctx context.Context, q store.Queryer, org int64) (exceptions, error) {
	x := exceptions{values: map[string]bool{}, hosts: map[string]bool{}, needed: map[string]bool{}}
	all, err := Exceptions(ctx, q, caller.Caller{Org: org})
	for _, e := range all {
		x.values[string(e.Kind)+" "+e.Value] = true
		host := e.Value
		switch e.Kind {
		case indicator.Domain, indicator.IPv4, indicator.IPv6:
			x.hosts[host] = true
		case indicator.URL:
			v, err := indicator.Normalise(indicator.URL, e.Value)
			if err != nil {
				return x, err
			}
			host = v.Host
		default:
			continue
		}
		if a, err := netip.ParseAddr(host); err == nil {
			x.nets = append(x.nets, a)
			x.needed[host] = true
			continue
		}
		for name := range parents(host) {
			x.needed[name] = true
		}
	}
	return x, err
}

// parents yields a name and the names above it.
func parents(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for found := name != ""; found && yield(name); {
			_, name, found = strings.Cut(name, ".")
		}
	}
}

// hold reports whether e is left out. A URL or host that is excepted keeps its
// host, and the names above it, out of host lists too: refusing the host would
// refuse the URL. With pages, a URL on such a host stays, as a page.
func (x exceptions) hold(e *Entry, pages bool) bool {
	if len(x.values) == 0 {
		return false
	}
	if x.values[string(e.Kind)+" "+e.Value] {
		return true
	}
	if e.Kind == indicator.CIDR {
		p, err := netip.ParsePrefix(e.Value)
		return err == nil && slices.ContainsFunc(x.nets, p.Contains)
	}
	if x.hosts[e.Host] {
		return true
	}
	if _, err := netip.ParseAddr(e.Host); err != nil {
		for name := range parents(e.Host) {
			if x.hosts[name] {
				return true
			}
		}
	}
	if !x.needed[e.Host] {
		return false
	}
	switch e.Kind {
	case indicator.URL:
		e.HostBlocked = false
		return !pages || !e.self
	case indicator.Email:
		e.HostBlocked = false
		return !e.self
	default:
		return true
	}
}

// shown is an indicator as the audit record names it: without what identifies
// its recipient.
func shown(v indicator.Value) string {
	value, _ := indicator.Mask(v.Kind, v.Value)
	return value
}

func needReason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return "", fault.New(fault.Invalid, "intel.reason").At("reason")
	}
	if !utf8.ValidString(reason) || strings.ContainsRune(reason, 0) {
		return "", fault.New(fault.Invalid, "intel.reason_text").At("reason")
	}
	if utf8.RuneCountInString(reason) > maxReason {
		return "", fault.New(fault.TooLarge, "intel.reason_long", "most", maxReason).At("reason")
	}
	return reason, nil
}
