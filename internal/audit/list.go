// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// Filter narrows the trail. The zero Filter is all of it.
type Filter struct {
	From, To time.Time // from the one, to before the other
	Action   string    // advisory.publish
	Object   string    // advisory/12, or a noun: advisory
	Person   int64     // an account
	Mark     string    // as Personal gives it: records with it in their detail
	Before   int64     // records with a smaller id
}

const mostRecords = 1000

var (
	actionForm = regexp.MustCompile(`^[a-z][a-z_]{0,39}(\.[a-z_]{1,40})?$`)
	objectForm = regexp.MustCompile(`^[a-z][a-z_]{0,39}(/[A-Za-z0-9._:*-]{1,80})?$`)
	markForm   = regexp.MustCompile(`^h:[0-9a-f]{32}$`)
)

// check refuses what no record can match. What passes holds no text that
// somebody typed freely, so that it can be written down.
func (f *Filter) check() error {
	switch {
	case f.Action != "" && !actionForm.MatchString(f.Action):
		return fault.New(fault.Invalid, "audit.action").At("action")
	case f.Object != "" && !objectForm.MatchString(f.Object):
		return fault.New(fault.Invalid, "audit.object").At("object")
	case f.Mark != "" && !markForm.MatchString(f.Mark):
		return fault.New(fault.Invalid, "audit.mark").At("mark")
	case f.Person < 0:
		return fault.New(fault.Invalid, "audit.person").At("person")
	case !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To):
		return fault.New(fault.Invalid, "audit.days").At("to")
	}
	return nil
}

// pairs is the filter as the record of a reading tells it.
func (f *Filter) pairs() []any {
	var all []any
	put := func(name, value string) {
		if value != "" {
			all = append(all, name, value)
		}
	}
	when := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	put("from", when(f.From))
	put("to", when(f.To))
	put("of_action", f.Action)
	put("of_object", f.Object)
	put("of_mark", f.Mark)
	for name, n := range map[string]int64{"of_account": f.Person, "before": f.Before} {
		if n != 0 {
			put(name, strconv.FormatInt(n, 10))
		}
	}
	return all
}

// where returns the condition and its arguments. Whoever reads the records of
// her own organisation only is bound to it here, and nowhere else.
func (f *Filter) where(c caller.Caller) (string, []any, error) {
	if err := f.check(); err != nil {
		return "", nil, err
	}
	var all []string
	var args []any
	and := func(condition string, value any) {
		args = append(args, value)
		all = append(all, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args))))
	}
	if permit.May(c, permit.AuditRead) != permit.All {
		if err := permit.CheckFor(c, permit.AuditOwnRead, c.Org); err != nil {
			return "", nil, err
		}
		and("a.organisation_id = ?", c.Org)
	}
	if !f.From.IsZero() {
		and("a.at >= ?", store.Micros(f.From))
	}
	if !f.To.IsZero() {
		and("a.at < ?", store.Micros(f.To))
	}
	if f.Action != "" {
		and("a.action = ?", f.Action)
	}
	if noun, _, one := strings.Cut(f.Object, "/"); one {
		and("a.object = ?", f.Object)
	} else if noun != "" {
		and(`a.object LIKE ? ESCAPE '\'`, strings.ReplaceAll(noun, "_", `\_`)+"/%")
	}
	if f.Person != 0 {
		and("a.account_id = ?", f.Person)
	}
	if f.Mark != "" {
		and("a.detail LIKE ?", "%\""+f.Mark+"\"%")
	}
	if f.Before > 0 {
		and("a.id < ?", f.Before)
	}
	if len(all) == 0 {
		return "", nil, nil
	}
	return " WHERE " + strings.Join(all, " AND "), args, nil
}

// List returns the newest records, those before the given id if it is not 0, and
// leaves no trace: it is for the program itself and for tests. Whatever people
// are shown comes from Read. Only operators of the ISAC may use it.
func List(ctx context.Context, q store.Queryer, c caller.Caller, before int64, limit int) ([]Record, error) {
	if err := permit.Check(c, permit.AuditRead); err != nil {
		return nil, err
	}
	return list(ctx, q, c, Filter{Before: before}, limit)
}

// Read returns the newest records that match, 1,000 at most, and records that
// they were read, and which. Operators of the ISAC read everything; a security
// contact reads what was done in the name of her own organisation.
func Read(ctx context.Context, db *store.DB, c caller.Caller, f Filter, limit int) ([]Record, error) {
	all, err := list(ctx, db, c, f, limit)
	if err != nil {
		return nil, err
	}
	return all, db.Write(ctx, c, func(tx *store.Tx) error {
		return Append(ctx, tx, "audit.read", "audit/records", append(f.pairs(), "records", len(all))...)
	})
}

func list(ctx context.Context, q store.Queryer, c caller.Caller, f Filter, limit int) ([]Record, error) {
	where, args, err := f.where(c)
	if err != nil {
		return nil, err
	}
	if limit < 1 || limit > mostRecords {
		return nil, fault.New(fault.Invalid, "fault.limit", "most", mostRecords)
	}
	args = append(args, limit)
	rows, err := q.Query(ctx, `SELECT l.position, `+rowColumns+` FROM audit a LEFT JOIN audit_leaf l ON l.audit_id = a.id`+where+
		` ORDER BY a.id DESC LIMIT $`+strconv.Itoa(len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("audit: list: %w", err)
	}
	defer rows.Close()
	var all []Record
	for rows.Next() {
		var r row
		var position sql.NullInt64
		if err := rows.Scan(append([]any{&position}, r.fields()...)...); err != nil {
			return nil, fmt.Errorf("audit: list: %w", err)
		}
		rec, err := r.record(position)
		if err != nil {
			return nil, err
		}
		all = append(all, rec)
	}
	return all, rows.Err()
}
