// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"
	"fmt"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/fold"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// Group is some of the organisations, which share among themselves. The ISAC
// is in every one.
type Group struct {
	ID        int64
	Name      string
	Purpose   string
	CreatedAt time.Time
	ClosedAt  time.Time // zero while it is open
	Members   []Organisation
}

const maxGroups = 500

// AddGroup makes a group and returns its id. Operators only.
func AddGroup(ctx context.Context, db *store.DB, c caller.Caller, name, purpose string) (id int64, err error) {
	err = changeGroups(ctx, db, c, func(tx *store.Tx) error {
		if name, purpose, err = checkGroup(ctx, tx, 0, name, purpose); err != nil {
			return err
		}
		now := store.Micros(tx.Now)
		if id, err = tx.Insert(ctx, `INSERT INTO sharing_group (name, purpose, created_at, closed_at) VALUES ($1, $2, $3, 0) RETURNING id`,
			name, purpose, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO sharing_group_member (group_id, organisation_id, since)
			SELECT CAST($1 AS BIGINT), id, CAST($2 AS BIGINT) FROM organisation WHERE kind = 'isac'`, id, now); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "group.add", object("group", id), "name", name)
	})
	return id, err
}

// RenameGroup gives an open group another name and purpose. Operators only.
func RenameGroup(ctx context.Context, db *store.DB, c caller.Caller, id int64, name, purpose string) error {
	return changeGroups(ctx, db, c, func(tx *store.Tx) error {
		before, err := openGroup(ctx, tx, id)
		if err != nil {
			return err
		}
		if name, purpose, err = checkGroup(ctx, tx, id, name, purpose); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE sharing_group SET name = $1, purpose = $2 WHERE id = $3`, name, purpose, id); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "group.change", object("group", id), "name", audit.Delta{Before: before, After: name})
	})
}

// CloseGroup ends a group; nothing new can be shared in it. Operators only.
func CloseGroup(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	return changeGroups(ctx, db, c, func(tx *store.Tx) error {
		if _, err := openGroup(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE sharing_group SET closed_at = $1 WHERE id = $2`, store.Micros(tx.Now), id); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "group.close", object("group", id))
	})
}

// JoinGroup puts an organisation into an open group: it sees what was shared
// there before, too. Operators only.
func JoinGroup(ctx context.Context, db *store.DB, c caller.Caller, id, org int64) error {
	return changeGroups(ctx, db, c, func(tx *store.Tx) error {
		if _, err := openGroup(ctx, tx, id); err != nil {
			return err
		}
		o, err := organisation(ctx, tx, c, permit.GroupManage, org)
		if err != nil {
			return err
		}
		if !o.LeftAt.IsZero() {
			return fault.New(fault.Conflict, "member.organisation_left", "name", o.Short).At("org")
		}
		if _, err := tx.Exec(ctx, `INSERT INTO sharing_group_member (group_id, organisation_id, since) VALUES ($1, $2, $3)
			ON CONFLICT DO NOTHING`, id, org, store.Micros(tx.Now)); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "group.join", object("group", id), "organisation", org)
	})
}

// PartGroup takes an organisation out of a group, at once. What it told the
// group stays there. Operators only; the ISAC stays.
func PartGroup(ctx context.Context, db *store.DB, c caller.Caller, id, org int64) error {
	return changeGroups(ctx, db, c, func(tx *store.Tx) error {
		o, err := organisation(ctx, tx, c, permit.GroupManage, org)
		if err != nil {
			return err
		}
		if o.Kind == caller.ISAC {
			return fault.New(fault.Invalid, "member.group_isac")
		}
		n, err := tx.Exec(ctx, `DELETE FROM sharing_group_member WHERE group_id = $1 AND organisation_id = $2`, id, org)
		if err != nil {
			return err
		}
		if n == 0 {
			return notFound()
		}
		return audit.Append(ctx, tx, "group.part", object("group", id), "organisation", org)
	})
}

// changeGroups runs a change of the groups, which everybody who reads shared
// information has to hear of.
func changeGroups(ctx context.Context, db *store.DB, c caller.Caller, fn func(*store.Tx) error) error {
	if err := permit.Check(c, permit.GroupManage); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if err := serialise(ctx, tx); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Bump(ctx, "sharing")
	})
}

// openGroup returns the name of a group that is not closed.
func openGroup(ctx context.Context, tx *store.Tx, id int64) (name string, err error) {
	var closed int64
	if err := tx.QueryRow(ctx, `SELECT name, closed_at FROM sharing_group WHERE id = $1`, id).Scan(&name, &closed); err != nil {
		return "", store.NotFound(err)
	}
	if closed != 0 {
		return "", fault.New(fault.Conflict, "member.group_closed")
	}
	return name, nil
}

// checkGroup refuses a name that another open group has, however it is written.
func checkGroup(ctx context.Context, tx *store.Tx, id int64, name, purpose string) (string, string, error) {
	name, purpose = strings.TrimSpace(name), strings.TrimSpace(purpose)
	if err := checkName(name, "name"); err != nil {
		return "", "", err
	}
	if err := checkText(purpose, "purpose", 2*maxName); err != nil {
		return "", "", err
	}
	all, err := groups(ctx, tx, `TRUE`)
	if err != nil {
		return "", "", err
	}
	open := 0
	for _, g := range all {
		if !g.ClosedAt.IsZero() || g.ID == id {
			continue
		}
		open++
		if fold.Text(g.Name) == fold.Text(name) {
			return "", "", fault.New(fault.Conflict, "member.group_name").At("name")
		}
	}
	if open >= maxGroups {
		return "", "", fault.New(fault.TooLarge, "member.group_many", "most", maxGroups)
	}
	return name, purpose, nil
}

// Groups lists the groups of the caller's organisation, or all for operators,
// with their members: one has to know with whom one shares.
func Groups(ctx context.Context, q store.Queryer, c caller.Caller) ([]Group, error) {
	if err := permit.Check(c, permit.GroupRead); err != nil {
		return nil, err
	}
	all, own := permit.Reach(c, permit.GroupRead)
	return groups(ctx, q, reachable(1), all, own)
}

// reachable finds the groups that the arguments of [permit.Reach] let one see.
func reachable(n int) string {
	return fmt.Sprintf(`($%d = 1 OR g.id IN (SELECT group_id FROM sharing_group_member WHERE organisation_id = $%d))`, n, n+1)
}

// FindGroup returns a group that [Groups] lists; another is not found.
func FindGroup(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (Group, error) {
	all, own := permit.Reach(c, permit.GroupRead)
	found, err := groups(ctx, q, `g.id = $3 AND `+reachable(1), all, own, id)
	if err != nil {
		return Group{}, err
	}
	if len(found) == 0 {
		return Group{}, notFound()
	}
	return found[0], nil
}

func groups(ctx context.Context, q store.Queryer, where string, args ...any) ([]Group, error) {
	rows, err := q.Query(ctx, `SELECT g.id, g.name, g.purpose, g.created_at, g.closed_at, `+organisationColumns+`
		FROM sharing_group g JOIN sharing_group_member m ON m.group_id = g.id JOIN organisation o ON o.id = m.organisation_id
		WHERE `+where+` ORDER BY g.closed_at <> 0, g.id, `+byOrganisation, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Group
	for rows.Next() {
		var g Group
		var o Organisation
		var created, closed, left int64
		if err := rows.Scan(append([]any{&g.ID, &g.Name, &g.Purpose, &created, &closed}, o.into(&left)...)...); err != nil {
			return nil, err
		}
		o.LeftAt = store.Time(left)
		if len(all) == 0 || all[len(all)-1].ID != g.ID {
			g.CreatedAt, g.ClosedAt = store.Time(created), store.Time(closed)
			all = append(all, g)
		}
		last := &all[len(all)-1]
		last.Members = append(last.Members, o)
	}
	return all, rows.Err()
}
