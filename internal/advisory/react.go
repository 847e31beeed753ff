// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"context"
	"strconv"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/disclose"
	"teiten/internal/fault"
	"teiten/internal/intel"
	"teiten/internal/store"
	"teiten/internal/trend"
)

// Sightings sums up who received an attack too. When so few did that their
// number is hidden, so are the days: a day on which something was known to
// happen would be a name. The ISAC's reviewers have everything.
type Sightings struct {
	Count       disclose.Shown
	First, Last time.Time // zero when Count is hidden
	Mine        bool      // the caller's institution is among them
	MineAt      time.Time
	Reported    bool      // that comes from its reports alone
	Orgs        []Sighter // only for the ISAC's reviewers
}

// Sighter is an institution that received an attack too.
type Sighter struct {
	Name      string
	Anonymous bool // its name is not to be passed on: it said so, or only reported
}

// See records that the caller's institution received the attack too. Saying it
// again changes nothing; what was retracted is said anew.
func See(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	return see(ctx, db, c, id, false)
}

// SeeAnonymously is See by an institution whose name the ISAC passes on to
// nobody.
func SeeAnonymously(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	return see(ctx, db, c, id, true)
}

func see(ctx context.Context, db *store.DB, c caller.Caller, id int64, anonymous bool) error {
	if !MaySight(c) {
		return fault.New(fault.Forbidden, "advisory.sighting_who")
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		a, err := load(ctx, tx, c, id)
		if err != nil {
			return err
		}
		if a.State != Published && a.State != Corrected {
			return fault.New(fault.Conflict, "advisory.state_now", "state", a.State)
		}
		n, err := tx.Exec(ctx, saySighting, id, c.Org, c.Account, store.Micros(tx.Now), anonymous)
		if err != nil {
			return err
		}
		if n == 0 {
			return audit.Append(ctx, tx, "sighting.add", object(id), "known", true)
		}
		to := a.audience()
		if to.Org, err = owner(ctx, tx, id); err != nil {
			return err
		}
		if err := intel.Renew(ctx, tx, to, a.Indicators, tx.Now); err != nil {
			return err
		}
		if err := dirtySightings(ctx, tx, id); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "sighting.add", object(id), "anonymous", anonymous)
	})
}

// Unsee retracts a sighting of the caller's institution, whether a person or a
// report said it: reports until now do not count any more.
func Unsee(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	if !MaySight(c) {
		return fault.New(fault.Forbidden, "advisory.sighting_who")
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if _, err := load(ctx, tx, c, id); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, declineSighting, store.Micros(tx.Now), id, c.Org)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "advisory.sighting_none")
		}
		if err := dirtySightings(ctx, tx, id); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "sighting.retract", object(id))
	})
}

// ReadSightings sums up the sightings of advisories that the caller may see.
func ReadSightings(ctx context.Context, q store.Queryer, c caller.Caller, ids ...int64) (map[int64]*Sightings, error) {
	all := make(map[int64]*Sightings, len(ids))
	for _, id := range ids {
		all[id] = &Sightings{}
	}
	if len(ids) == 0 {
		return all, nil
	}
	args := seesArgs(c)
	list := make([]string, len(ids))
	for i, id := range ids {
		args = append(args, id)
		list[i] = "$" + strconv.Itoa(len(args))
	}
	rows, err := q.Query(ctx, `SELECT s.advisory_id, s.organisation_id, o.short, s.at, s.anonymous, s.said_at = 0 AND s.reported_at <> 0 FROM sighting s
		JOIN advisory a ON a.id = s.advisory_id JOIN organisation o ON o.id = s.organisation_id
		WHERE s.retracted_at = 0 AND `+visible(1)+` AND a.id IN (`+strings.Join(list, ", ")+`) ORDER BY s.at`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, org, at int64
		var by Sighter
		var reported bool
		if err := rows.Scan(&id, &org, &by.Name, &at, &by.Anonymous, &reported); err != nil {
			return nil, err
		}
		by.Anonymous = by.Anonymous || reported
		s, when := all[id], store.Time(at)
		s.Count.N++
		if s.First.IsZero() {
			s.First = when
		}
		s.Last = when
		if org == c.Org {
			s.Mine, s.MineAt, s.Reported = true, when, reported
		}
		if MayReview(c) {
			s.Orgs = append(s.Orgs, by)
		}
	}
	if !MayReview(c) {
		for _, s := range all {
			s.hide()
		}
	}
	return all, rows.Err()
}

// hide leaves of the sightings what members may know.
func (s *Sightings) hide() {
	if s.Count = disclose.Count(disclose.Sightings, s.Count.N); s.Count.Hidden() {
		s.First, s.Last = time.Time{}, time.Time{}
	}
}

// Comment is a remark of a member.
type Comment struct {
	ID      int64
	Org     int64
	OrgName string
	Account int64
	Actor   string
	At      time.Time
	Body    string
	// Removed is when a reviewer took it away, zero for what stands. Only its
	// author and the reviewers still get it, and only they may know.
	Removed time.Time
}

const maxComment = 2000

// AddComment adds a remark and returns its id.
func AddComment(ctx context.Context, db *store.DB, c caller.Caller, id int64, body string) (comment int64, err error) {
	if !MayComment(c) {
		return 0, fault.New(fault.Forbidden, "fault.forbidden")
	}
	body = strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n"))
	if body == "" {
		return 0, fault.New(fault.Invalid, "advisory.comment_empty").At("body")
	}
	if err := checkText("body", body, maxComment); err != nil {
		return 0, err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		if _, err := load(ctx, tx, c, id); err != nil {
			return err
		}
		comment, err = tx.Insert(ctx, `INSERT INTO comment (advisory_id, organisation_id, account_id, actor, at, body, removed_at)
			VALUES ($1, $2, $3, $4, $5, $6, 0) RETURNING id`, id, c.Org, c.Account, c.Name, store.Micros(tx.Now), body)
		if err != nil {
			return err
		}
		return audit.Append(ctx, tx, "comment.add", object(id), "comment", comment)
	})
	return comment, err
}

// RemoveComment hides a remark: one's own, or any for reviewers. restore brings
// it back. What a reviewer has taken away from somebody else stays away until a
// reviewer brings it back; its author gets advisory.comment_moderated
// (Forbidden).
func RemoveComment(ctx context.Context, db *store.DB, c caller.Caller, id, comment int64, restore bool) error {
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if _, err := load(ctx, tx, c, id); err != nil {
			return err
		}
		removed, remover, action := store.Micros(tx.Now), c.Account, "comment.remove"
		if restore {
			removed, remover, action = 0, 0, "comment.restore"
		}
		review := MayReview(c)
		n, err := tx.Exec(ctx, `UPDATE comment SET removed_at = $1, removed_by = $2
			WHERE id = $3 AND advisory_id = $4 AND ($6 OR account_id = $5 AND (removed_at = 0 OR removed_by = $5))`,
			removed, remover, comment, id, c.Account, review)
		if err != nil {
			return err
		}
		if n == 0 {
			var moderated bool
			err := tx.QueryRow(ctx, `SELECT removed_at <> 0 FROM comment WHERE id = $1 AND advisory_id = $2 AND account_id = $3`,
				comment, id, c.Account).Scan(&moderated)
			if err == nil && moderated {
				return fault.New(fault.Forbidden, "advisory.comment_moderated")
			}
			return store.NotFound(err)
		}
		return audit.Append(ctx, tx, action, object(id), "comment", comment)
	})
}

// Comments returns the remarks on an advisory, the oldest first. What its
// organisation and the reviewers said to each other before publication stays
// between them. What a reviewer has taken away is among them, marked so, for its
// author and for reviewers.
func Comments(ctx context.Context, q store.Queryer, c caller.Caller, id int64) ([]Comment, error) {
	rows, err := q.Query(ctx, `SELECT m.id, m.organisation_id, o.short, m.account_id, m.actor, m.at, m.body, m.removed_at, a.organisation_id, a.anonymous
		FROM comment m JOIN advisory a ON a.id = m.advisory_id JOIN organisation o ON o.id = m.organisation_id
		WHERE m.advisory_id = $1 AND `+visible(2)+`
		AND (m.removed_at = 0 OR m.removed_by <> 0 AND m.removed_by <> m.account_id AND ($4 = 1 OR m.account_id = $5))
		AND (m.at >= a.published_at AND a.published_at > 0 OR a.organisation_id = $3 OR $4 = 1) ORDER BY m.at, m.id`, append(append([]any{id}, seesArgs(c)...), c.Account)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Comment
	for rows.Next() {
		var m Comment
		var at, removed, owner int64
		var anonymous bool
		if err := rows.Scan(&m.ID, &m.Org, &m.OrgName, &m.Account, &m.Actor, &at, &m.Body, &removed, &owner, &anonymous); err != nil {
			return nil, err
		}
		m.At, m.Removed = store.Time(at), store.Time(removed)
		m.hide(c, owner, anonymous)
		all = append(all, m)
	}
	return all, rows.Err()
}

// Opinions count the answers to "did this help you decide?".
type Opinions struct {
	Helped, NotHelped int
	Mine              *bool
}

// SearchSubject is the subject of opinions on searches.
const SearchSubject = "search"

// Decide records the caller's answer about an advisory, or about his searches
// of today when id is 0. The last answer counts.
func Decide(ctx context.Context, db *store.DB, c caller.Caller, id int64, helped bool) error {
	if !MayDecide(c) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		subject, day := SearchSubject, trend.Day(tx.Now)
		if id != 0 {
			if _, err := load(ctx, tx, c, id); err != nil {
				return err
			}
			subject, day = object(id), 0
		}
		if _, err := tx.Exec(ctx, `INSERT INTO opinion (subject, account_id, organisation_id, day, at, helped)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (subject, account_id, day) DO UPDATE SET at = excluded.at, helped = excluded.helped`,
			subject, c.Account, c.Org, day, store.Micros(tx.Now), helped); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "opinion.set", subject, "helped", helped)
	})
}

// ReadOpinions counts the answers about an advisory, or about searches when id
// is 0.
func ReadOpinions(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (o Opinions, err error) {
	subject, day := SearchSubject, trend.Day(time.Now())
	if id != 0 {
		if _, err := head(ctx, q, c, id); err != nil {
			return o, err
		}
		subject, day = object(id), 0
	}
	rows, err := q.Query(ctx, `SELECT helped, COUNT(*), SUM(CASE WHEN account_id = $2 AND day = $3 THEN 1 ELSE 0 END)
		FROM opinion WHERE subject = $1 GROUP BY helped`, subject, c.Account, day)
	if err != nil {
		return o, err
	}
	defer rows.Close()
	for rows.Next() {
		var helped bool
		var n, mine int
		if err := rows.Scan(&helped, &n, &mine); err != nil {
			return o, err
		}
		if helped {
			o.Helped = n
		} else {
			o.NotHelped = n
		}
		if mine > 0 {
			o.Mine = &helped
		}
	}
	return o, rows.Err()
}
