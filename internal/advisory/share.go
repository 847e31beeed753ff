// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"context"
	"fmt"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

// AnonymousName stands where the name of an institution would that reports
// without it: in lists, files and counts by source. It is what the store has
// for the source, so that no count or index knows better.
const AnonymousName = "匿名の施設"

// Group is a sharing group (共有グループ) with whose members something can be
// shared instead of with all whom its TLP allows.
type Group struct {
	ID   int64
	Name string
}

// Groups are the open groups that the caller's organisation is a member of, by
// name: those with which he may share.
func Groups(ctx context.Context, q store.Queryer, c caller.Caller) ([]Group, error) {
	rows, err := q.Query(ctx, `SELECT g.id, g.name FROM sharing_group g JOIN sharing_group_member sgm ON sgm.group_id = g.id
		WHERE sgm.organisation_id = $1 AND g.closed_at = 0 ORDER BY g.name, g.id`, c.Org)
	if err != nil {
		return nil, fmt.Errorf("advisory: groups: %w", err)
	}
	defer rows.Close()
	var all []Group
	for rows.Next() {
		var g Group
		if err := rows.Scan(&g.ID, &g.Name); err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, rows.Err()
}

// MayShare refuses a group with which the caller may not share: one that is
// not there, is closed, or that his organisation is no member of. Which of them
// it is is not told. 0, all, is always allowed.
func MayShare(ctx context.Context, q store.Queryer, c caller.Caller, group int64) error {
	if group == 0 {
		return nil
	}
	all, err := Groups(ctx, q, c)
	if err != nil {
		return err
	}
	for _, g := range all {
		if g.ID == group {
			return nil
		}
	}
	return fault.New(fault.Invalid, "sharing.group").At("group")
}

// readers are the groups of an organisation, open or closed, by which it reads.
func readers(ctx context.Context, q store.Queryer, org int64) (map[int64]bool, error) {
	rows, err := q.Query(ctx, `SELECT group_id FROM sharing_group_member WHERE organisation_id = $1`, org)
	if err != nil {
		return nil, fmt.Errorf("advisory: groups: %w", err)
	}
	defer rows.Close()
	all := map[int64]bool{0: true}
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		all[id] = true
	}
	return all, rows.Err()
}

// seesRevision is store.Visible for what a revision says of its audience: the
// advisory may have been meant for fewer then.
func seesRevision(c caller.Caller, groups map[int64]bool, to Content) bool {
	return to.TLP <= c.Ceiling() && groups[to.Group]
}

// checkSharing refuses an audience that the caller may not choose. before is
// the advisory as it was, nil for a new one.
func checkSharing(ctx context.Context, q store.Queryer, c caller.Caller, before, after *Advisory) error {
	if before == nil || before.Group != after.Group {
		if err := MayShare(ctx, q, c, after.Group); err != nil {
			return err
		}
	}
	if after.Anonymous && after.OrgKind != caller.Institution {
		return fault.New(fault.Invalid, "sharing.anonymous_who").At("anonymous")
	}
	// It was promised to the institution, which alone can waive it, and only as
	// long as nobody has read it.
	if before != nil && before.Anonymous && !after.Anonymous && (before.State.Public() || c.Org != before.Org) {
		return fault.New(fault.Forbidden, "sharing.anonymous_promise").At("anonymous")
	}
	return nil
}

// insider reports whether the caller knows who told something although it was
// told without a name: that organisation, and the ISAC's reviewers.
func insider(c caller.Caller, org int64) bool {
	return MayReview(c) || c.Org != 0 && c.Org == org
}

// hide takes from an advisory that was reported without a name everything by
// which others would know whose it is. Every advisory that is read goes
// through here.
func (a *Advisory) hide(c caller.Caller) {
	switch {
	case !a.Anonymous:
	case insider(c, a.Org):
		a.Source = a.OrgName
	default:
		a.Org, a.OrgName, a.Account, a.Source = 0, AnonymousName, 0, AnonymousName
		a.ExternalID, a.ExternalURL = "", "" // its own names for things lead to it
	}
}

// storedSource is the source as tables and texts have it.
func (a *Advisory) storedSource() string {
	if a.Anonymous {
		return AnonymousName
	}
	return a.Source
}

// hide takes from a remark on an advisory, which org registered without its
// name, that org wrote it.
func (m *Comment) hide(c caller.Caller, org int64, anonymous bool) {
	if m.Org != c.Org && !MayReview(c) {
		m.Account, m.Actor = 0, "" // members see which institution spoke, not which person
	}
	if anonymous && m.Org == org && !insider(c, org) {
		m.Org, m.OrgName, m.Account, m.Actor = 0, AnonymousName, 0, ""
	}
}

// owner is who registered an advisory, for the claims that follow from it, also
// where the caller may not know.
func owner(ctx context.Context, tx *store.Tx, id int64) (org int64, err error) {
	err = tx.QueryRow(ctx, `SELECT a.organisation_id FROM advisory a WHERE a.id = $1`, id).Scan(&org)
	return org, store.NotFound(err)
}

// Wide reports whether more than the member institutions read what is shared
// so: publication is then asked about once more.
func (c *Content) Wide() bool { return c.Group == 0 && c.TLP <= tlp.Green }
