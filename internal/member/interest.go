// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"
	"strings"
	"unicode/utf8"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/fold"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// InterestKind is how an interest is written.
type InterestKind string

const (
	Vendor  InterestKind = "vendor"
	Product InterestKind = "product"
	CPE     InterestKind = "cpe"
)

// Interest is a vendor or product that an institution uses.
type Interest struct {
	ID    int64
	Org   int64
	Kind  InterestKind
	Value string
}

// Words returns the folded words by which a text concerns the interest: the
// value itself, or the vendor and product of a CPE 2.3 name (NISTIR 7695),
// both of which must occur.
func (i Interest) Words() []string {
	if i.Kind != CPE {
		return []string{fold.Text(i.Value)}
	}
	parts := strings.Split(strings.ReplaceAll(i.Value, `\:`, "\x00"), ":") // "\:" is a colon within a part
	var words []string
	for _, at := range []int{3, 4} { // cpe:2.3:part:vendor:product:…
		if at < len(parts) && parts[at] != "*" && parts[at] != "-" {
			words = append(words, fold.Text(cpePart.Replace(parts[at])))
		}
	}
	return words
}

var cpePart = strings.NewReplacer("\x00", ":", `\`, "", "_", " ")

// AddInterest adds what an institution uses; adding it again changes nothing.
func AddInterest(ctx context.Context, db *store.DB, c caller.Caller, i Interest) error {
	if err := permit.CheckFor(c, permit.InstitutionManage, i.Org); err != nil {
		return err
	}
	i.Value = strings.TrimSpace(i.Value)
	switch i.Kind {
	case Vendor, Product:
		if utf8.RuneCountInString(fold.Text(i.Value)) < 2 {
			return fault.New(fault.Invalid, "member.interest_short").At("value")
		}
	case CPE:
		if !strings.HasPrefix(i.Value, "cpe:2.3:") || len(i.Words()) == 0 {
			return fault.New(fault.Invalid, "member.interest_cpe").At("value")
		}
	default:
		return fault.New(fault.Invalid, "member.interest_kind", "value", string(i.Kind)).At("kind")
	}
	if err := checkName(i.Value, "value"); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM interest WHERE organisation_id = $1`, i.Org).Scan(&n); err != nil {
			return err
		}
		if n >= maxInterests {
			return fault.New(fault.TooLarge, "member.interest_many", "most", maxInterests)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO interest (organisation_id, kind, value, folded, created_at)
			VALUES ($1, $2, $3, $4, $5) ON CONFLICT (organisation_id, kind, folded) DO NOTHING`,
			i.Org, string(i.Kind), i.Value, fold.Text(i.Value), store.Micros(tx.Now)); err != nil {
			return err
		}
		if err := rematch(ctx, tx, i.Org); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "interest.add", object("organisation", i.Org), "kind", string(i.Kind), "value", i.Value)
	})
}

// RemoveInterest takes one off the list.
func RemoveInterest(ctx context.Context, db *store.DB, c caller.Caller, org, id int64) error {
	if err := permit.CheckFor(c, permit.InstitutionManage, org); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		var value string
		err := tx.QueryRow(ctx, `DELETE FROM interest WHERE id = $1 AND organisation_id = $2 RETURNING value`, id, org).Scan(&value)
		if err != nil {
			return store.NotFound(err)
		}
		if err := rematch(ctx, tx, org); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "interest.remove", object("organisation", org), "value", value)
	})
}

// Interests lists what an organisation uses. Others may not see it: it tells
// an attacker where to aim.
func Interests(ctx context.Context, q store.Queryer, c caller.Caller, org int64) ([]Interest, error) {
	if err := permit.CheckFor(c, permit.InterestRead, org); err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, `SELECT id, kind, value FROM interest WHERE organisation_id = $1 ORDER BY kind, folded`, org)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Interest
	for rows.Next() {
		i := Interest{Org: org}
		if err := rows.Scan(&i.ID, &i.Kind, &i.Value); err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, rows.Err()
}
