// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"teiten/internal/caller"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/store"
)

// chunk is how many values one statement asks for.
const chunk = 500

// list is "$n, $n+1, …" for as many arguments.
func list(n, from int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
	}
	return b.String()
}

// knownOnly returns those of the values that somebody ever told of. Nearly all
// of a mail's values are not among a million indicators, so that one statement
// saves most of the look-ups. What the caller may see is decided there.
func knownOnly(ctx context.Context, q store.Queryer, values []indicator.Value) (found []indicator.Value, err error) {
	for len(values) > 0 {
		n := min(len(values), chunk)
		args := make([]any, n)
		byKey := make(map[int64]indicator.Value, n)
		for i, v := range values[:n] {
			k := q.Key(string(v.Kind), v.Value)
			args[i], byKey[k] = k, v
		}
		rows, err := q.Query(ctx, `SELECT DISTINCT key FROM indicator WHERE key IN (`+list(n, 1)+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("mailcheck: known values: %w", err)
		}
		err = each(rows, func() error {
			var k int64
			if err := rows.Scan(&k); err != nil {
				return err
			}
			found = append(found, byKey[k])
			return nil
		})
		if err != nil {
			return nil, err
		}
		values = values[n:]
	}
	return found, nil
}

// knownHosts returns, for hosts, an indicator on the very host that says that the
// host as a whole may be refused.
func knownHosts(ctx context.Context, q store.Queryer, c caller.Caller, g *guard.Guard, hosts []string) (map[string]hit, error) {
	found := map[string]hit{}
	ceiling, org := store.Sees(c)
	for len(hosts) > 0 {
		n := min(len(hosts), chunk)
		args := []any{ceiling, org, store.Micros(time.Now())}
		for _, h := range hosts[:n] {
			args = append(args, indicator.HostKey(h))
		}
		hosts = hosts[n:]
		rows, err := q.Query(ctx, `SELECT i.host, MIN(i.kind), MIN(i.value), COUNT(*) FROM indicator i
			WHERE i.host_key IN (`+list(n, 4)+`) AND i.kind IN ('url', 'domain', 'ipv4', 'ipv6') AND i.is_host_entry
				AND i.status = 'active' AND i.valid_until > $3 AND `+store.Visible("i", 1)+`
			GROUP BY i.host, i.kind ORDER BY i.host, i.kind`, args...)
		if err != nil {
			return nil, fmt.Errorf("mailcheck: known hosts: %w", err)
		}
		err = each(rows, func() error {
			v := indicator.Value{}
			var many int
			if err := rows.Scan(&v.Host, &v.Kind, &v.Value, &many); err != nil {
				return err
			}
			v.Written = v.Value
			if g == nil || g.Judge(hostValue(v.Host)).Entry {
				found[v.Host] = hit{Hit: intel.Hit{Value: v, Known: true, Active: true, SameHost: many}, as: v, entry: true}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// addAdvisories sets, for each hit, the newest published advisory that names the
// indicator, if the caller may see one.
func addAdvisories(ctx context.Context, q store.Queryer, c caller.Caller, f *Facts) error {
	byKey := map[int64][]func(int64){}
	add := func(all map[string]hit) {
		for k, h := range all {
			v := h.Value
			if h.as.Value != "" {
				v = h.as
			}
			id := q.Key(string(v.Kind), v.Value)
			byKey[id] = append(byKey[id], func(advisory int64) {
				h := all[k]
				h.advisory = advisory
				all[k] = h
			})
		}
	}
	add(f.hits)
	add(f.hosts)
	if len(byKey) == 0 {
		return nil
	}
	ceiling, org := store.Sees(c)
	args := []any{ceiling, org}
	for k := range byKey {
		if args = append(args, k); len(args) == chunk {
			break
		}
	}
	rows, err := q.Query(ctx, `SELECT ai.indicator_key, MAX(a.id) FROM advisory_indicator ai JOIN advisory a ON a.id = ai.advisory_id
		WHERE ai.indicator_key IN (`+list(len(args)-2, 3)+`) AND a.state IN ('published', 'corrected') AND `+store.Visible("a", 1)+`
		GROUP BY ai.indicator_key`, args...)
	if err != nil {
		return fmt.Errorf("mailcheck: advisories: %w", err)
	}
	return each(rows, func() error {
		var k, id int64
		if err := rows.Scan(&k, &id); err != nil {
			return err
		}
		for _, set := range byKey[k] {
			set(id)
		}
		return nil
	})
}

func readSettings(ctx context.Context, q store.Queryer, org int64) (s Settings, err error) {
	var ids string
	err = q.QueryRow(ctx, `SELECT authserv_ids FROM mail_setting WHERE organisation_id = $1`, org).Scan(&ids)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("mailcheck: settings: %w", err)
	}
	s.Authserv = strings.Fields(ids)
	return s, nil
}

const (
	writeSettings = `INSERT INTO mail_setting (organisation_id, authserv_ids, changed_by, changed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (organisation_id) DO UPDATE SET authserv_ids = excluded.authserv_ids, changed_by = excluded.changed_by, changed_at = excluded.changed_at`

	writeKey = `INSERT INTO dkim_key (name, record, changed_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET record = excluded.record, changed_at = excluded.changed_at`

	dropKey = `DELETE FROM dkim_key WHERE name = $1`

	learn = `INSERT INTO correspondent (organisation_id, key, is_site, mails, last_seen) VALUES ($1, $2, $3, 1, $4)
		ON CONFLICT (organisation_id, key) DO UPDATE SET mails = correspondent.mails + 1, last_seen = excluded.last_seen`

	forget = `DELETE FROM correspondent WHERE organisation_id = $1 AND last_seen < $2`
)

// met reads which of two keys an institution knows, and how many senders at most
// enoughCorrespondents.
func met(ctx context.Context, q store.Queryer, org, address, site int64) (f struct {
	many          int
	address, site bool
}, err error) {
	err = q.QueryRow(ctx, `SELECT
			(SELECT COUNT(*) FROM (SELECT 1 FROM correspondent WHERE organisation_id = $1 AND is_site = $4 LIMIT $5) AS few),
			EXISTS (SELECT 1 FROM correspondent WHERE organisation_id = $1 AND key = $2),
			EXISTS (SELECT 1 FROM correspondent WHERE organisation_id = $1 AND key = $3)`,
		org, address, site, false, enoughCorrespondents).Scan(&f.many, &f.address, &f.site)
	if err != nil {
		err = fmt.Errorf("mailcheck: correspondents: %w", err)
	}
	return f, err
}

// readKeys returns the kept records of the names.
func readKeys(ctx context.Context, q store.Queryer, names []string) (map[string]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	args := make([]any, len(names))
	for i, n := range names {
		args[i] = n
	}
	rows, err := q.Query(ctx, `SELECT name, record FROM dkim_key WHERE name IN (`+list(len(names), 1)+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("mailcheck: keys: %w", err)
	}
	found := map[string]string{}
	return found, each(rows, func() error {
		var name, record string
		if err := rows.Scan(&name, &record); err != nil {
			return err
		}
		found[name] = record
		return nil
	})
}

func listKeys(ctx context.Context, q store.Queryer) ([]Key, error) {
	rows, err := q.Query(ctx, `SELECT name, record, changed_at FROM dkim_key ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("mailcheck: keys: %w", err)
	}
	all := []Key{}
	err = each(rows, func() error {
		var name, record string
		var at int64
		if err := rows.Scan(&name, &record, &at); err != nil {
			return err
		}
		k, err := ParseKey(record)
		if err != nil { // from before keys were read
			k.Record = record
		}
		k.Name, k.Kept = name, store.Time(at)
		all = append(all, k)
		return nil
	})
	return all, err
}

// each calls scan for every row and closes them.
func each(rows *sql.Rows, scan func() error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(); err != nil {
			return err
		}
	}
	return rows.Err()
}
