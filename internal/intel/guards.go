// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/store"
)

// Guards keeps the guard that the stored lists, the institutions' own domains
// and the overrules make, and makes it anew when they changed.
type Guards struct {
	db  *store.DB
	mu  sync.Mutex
	seq int64
	now *guard.Guard
}

// NewGuards returns a keeper; nothing is loaded before it is needed.
func NewGuards(db *store.DB) *Guards { return &Guards{db: db, seq: -1} }

// Current returns the guard as it is now.
func (k *Guards) Current(ctx context.Context) (*guard.Guard, error) {
	seq, err := store.Sequence(ctx, k.db, "guard")
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now != nil && k.seq == seq {
		return k.now, nil
	}
	g, err := loadGuard(ctx, k.db)
	if err != nil {
		return nil, err
	}
	k.now, k.seq = g, seq
	return g, nil
}

func loadGuard(ctx context.Context, q store.Queryer) (*guard.Guard, error) {
	stored, err := storedLists(ctx, q, true)
	if err != nil {
		return nil, err
	}
	bundled, err := guard.Bundled()
	if err != nil {
		return nil, err
	}
	var lists []*guard.List
	for _, l := range bundled {
		if s, ok := stored[l.Slug]; ok && (!s.Enabled || s.list != nil) {
			continue // switched off, or replaced by a newer one
		}
		lists = append(lists, l)
	}
	for _, s := range stored {
		if s.Enabled && s.list != nil {
			lists = append(lists, s.list)
		}
	}
	var own []*guard.List
	domains, err := member.Domains(ctx, q, 0)
	if err != nil {
		return nil, err
	}
	orgs, err := member.Organisations(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, o := range orgs {
		if len(domains[o.ID]) > 0 {
			own = append(own, guard.Own(o.Short, domains[o.ID]))
		}
	}
	overrules, err := Overrules(ctx, q)
	if err != nil {
		return nil, err
	}
	return guard.New(lists, own...).With(overrules)
}

// ListInfo is a list as a page shows it.
type ListInfo struct {
	Slug    string
	Name    string
	Effect  guard.Effect
	Values  int
	Version int
	Bundled bool
	Enabled bool
	Reason  string // why it was switched off
	Actor   string // who stored it or switched it off
	At      time.Time

	list *guard.List
}

func storedLists(ctx context.Context, q store.Queryer, parse bool) (map[string]*ListInfo, error) {
	rows, err := q.Query(ctx, `SELECT slug, name, version, enabled, reason, content, actor, at FROM warninglist`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]*ListInfo{}
	for rows.Next() {
		var l ListInfo
		var content []byte
		var at int64
		if err := rows.Scan(&l.Slug, &l.Name, &l.Version, &l.Enabled, &l.Reason, &content, &l.Actor, &at); err != nil {
			return nil, err
		}
		l.At = store.Time(at)
		if len(content) > 0 && parse {
			z, err := gzip.NewReader(bytes.NewReader(content))
			if err == nil {
				l.list, err = guard.ParseList(z)
			}
			if err != nil {
				return nil, fmt.Errorf("intel: stored list %s: %w", l.Slug, err)
			}
			l.Values, l.Effect = l.list.Values.Len(), l.list.Effect
		}
		all[l.Slug] = &l
	}
	return all, rows.Err()
}

// Lists returns the bundled and the stored lists, by name.
func Lists(ctx context.Context, q store.Queryer) ([]ListInfo, error) {
	stored, err := storedLists(ctx, q, true)
	if err != nil {
		return nil, err
	}
	bundled, err := guard.Bundled()
	if err != nil {
		return nil, err
	}
	var all []ListInfo
	for _, l := range bundled {
		info := ListInfo{Slug: l.Slug, Name: l.Name, Effect: l.Effect, Values: l.Values.Len(), Version: l.Version, Bundled: true, Enabled: true}
		if s, ok := stored[l.Slug]; ok {
			delete(stored, l.Slug)
			if s.list != nil {
				info = *s
			}
			info.Enabled, info.Reason, info.Actor, info.At = s.Enabled, s.Reason, s.Actor, s.At
		}
		all = append(all, info)
	}
	for _, s := range stored {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b ListInfo) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug)) })
	return all, nil
}

const maxList = 64 << 20

// AddList stores a list in MISP's warninglist format; one with the same slug
// is replaced. Reviewers of the ISAC only.
func AddList(ctx context.Context, db *store.DB, c caller.Caller, r io.Reader) (*guard.List, error) {
	if err := mayGuard(c); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxList+1))
	if err != nil {
		return nil, err
	}
	l, err := guard.ParseList(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write(raw)
	if err = errors.Join(err, z.Close()); err != nil {
		return nil, err
	}
	return l, db.Write(ctx, c, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO warninglist (slug, name, version, enabled, reason, content, actor, at)
			VALUES ($1, $2, $3, $4, '', $5, $6, $7) ON CONFLICT (slug) DO UPDATE SET name = excluded.name, version = excluded.version,
			enabled = excluded.enabled, reason = '', content = excluded.content, actor = excluded.actor, at = excluded.at`,
			l.Slug, l.Name, l.Version, true, packed.Bytes(), c.Name, store.Micros(tx.Now)); err != nil {
			return err
		}
		if err := guardChanged(ctx, tx); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "warninglist.add", "warninglist/"+l.Slug, "values", l.Values.Len(), "version", l.Version)
	})
}

// SwitchList turns a list on, or off with a reason.
func SwitchList(ctx context.Context, db *store.DB, c caller.Caller, slug string, on bool, reason string) error {
	if err := mayGuard(c); err != nil {
		return err
	}
	if !on {
		var err error
		if reason, err = needReason(reason); err != nil {
			return err
		}
	} else {
		reason = ""
	}
	all, err := Lists(ctx, db)
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.Slug != slug {
			continue
		}
		return db.Write(ctx, c, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, `INSERT INTO warninglist (slug, name, version, enabled, reason, content, actor, at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (slug) DO UPDATE
				SET enabled = excluded.enabled, reason = excluded.reason, actor = excluded.actor, at = excluded.at`,
				slug, l.Name, l.Version, on, reason, []byte{}, c.Name, store.Micros(tx.Now)); err != nil {
				return err
			}
			if err := guardChanged(ctx, tx); err != nil {
				return err
			}
			return audit.Append(ctx, tx, "warninglist.switch", "warninglist/"+slug, "enabled", on, "reason", reason)
		})
	}
	return fault.New(fault.NotFound, "fault.not_found")
}

func mayGuard(c caller.Caller) error {
	if c.OrgKind == caller.ISAC {
		return c.Need(caller.Operator, caller.Analyst)
	}
	return fault.New(fault.Forbidden, "fault.forbidden")
}

func guardChanged(ctx context.Context, tx *store.Tx) error {
	if err := tx.Bump(ctx, "guard"); err != nil {
		return err
	}
	return job.Enqueue(ctx, tx, member.RejudgeJob, struct{}{}, job.Unique("all"))
}

// RejudgeWorker does member.RejudgeJob: every indicator is judged anew after
// the guard changed, in batches, so that nothing else waits long.
func RejudgeWorker(db *store.DB, guards *Guards) job.Worker {
	return func(ctx context.Context, _ job.Job) error {
		g, err := guards.Current(ctx)
		if err != nil {
			return err
		}
		return rejudge(ctx, db, g)
	}
}

func rejudge(ctx context.Context, db *store.DB, g *guard.Guard) error {
	const batch = 20000
	type row struct {
		key, level, org, group int64
		entry, host            bool
	}
	after := row{key: -1}
	for {
		var changed []row
		n := 0
		rows, err := db.Query(ctx, `SELECT key, tlp, organisation_id, group_id, kind, value, host, is_entry, is_host_entry FROM indicator
			WHERE (key, tlp, organisation_id, group_id) > ($1, $2, $3, $4) ORDER BY key, tlp, organisation_id, group_id LIMIT $5`,
			after.key, after.level, after.org, after.group, batch)
		if err != nil {
			return err
		}
		for rows.Next() {
			var r row
			var v indicator.Value
			if err := rows.Scan(&r.key, &r.level, &r.org, &r.group, &v.Kind, &v.Value, &v.Host, &r.entry, &r.host); err != nil {
				rows.Close()
				return err
			}
			n++
			after = r
			if verdict := g.Judge(v); verdict.Entry != r.entry || verdict.HostEntry != r.host {
				r.entry, r.host = verdict.Entry, verdict.HostEntry
				changed = append(changed, r)
			}
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return err
		}
		if len(changed) > 0 {
			err := db.Keep(ctx, func(tx *store.Tx) error {
				if err := claimsChange(ctx, tx); err != nil {
					return err
				}
				for _, r := range changed {
					if _, err := tx.Exec(ctx, `UPDATE indicator SET is_entry = $1, is_host_entry = $2
						WHERE key = $3 AND tlp = $4 AND organisation_id = $5 AND group_id = $6`, r.entry, r.host, r.key, r.level, r.org, r.group); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		if n < batch {
			return nil
		}
	}
}
