// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/search"
	"teiten/internal/store"
	"teiten/internal/technique"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

const columns = `a.id, a.position, a.category, a.notice_kind, a.tlp, a.group_id, COALESCE((SELECT g.name FROM sharing_group g WHERE g.id = a.group_id), ''), a.anonymous,
	a.state, a.organisation_id, o.short, o.kind, a.account_id, a.source, a.external_id, a.external_url, a.title, a.body, a.brand, a.products,
	a.observed_at, a.registered_at, a.published_at, a.changed_at, a.revision, a.reason`

const from = ` FROM advisory a JOIN organisation o ON o.id = a.organisation_id `

// visible is who may see an advisory: TLP and group, or own organisation, and before
// publication only its own organisation and the ISAC's reviewers. It takes
// three arguments from $n on, those of seesArgs.
func visible(n int) string {
	return store.Visible("a", n) + fmt.Sprintf(` AND (a.state IN ('published', 'corrected', 'withdrawn') OR a.organisation_id = $%d OR $%d = 1)`, n+1, n+2)
}

func seesArgs(c caller.Caller) []any {
	ceiling, org, review := sees(c)
	return []any{ceiling, org, review}
}

// sees is all by which callers differ in what advisories they may see.
func sees(c caller.Caller) (ceiling, org, review int64) {
	ceiling, org = store.Sees(c)
	if MayReview(c) {
		review = 1
	}
	return ceiling, org, review
}

type scanner interface{ Scan(...any) error }

// scan reads a row as the caller may know it.
func scan(row scanner, c caller.Caller) (*Advisory, error) {
	var a Advisory
	var cat, kind, state string
	var level, observed, registered, published, changed int64
	err := row.Scan(&a.ID, &a.Position, &cat, &kind, &level, &a.Group, &a.GroupName, &a.Anonymous, &state, &a.Org, &a.OrgName, &a.OrgKind, &a.Account,
		&a.Source, &a.ExternalID, &a.ExternalURL, &a.Title, &a.Body, &a.Brand, &a.Products,
		&observed, &registered, &published, &changed, &a.Revision, &a.Reason)
	if err != nil {
		return nil, store.NotFound(err)
	}
	a.Category, a.NoticeKind, a.State, a.TLP = category.Category(cat), category.NoticeKind(kind), State(state), tlp.Level(level)
	a.ObservedAt, a.RegisteredAt = store.Time(observed), store.Time(registered)
	a.PublishedAt, a.ChangedAt = store.Time(published), store.Time(changed)
	a.hide(c)
	return &a, nil
}

// load reads an advisory whole, by id and caller in one query.
func load(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (*Advisory, error) {
	a, err := head(ctx, q, c, id)
	if err != nil {
		return nil, err
	}
	return a, loadParts(ctx, q, c, a)
}

// head is load without techniques, indicators and links: whether the caller may
// see it, and whose it is.
func head(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (*Advisory, error) {
	return scan(q.QueryRow(ctx, `SELECT `+columns+from+`WHERE a.id = $1 AND `+visible(2), append([]any{id}, seesArgs(c)...)...), c)
}

func loadParts(ctx context.Context, q store.Queryer, c caller.Caller, a *Advisory) error {
	rows, err := q.Query(ctx, `SELECT technique_id FROM advisory_technique WHERE advisory_id = $1 ORDER BY technique_id`, a.ID)
	if err != nil {
		return err
	}
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			rows.Close()
			return err
		}
		a.Techniques = append(a.Techniques, t)
	}
	rows.Close()
	if err := rows.Err(); err != nil { // half of them would be stored as all
		return err
	}
	rows, err = q.Query(ctx, `SELECT kind, value, host, written FROM advisory_indicator WHERE advisory_id = $1 ORDER BY kind, value`, a.ID)
	if err != nil {
		return err
	}
	for rows.Next() {
		var v indicator.Value
		if err := rows.Scan(&v.Kind, &v.Value, &v.Host, &v.Written); err != nil {
			rows.Close()
			return err
		}
		a.Indicators = append(a.Indicators, v)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	rows, err = q.Query(ctx, `SELECT l.other_id, l.kind FROM advisory_link l JOIN advisory a ON a.id = l.other_id
		WHERE l.advisory_id = $1 AND `+visible(2)+` ORDER BY l.other_id`, append([]any{a.ID}, seesArgs(c)...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var other int64
		var kind string
		if err := rows.Scan(&other, &kind); err != nil {
			return err
		}
		if kind == "duplicate" {
			a.DuplicateOf = other
		} else {
			a.Related = append(a.Related, other)
		}
	}
	return rows.Err()
}

// place finds a free position for a time: lists are ordered by it, and the
// full-text index takes it as its row number.
func place(ctx context.Context, tx *store.Tx, a *Advisory) error {
	at := a.PublishedAt
	if at.IsZero() {
		at = a.RegisteredAt
	}
	free := func(position int64) (bool, error) {
		var taken int
		err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM advisory WHERE position = $1 AND id <> $2`, position, a.ID).Scan(&taken)
		return taken == 0, err
	}
	// Imports have many items of one second, which fill a block: leap out of it,
	// then halve the leap until just behind the block.
	taken, open := store.Micros(at)-1, store.Micros(at)
	for step := int64(1); ; step *= 2 {
		ok, err := free(open)
		if err != nil {
			return err
		}
		if ok {
			break
		}
		taken, open = open, open+step
	}
	for open-taken > 1 {
		middle := taken + (open-taken)/2
		ok, err := free(middle)
		if err != nil {
			return err
		}
		if ok {
			open = middle
		} else {
			taken = middle
		}
	}
	a.Position = open
	return nil
}

func insert(ctx context.Context, tx *store.Tx, a *Advisory) error {
	if a.ExternalID != "" {
		var n int
		// The names that anonymous information has are its organisation's own.
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM advisory WHERE external_id = $1
			AND (source = $2 AND NOT anonymous AND NOT $3 OR organisation_id = $4 AND (anonymous OR source = $5))`,
			a.ExternalID, a.Source, a.Anonymous, a.Org, a.Source).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fault.New(fault.Conflict, "advisory.external_known", "id", a.ExternalID)
		}
	}
	if err := place(ctx, tx, a); err != nil {
		return err
	}
	id, err := tx.Insert(ctx, `INSERT INTO advisory (position, category, notice_kind, tlp, group_id, anonymous, state, organisation_id, account_id,
			source, external_id, external_url, title, body, brand, products, observed_at, registered_at, published_at, changed_at, revision, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22) RETURNING id`,
		a.Position, string(a.Category), string(a.NoticeKind), int64(a.TLP), a.Group, a.Anonymous, string(a.State), a.Org, a.Account,
		a.storedSource(), a.ExternalID, a.ExternalURL, a.Title, a.Body, a.Brand, a.Products,
		store.Micros(a.ObservedAt), store.Micros(a.RegisteredAt), store.Micros(a.PublishedAt), store.Micros(a.ChangedAt), a.Revision, a.Reason)
	if err != nil {
		return fmt.Errorf("advisory: insert: %w", err)
	}
	tx.Changed(topic)
	a.ID = id
	return nil
}

func update(ctx context.Context, tx *store.Tx, a *Advisory) error {
	if err := place(ctx, tx, a); err != nil {
		return err
	}
	// The revision in the condition makes two changes at once impossible.
	n, err := tx.Exec(ctx, `UPDATE advisory SET position = $1, category = $2, notice_kind = $3, tlp = $4, state = $5, title = $6, body = $7,
			brand = $8, products = $9, observed_at = $10, published_at = $11, changed_at = $12, revision = $13, reason = $14,
			group_id = $15, anonymous = $16, source = $17
		WHERE id = $18 AND revision = $19`,
		a.Position, string(a.Category), string(a.NoticeKind), int64(a.TLP), string(a.State), a.Title, a.Body,
		a.Brand, a.Products, store.Micros(a.ObservedAt), store.Micros(a.PublishedAt), store.Micros(a.ChangedAt), a.Revision, a.Reason,
		a.Group, a.Anonymous, a.storedSource(), a.ID, a.Revision-1)
	if err != nil {
		return fmt.Errorf("advisory: update: %w", err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "advisory.changed_meanwhile")
	}
	tx.Changed(topic)
	return nil
}

// setParts stores techniques, indicators and links as they are now, and the
// text by which the advisory is found. Links to what the caller may not see
// stay: he could not know that he takes them away.
func setParts(ctx context.Context, tx *store.Tx, a *Advisory) error {
	for _, table := range []string{"advisory_technique", "advisory_indicator"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE advisory_id = $1`, a.ID); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM advisory_link WHERE advisory_id = $1 AND other_id IN (SELECT a.id FROM advisory a WHERE `+visible(2)+`)`,
		append([]any{a.ID}, seesArgs(tx.Caller)...)...); err != nil {
		return err
	}
	for _, t := range a.Techniques {
		if _, err := tx.Exec(ctx, `INSERT INTO advisory_technique (advisory_id, technique_id) VALUES ($1, $2)`, a.ID, t); err != nil {
			return err
		}
	}
	for _, v := range a.Indicators {
		key := tx.Key(string(v.Kind), v.Value)
		if _, err := tx.Exec(ctx, `INSERT INTO advisory_indicator (advisory_id, indicator_key, kind, value, host, written)
			VALUES ($1, $2, $3, $4, $5, $6)`, a.ID, key, string(v.Kind), v.Value, v.Host, v.Written); err != nil {
			return err
		}
	}
	link := func(other int64, kind string) error {
		// A link leads only to what its author may see.
		n, err := tx.Exec(ctx, `INSERT INTO advisory_link (advisory_id, other_id, kind)
			SELECT $1, a.id, $2 FROM advisory a WHERE a.id = $3 AND a.id <> $1 AND `+visible(4)+` ON CONFLICT DO NOTHING`,
			append([]any{a.ID, kind, other}, seesArgs(tx.Caller)...)...)
		if err == nil && n == 0 && kind == "duplicate" {
			return fault.New(fault.Invalid, "advisory.link", "id", strconv.FormatInt(other, 10)).At("duplicate_of")
		}
		return err
	}
	if a.DuplicateOf != 0 {
		if err := link(a.DuplicateOf, "duplicate"); err != nil {
			return err
		}
	}
	for _, other := range a.Related {
		if err := link(other, "related"); err != nil {
			return err
		}
	}
	known, err := Techniques(ctx, tx)
	if err != nil {
		return err
	}
	return search.Put(ctx, tx, a.ID, a.Position, a.text(known))
}

// text is everything by which an advisory should be found.
func (a *Advisory) text(known *technique.Vocabulary) string {
	parts := []string{a.Title, a.Body, a.Brand, a.Products, a.storedSource()}
	if !a.Anonymous {
		parts = append(parts, a.ExternalID)
	}
	for _, id := range a.Techniques {
		parts = append(parts, id)
		if t, ok := known.Get(id); ok {
			parts = append(parts, t.Name(locale.Japanese), t.Name(locale.English))
		}
	}
	for _, v := range a.Indicators {
		parts = append(parts, v.Value)
		if v.Written != v.Value {
			parts = append(parts, v.Written)
		}
	}
	return strings.Join(parts, "\n")
}

func keepRevision(ctx context.Context, tx *store.Tx, a *Advisory, reason string) error {
	content, err := json.Marshal(a.Content)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO advisory_revision (advisory_id, revision, at, account_id, actor, state, reason, content)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.ID, a.Revision, store.Micros(tx.Now), tx.Caller.Account, tx.Caller.Name, string(a.State), reason, string(content))
	if err != nil {
		return fmt.Errorf("advisory: revision: %w", err)
	}
	return nil
}

func checkTechniques(ctx context.Context, q store.Queryer, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	known, err := Techniques(ctx, q)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := checkText("techniques", id, maxWord); err != nil {
			return err
		}
		if _, ok := known.Get(id); !ok {
			return fault.New(fault.Invalid, "advisory.technique", "id", short(id)).At("techniques")
		}
	}
	return nil
}

// dirtySightings has the days counted anew on which an advisory was sighted, and
// the days given besides.
func dirtySightings(ctx context.Context, tx *store.Tx, id int64, days ...int64) error {
	seen, err := store.Numbers(ctx, tx, `SELECT at FROM sighting WHERE advisory_id = $1`, id)
	if err != nil {
		return err
	}
	for _, at := range seen {
		days = append(days, trend.Day(store.Time(at)))
	}
	return trend.MarkDirty(ctx, tx, trend.Sighting, days...)
}

// Meant is the predicate of the institutions o that may see the advisory a once
// it is published.
const Meant = `o.kind = 'institution' AND o.left_at = 0 AND (a.organisation_id = o.id OR a.tlp <= 3 AND (a.group_id = 0
	OR EXISTS (SELECT 1 FROM sharing_group_member m WHERE m.group_id = a.group_id AND m.organisation_id = o.id)))`

const (
	// What one's own institution says by hand.
	saySighting = `INSERT INTO sighting (advisory_id, organisation_id, account_id, at, retracted_at, anonymous, said_at) VALUES ($1, $2, $3, $4, 0, $5, $4)
		ON CONFLICT (advisory_id, organisation_id) DO UPDATE SET said_at = excluded.said_at, account_id = excluded.account_id, retracted_at = 0,
			anonymous = sighting.anonymous OR excluded.anonymous, at = CASE WHEN sighting.retracted_at = 0 THEN sighting.at ELSE excluded.at END
		WHERE sighting.said_at = 0`
	declineSighting = `UPDATE sighting SET retracted_at = $1, declined_at = $1, said_at = 0, reported_at = 0
		WHERE advisory_id = $2 AND organisation_id = $3 AND retracted_at = 0`

	// What its reports say: $4 is the first that counts, 0 for none. It is one
	// statement, so that a person who speaks at the same time is not overruled.
	reportSighting = `INSERT INTO sighting (advisory_id, organisation_id, account_id, at, retracted_at, reported_at) VALUES ($1, $2, 0, $4, 0, $4)
		ON CONFLICT (advisory_id, organisation_id) DO UPDATE SET reported_at = $4,
			at = CASE WHEN sighting.said_at <> 0 AND ($4 = 0 OR sighting.said_at < $4) THEN sighting.said_at WHEN $4 <> 0 THEN $4 ELSE sighting.at END,
			retracted_at = CASE WHEN sighting.said_at <> 0 OR $4 <> 0 THEN 0 ELSE CAST($3 AS BIGINT) END
		WHERE $4 = 0 OR sighting.declined_at < $4`
	readSighted = `SELECT organisation_id, at, said_at, reported_at FROM sighting
		WHERE advisory_id = $1 AND (organisation_id = $2 OR $2 = 0)`
	maySight = `SELECT o.id FROM organisation o JOIN advisory a ON a.id = $1
		WHERE a.state IN ('published', 'corrected') AND (o.id = $2 OR $2 = 0) AND ` + Meant
	selectAudience = `SELECT tlp, organisation_id, group_id FROM advisory WHERE id = $1`
)

// lastSeen is when an advisory was published or last sighted: from then on its
// indicators' validity counts.
func lastSeen(ctx context.Context, tx *store.Tx, a *Advisory) (time.Time, error) {
	var at int64
	err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(at), 0) FROM sighting WHERE advisory_id = $1 AND retracted_at = 0`, a.ID).Scan(&at)
	if seen := store.Time(at); err == nil && seen.After(a.PublishedAt) {
		return seen, nil
	}
	return a.PublishedAt, err
}

func object(id int64) string { return "advisory/" + strconv.FormatInt(id, 10) }

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func insertTechnique(ctx context.Context, tx *store.Tx, t technique.Technique) (int64, error) {
	tx.Changed(techniqueTopic)
	return tx.Exec(ctx, `INSERT INTO own_technique (id, attack, tactic, ja, en, about_ja, about_en)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`, t.ID, t.Attack, t.Tactic, t.Ja, t.En, t.AboutJa, t.AboutEn)
}

func ownTechniques(ctx context.Context, q store.Queryer) ([]technique.Technique, error) {
	rows, err := q.Query(ctx, `SELECT id, attack, tactic, ja, en, about_ja, about_en FROM own_technique ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var own []technique.Technique
	for rows.Next() {
		var t technique.Technique
		if err := rows.Scan(&t.ID, &t.Attack, &t.Tactic, &t.Ja, &t.En, &t.AboutJa, &t.AboutEn); err != nil {
			return nil, err
		}
		own = append(own, t)
	}
	return own, rows.Err()
}

func deleteTechnique(ctx context.Context, tx *store.Tx, id string) error {
	var used int
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM advisory_technique WHERE technique_id = $1`, id).Scan(&used); err != nil {
		return err
	}
	if used > 0 {
		return fault.New(fault.Conflict, "technique.used")
	}
	tx.Changed(techniqueTopic)
	n, err := tx.Exec(ctx, `DELETE FROM own_technique WHERE id = $1`, id)
	if err == nil && n == 0 {
		err = fault.New(fault.NotFound, "fault.not_found")
	}
	return err
}
