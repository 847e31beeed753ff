// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/search"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

// Get returns an advisory that the caller may see.
func Get(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (*Advisory, error) {
	return load(ctx, q, c, id)
}

// Filter narrows a list. The zero Filter is everything that is public.
type Filter struct {
	Text       string // words, all of which must occur
	Category   category.Category
	NoticeKind category.NoticeKind
	Technique  string
	Source     string
	Brand      string
	TLP        *tlp.Level
	Group      int64     // only what is shared with this group; 0 for all that the caller may see
	States     []State   // nil: published, corrected and withdrawn
	From, To   time.Time // of publication, or of registration before it; To is excluded
	Org        int64     // registered by this organisation
	Concerns   int64     // matched an interest of this organisation: the caller's own
	Indicator  *indicator.Value
	Before     int64 // position: the page after the row that had it
	Limit      int   // 1 to 1,000; 0 means 20
}

// Page is a part of a list, the newest first.
type Page struct {
	Items []*Advisory
	Next  int64 // Before of the next page; 0 when this is the last
}

// List returns a page of the advisories that the caller may see. Techniques,
// indicators and links are not loaded.
func List(ctx context.Context, q store.Queryer, c caller.Caller, f Filter) (Page, error) {
	if f.Limit == 0 {
		f.Limit = 20
	}
	if f.Limit < 1 || f.Limit > 1000 {
		return Page{}, fault.New(fault.Invalid, "fault.limit", "most", 1000)
	}
	if f.Text != "" && search.Sorts(q.Engine()) {
		// Of a frequent word the newest texts have a pageful; else the rare word's
		// few texts are quick to sort.
		if p, err := f.page(ctx, q, c, searchNear); err != nil || p.Next != 0 {
			return p, err
		}
	}
	return f.page(ctx, q, c, 0)
}

// searchNear is among how many of the newest texts words are searched for
// before they are in all texts, on an engine whose index sorts what it finds.
const searchNear = 400

// page reads a page of a list, among the newest texts only if near is not 0.
func (f Filter) page(ctx context.Context, q store.Queryer, c caller.Caller, near int) (Page, error) {
	query, args, err := f.sql(q, c, near)
	if err != nil {
		return Page{}, err
	}
	rows, err := q.Query(ctx, `SELECT `+columns+from+query+fmt.Sprintf(` LIMIT %d`, f.Limit+1), args...)
	if err != nil {
		return Page{}, fmt.Errorf("advisory: list: %w", err)
	}
	defer rows.Close()
	var p Page
	for rows.Next() {
		a, err := scan(rows, c)
		if err != nil {
			return Page{}, err
		}
		p.Items = append(p.Items, a)
	}
	if len(p.Items) > f.Limit {
		p.Items = p.Items[:f.Limit]
		p.Next = p.Items[f.Limit-1].Position
	}
	return p, rows.Err()
}

// sql returns everything behind the FROM of the SELECT. If near is not 0,
// words are searched for among that many of the newest texts only.
func (f Filter) sql(q store.Queryer, c caller.Caller, near int) (string, []any, error) {
	args := seesArgs(c)
	where := []string{visible(1)}
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	joins := ""
	order := "a.position"
	for _, s := range []string{string(f.Category), string(f.NoticeKind), f.Technique, f.Source, f.Brand} {
		if err := checkText("", s, maxBody); err != nil {
			return "", nil, err
		}
	}
	words, err := search.Words(f.Text)
	if err != nil {
		return "", nil, err
	}
	if len(words) > 0 {
		clause := search.Match(q.Engine(), words, len(args)+1)
		if near > 0 {
			clause = search.Near(q.Engine(), words, len(args)+1, f.Before, near)
		}
		joins += clause.Join + " "
		where = append(where, clause.Where...)
		args = append(args, clause.Args...)
		order = clause.Order
	}
	for _, eq := range []struct{ column, value string }{
		{"a.category", string(f.Category)}, {"a.notice_kind", string(f.NoticeKind)}, {"a.source", f.Source}, {"a.brand", f.Brand},
	} {
		if eq.value != "" {
			where = append(where, eq.column+" = "+arg(eq.value))
		}
	}
	if f.Technique != "" {
		where = append(where, `EXISTS (SELECT 1 FROM advisory_technique t WHERE t.advisory_id = a.id AND t.technique_id = `+arg(f.Technique)+`)`)
	}
	if f.TLP != nil {
		where = append(where, "a.tlp = "+arg(int64(*f.TLP)))
	}
	if f.Group != 0 {
		where = append(where, "a.group_id = "+arg(f.Group))
	}
	inStates, err := f.states(arg)
	if err != nil {
		return "", nil, err
	}
	where = append(where, inStates)
	if !f.From.IsZero() {
		where = append(where, order+" >= "+arg(store.Micros(f.From)))
	}
	if !f.To.IsZero() {
		where = append(where, order+" < "+arg(store.Micros(f.To)))
	}
	if f.Before != 0 {
		where = append(where, order+" < "+arg(f.Before))
	}
	if f.Org != 0 {
		where = append(where, "a.organisation_id = "+arg(f.Org))
		if !insider(c, f.Org) { // the list would say whose it is
			where = append(where, "NOT a.anonymous")
		}
	}
	if f.Concerns != 0 {
		if f.Concerns != c.Org {
			return "", nil, fault.New(fault.Forbidden, "fault.forbidden")
		}
		where = append(where, `EXISTS (SELECT 1 FROM concern n WHERE n.advisory_id = a.id AND n.organisation_id = `+arg(f.Concerns)+`)`)
	}
	if f.Indicator != nil {
		key, k, v := arg(q.Key(string(f.Indicator.Kind), f.Indicator.Value)), arg(string(f.Indicator.Kind)), arg(f.Indicator.Value)
		where = append(where, `a.id IN (SELECT i.advisory_id FROM advisory_indicator i WHERE i.indicator_key = `+key+` AND i.kind = `+k+` AND i.value = `+v+`)`)
	}
	return joins + "WHERE " + strings.Join(where, " AND ") + " ORDER BY " + order + " DESC", args, nil
}

// states is the condition on the state. Nearly all advisories are published:
// an engine that went by the index of states would sort them all for one page,
// so that index is offered only to those who ask for the others.
func (f Filter) states(arg func(any) string) (string, error) {
	states, in := f.States, " IN ("
	if len(states) == 0 {
		states = []State{Published, Corrected, Withdrawn}
	}
	for _, s := range states {
		if !slices.Contains(States, s) {
			return "", fault.New(fault.Invalid, "advisory.state", "state", short(string(s)))
		}
	}
	if slices.Contains(states, Published) {
		var others []State
		for _, s := range States {
			if !slices.Contains(states, s) {
				others = append(others, s)
			}
		}
		if len(others) == 0 {
			return "TRUE", nil
		}
		states, in = others, " NOT IN ("
	}
	list := make([]string, len(states))
	for i, s := range states {
		list[i] = arg(string(s))
	}
	return "a.state" + in + strings.Join(list, ", ") + ")", nil
}

// Count returns how many advisories a filter finds, at most most.
func Count(ctx context.Context, q store.Queryer, c caller.Caller, f Filter, most int) (n int, err error) {
	f.Before = 0
	if f.Text != "" && search.Sorts(q.Engine()) {
		if n, err = f.count(ctx, q, c, most, 2*most); err != nil || n == most {
			return n, err
		}
	}
	return f.count(ctx, q, c, most, 0)
}

func (f Filter) count(ctx context.Context, q store.Queryer, c caller.Caller, most, near int) (n int, err error) {
	query, args, err := f.sql(q, c, near)
	if err != nil {
		return 0, err
	}
	err = q.QueryRow(ctx, fmt.Sprintf(`SELECT COUNT(*) FROM (SELECT 1 FROM advisory a %s LIMIT %d) AS found`, query, most), args...).Scan(&n)
	return n, err
}

// Facets are the sources, brands and groups that lists can be narrowed by.
type Facets struct {
	Sources, Brands []string
	Groups          []Group
}

// What a [store.Memo] of advisories goes by.
const (
	topic          = "advisory"
	techniqueTopic = "technique"
	sharingTopic   = "sharing" // which package member bumps
)

// FacetMemo remembers the facets of callers who may see the same.
type FacetMemo struct{ memo *store.Memo[[3]int64, Facets] }

// NewFacetMemo returns an empty one.
func NewFacetMemo(db *store.DB) FacetMemo {
	return FacetMemo{store.NewMemo[[3]int64, Facets](db, topic, sharingTopic)}
}

// Read is [ReadFacets], remembered. Nobody may change what it returns.
func (m FacetMemo) Read(ctx context.Context, q store.Queryer, c caller.Caller) (Facets, error) {
	ceiling, org, review := sees(c)
	return m.memo.Get([3]int64{ceiling, org, review}, func() (Facets, error) { return ReadFacets(ctx, q, c) })
}

// ReadFacets returns the sources and brands of what the caller may see, the
// most frequent first, and the caller's groups.
func ReadFacets(ctx context.Context, q store.Queryer, c caller.Caller) (f Facets, err error) {
	read := func(column string) ([]string, error) {
		rows, err := q.Query(ctx, `SELECT a.`+column+` FROM advisory a WHERE a.`+column+` <> '' AND `+visible(1)+`
			GROUP BY a.`+column+` ORDER BY COUNT(*) DESC, a.`+column+` LIMIT 200`, seesArgs(c)...)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		var all []string
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return nil, err
			}
			all = append(all, s)
		}
		return all, rows.Err()
	}
	if f.Sources, err = read("source"); err != nil {
		return f, err
	}
	if f.Brands, err = read("brand"); err != nil {
		return f, err
	}
	f.Groups, err = Groups(ctx, q, c)
	return f, err
}

// Links returns the linked advisories of id that the caller may see, in both
// directions.
func Links(ctx context.Context, q store.Queryer, c caller.Caller, id int64) ([]*Advisory, error) {
	args := append([]any{id}, seesArgs(c)...)
	rows, err := q.Query(ctx, `SELECT `+columns+from+`WHERE a.id <> $1 AND a.id IN
		(SELECT other_id FROM advisory_link WHERE advisory_id = $1 UNION SELECT advisory_id FROM advisory_link WHERE other_id = $1)
		AND `+visible(2)+` ORDER BY a.position DESC LIMIT 100`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*Advisory
	for rows.Next() {
		a, err := scan(rows, c)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// Revision is one kept state of an advisory.
type Revision struct {
	Number  int64
	At      time.Time
	Actor   string
	State   State
	Reason  string
	Content // without links, which [Links] shows to those who may see their ends
}

// Revisions returns the history of an advisory, the oldest first. Members see
// what was public; its own organisation and reviewers see the drafts too.
func Revisions(ctx context.Context, q store.Queryer, c caller.Caller, id int64) ([]Revision, error) {
	a, err := head(ctx, q, c, id)
	if err != nil {
		return nil, err
	}
	groups, err := readers(ctx, q, c.Org)
	if err != nil {
		return nil, err
	}
	names := map[int64]string{}
	rows, err := q.Query(ctx, `SELECT revision, at, actor, state, reason, content FROM advisory_revision
		WHERE advisory_id = $1 ORDER BY revision`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Revision
	for rows.Next() {
		var r Revision
		var at int64
		var content string
		if err := rows.Scan(&r.Number, &at, &r.Actor, &r.State, &r.Reason, &content); err != nil {
			return nil, err
		}
		r.At = store.Time(at)
		if err := json.Unmarshal([]byte(content), &r.Content); err != nil {
			return nil, fmt.Errorf("advisory %d: revision %d: %w", id, r.Number, err)
		}
		r.Related, r.DuplicateOf = nil, 0
		if !insider(c, a.Org) {
			if !r.State.Public() || !seesRevision(c, groups, r.Content) {
				continue
			}
			r.Actor = "" // who at the ISAC or the source did it is theirs to know
		}
		names[r.Group] = ""
		all = append(all, r)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return all, nameGroups(ctx, q, names, all)
}

// nameGroups fills in how the groups of revisions are called.
func nameGroups(ctx context.Context, q store.Queryer, names map[int64]string, all []Revision) error {
	for id := range names {
		if id == 0 {
			continue
		}
		var name string
		if err := q.QueryRow(ctx, `SELECT name FROM sharing_group WHERE id = $1`, id).Scan(&name); err != nil {
			return fmt.Errorf("advisory: group %d: %w", id, err)
		}
		names[id] = name
	}
	for i := range all {
		all[i].GroupName = names[all[i].Group]
	}
	return nil
}
