// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// Facility is the kind of an institution.
type Facility string

const (
	Hospital      Facility = "hospital" // 20 beds or more (Medical Care Act, article 1-5)
	Clinic        Facility = "clinic"
	Pharmacy      Facility = "pharmacy"
	Care          Facility = "care"
	Laboratory    Facility = "laboratory"
	OtherFacility Facility = "other"
)

// Facilities are all kinds of institution.
var Facilities = []Facility{Hospital, Clinic, Pharmacy, Care, Laboratory, OtherFacility}

// Name returns the word for it.
func (f Facility) Name(lang locale.Lang) string { return lang.T("member.facility." + string(f)) }

// maxBeds is beyond the largest hospital; a number above it is a slip.
const maxBeds = 10000

// AddOrganisation registers an organisation. Operators only.
func AddOrganisation(ctx context.Context, tx *store.Tx, o Organisation) (int64, error) {
	if err := permit.Check(tx.Caller, permit.RegisterManage); err != nil {
		return 0, err
	}
	if err := o.check(); err != nil {
		return 0, err
	}
	if err := serialise(ctx, tx); err != nil {
		return 0, err
	}
	id, err := tx.Insert(ctx, `INSERT INTO organisation (kind, name, short, prefecture, beds, facility, ward_check, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
		string(o.Kind), o.Name, o.Short, o.Prefecture, o.Beds, string(o.Facility), o.WardCheck, store.Micros(tx.Now))
	if err != nil {
		return 0, err
	}
	if o.Kind == caller.ISAC { // which is in every group
		if _, err := tx.Exec(ctx, `INSERT INTO sharing_group_member (group_id, organisation_id, since)
			SELECT id, CAST($1 AS BIGINT), CAST($2 AS BIGINT) FROM sharing_group`, id, store.Micros(tx.Now)); err != nil {
			return 0, err
		}
		if err := tx.Bump(ctx, "sharing"); err != nil {
			return 0, err
		}
	}
	return id, audit.Append(ctx, tx, "organisation.add", object("organisation", id), "name", o.Name, "kind", string(o.Kind))
}

// check completes o and refuses what cannot be.
func (o *Organisation) check() error {
	o.Name, o.Short = strings.TrimSpace(o.Name), strings.TrimSpace(o.Short)
	if o.Short == "" {
		o.Short = o.Name
	}
	if err := cmp.Or(checkName(o.Name, "name"), checkName(o.Short, "short")); err != nil {
		return err
	}
	if !slices.Contains(caller.OrgKinds, o.Kind) {
		return fault.New(fault.Invalid, "member.kind", "value", short(string(o.Kind))).At("kind")
	}
	if o.Facility != "" && !slices.Contains(Facilities, o.Facility) {
		return fault.New(fault.Invalid, "member.facility", "value", short(string(o.Facility))).At("facility")
	}
	if o.Facility != "" && o.Kind != caller.Institution {
		return fault.New(fault.Invalid, "member.facility_institution").At("facility")
	}
	if o.Beds < 0 || o.Beds > maxBeds {
		return fault.New(fault.Invalid, "member.beds", "most", maxBeds).At("beds")
	}
	if o.WardCheck && o.Kind != caller.Institution {
		return fault.New(fault.Invalid, "member.ward_institution").At("ward_check")
	}
	var err error
	o.Prefecture, err = ParsePrefecture(o.Prefecture)
	return err
}

// ChangeOrganisation stores name, short name, facility, beds, prefecture and
// the ward PC's setting of o.ID. Operators only. The kind stays what it is: it
// bounds what TLP shows, so another kind is another organisation.
func ChangeOrganisation(ctx context.Context, db *store.DB, c caller.Caller, o Organisation) error {
	if err := permit.Check(c, permit.RegisterManage); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		before, err := organisation(ctx, tx, c, permit.RegisterManage, o.ID)
		if err != nil {
			return err
		}
		if o.Kind != "" && o.Kind != before.Kind {
			return fault.New(fault.Invalid, "member.kind_fixed").At("kind")
		}
		o.Kind = before.Kind
		if err := o.check(); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE organisation SET name = $1, short = $2, prefecture = $3, beds = $4, facility = $5, ward_check = $6
			WHERE id = $7`, o.Name, o.Short, o.Prefecture, o.Beds, string(o.Facility), o.WardCheck, o.ID); err != nil {
			return err
		}
		if before.Short != o.Short { // the guard says whose domain it is
			if err := tx.Bump(ctx, "guard"); err != nil {
				return err
			}
		}
		return audit.Append(ctx, tx, "organisation.change", object("organisation", o.ID), audit.Change(tx, before.record(), o.record())...)
	})
}

// organisationRecord is what an audit record tells of an organisation.
type organisationRecord struct {
	Name       string   `audit:"name"`
	Short      string   `audit:"short"`
	Prefecture string   `audit:"prefecture"`
	Beds       int      `audit:"beds"`
	Facility   Facility `audit:"facility"`
	WardCheck  bool     `audit:"ward_check"`
}

func (o Organisation) record() organisationRecord {
	return organisationRecord{o.Name, o.Short, o.Prefecture, o.Beds, o.Facility, o.WardCheck}
}

// SetWardCheck lets the ward PCs of an institution check and report a mail
// without sign-in, or not. Its contact and operators may.
func SetWardCheck(ctx context.Context, db *store.DB, c caller.Caller, org int64, on bool) error {
	if err := permit.CheckFor(c, permit.InstitutionManage, org); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		o, err := organisation(ctx, tx, c, permit.InstitutionManage, org)
		if err != nil {
			return err
		}
		if o.Kind != caller.Institution {
			return fault.New(fault.Invalid, "member.ward_institution").At("ward_check")
		}
		if _, err := tx.Exec(ctx, `UPDATE organisation SET ward_check = $1 WHERE id = $2`, on, org); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "organisation.ward_check", object("organisation", org), "ward_check", audit.Delta{Before: o.WardCheck, After: on})
	})
}

// LeaveOrganisation ends a membership: at once nobody of the organisation gets
// in, its own domains leave the guard and it leaves its groups. What it told
// the others stays. Operators only; the ISAC does not leave.
func LeaveOrganisation(ctx context.Context, db *store.DB, c caller.Caller, org int64) error {
	if err := permit.Check(c, permit.RegisterManage); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if err := serialise(ctx, tx); err != nil {
			return err
		}
		o, err := organisation(ctx, tx, c, permit.RegisterManage, org)
		if err != nil {
			return err
		}
		if o.Kind == caller.ISAC {
			return fault.New(fault.Invalid, "member.isac_stays")
		}
		if !o.LeftAt.IsZero() {
			return fault.New(fault.Conflict, "member.organisation_left", "name", o.Short)
		}
		people, err := store.Numbers(ctx, tx, `SELECT id FROM account WHERE organisation_id = $1 AND left_at = 0 ORDER BY id`, org)
		if err != nil {
			return err
		}
		for _, id := range people {
			if err := end(ctx, tx, id, OrganisationLeft); err != nil {
				return err
			}
		}
		now := store.Micros(tx.Now)
		if _, err := tx.Exec(ctx, `UPDATE organisation SET left_at = $1 WHERE id = $2`, now, org); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE domain_request SET state = $1, decided_by = $2, decided_at = $3
			WHERE organisation_id = $4 AND state = 'waiting'`, string(Dropped), c.Account, now, org); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM sharing_group_member WHERE organisation_id = $1`, org); err != nil {
			return err
		}
		if err := tx.Bump(ctx, "sharing"); err != nil {
			return err
		}
		if err := rejudge(ctx, tx); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "organisation.leave", object("organisation", org), "accounts", len(people))
	})
}

// ReturnOrganisation makes an organisation that left a member again. Its
// people come back one by one, and no group takes it back by itself.
func ReturnOrganisation(ctx context.Context, db *store.DB, c caller.Caller, org int64) error {
	if err := permit.Check(c, permit.RegisterManage); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if err := serialise(ctx, tx); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE organisation SET left_at = 0 WHERE id = $1 AND left_at <> 0`, org)
		if err != nil {
			return err
		}
		if n == 0 {
			return notFound()
		}
		if err := rejudge(ctx, tx); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "organisation.return", object("organisation", org))
	})
}

const organisationColumns = `o.id, o.kind, o.name, o.short, o.prefecture, o.beds, o.facility, o.ward_check, o.left_at`

func (o *Organisation) into(left *int64) []any {
	return []any{&o.ID, &o.Kind, &o.Name, &o.Short, &o.Prefecture, &o.Beds, &o.Facility, &o.WardCheck, left}
}

// organisation loads one by id and by what the caller may do with it.
func organisation(ctx context.Context, q store.Queryer, c caller.Caller, p permit.Permission, id int64) (Organisation, error) {
	all, own := permit.Reach(c, p)
	var o Organisation
	var left int64
	err := q.QueryRow(ctx, `SELECT `+organisationColumns+` FROM organisation o WHERE o.id = $1 AND ($2 = 1 OR o.id = $3)`,
		id, all, own).Scan(o.into(&left)...)
	o.LeftAt = store.Time(left)
	return o, store.NotFound(err)
}

// FindOrganisation returns the caller's own organisation, or any for operators.
func FindOrganisation(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (Organisation, error) {
	return organisation(ctx, q, c, permit.InstitutionRead, id)
}

// byOrganisation is the order of the register: the ISAC, institutions, others.
const byOrganisation = `CASE o.kind WHEN 'isac' THEN 0 WHEN 'institution' THEN 1 ELSE 2 END, o.id`

// Organisations lists the register, the ISAC first, with those that left: what
// they told stays, and so does their name.
func Organisations(ctx context.Context, q store.Queryer) ([]Organisation, error) {
	rows, err := q.Query(ctx, `SELECT `+organisationColumns+` FROM organisation o ORDER BY `+byOrganisation)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Organisation
	for rows.Next() {
		var o Organisation
		var left int64
		if err := rows.Scan(o.into(&left)...); err != nil {
			return nil, err
		}
		o.LeftAt = store.Time(left)
		all = append(all, o)
	}
	return all, rows.Err()
}

// short bounds what a sentence repeats.
func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
