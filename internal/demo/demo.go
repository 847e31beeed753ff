// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package demo fills a store with a portal that has lived for a year: a
// fictitious ISAC, twelve fictitious hospitals of different size, and what
// they told each other. Everything but the public-domain data of CISA in
// data/public is made up; its names and addresses are those reserved for
// documentation (RFC 2606, RFC 5737, RFC 3849).
package demo

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/member"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

//go:embed data
var data embed.FS

type person struct {
	Key, Name, Title string
	Role             caller.Role
}

type organisation struct {
	Key, Name, Short, Prefecture string
	Kind                         caller.OrgKind
	Beds                         int
	Domains                      []string
	Interests                    []struct {
		Kind  member.InterestKind
		Value string
	}
	People []person
}

type item struct {
	Key        string
	Category   category.Category
	NoticeKind category.NoticeKind `json:"notice_kind"`
	Techniques []string
	TLP        tlp.Level
	Group      string // key of a sharing group; "" for all
	Anonymous  bool
	Reporter   string
	Title      string
	Body       string
	Day        int
	Time       string
	Publish    int `json:"publish_after_minutes"`
	Brand      string
	Products   []string
	Indicators []string
	Sightings  []struct {
		Org   string
		After int `json:"after_minutes"`
	}
	Comments []struct {
		By    string
		After int `json:"after_minutes"`
		Text  string
	}
	Related     []string
	DuplicateOf string `json:"duplicate_of"`
	State       advisory.State
	Reason      string
	Correction  *struct{ Title, Body string }
	Helped      int
	NotHelped   int `json:"not_helped"`

	registered time.Time
}

// group is a sharing group.
type group struct {
	Key, Name, Purpose string
	Members            []string // keys of organisations; the ISAC is always one
}

// loader remembers what the keys of the sample data became.
type loader struct {
	db       *store.DB
	guards   *intel.Guards
	now      time.Time
	operator caller.Caller
	analysts []caller.Caller
	people   map[string]caller.Caller
	groups   map[string]int64
	members  map[int64][]int64 // organisations of each group
	order    []string          // keys of people, for opinions
	ids      map[string]int64
}

// Load fills an empty store as if now were the present. Background jobs that
// follow from it (counts, concerns) are left for the workers.
func Load(ctx context.Context, db *store.DB, guards *intel.Guards, now time.Time) error {
	l := &loader{db: db, guards: guards, now: now, people: map[string]caller.Caller{}, groups: map[string]int64{}, members: map[int64][]int64{}, ids: map[string]int64{}}
	var register struct {
		ISAC         organisation
		Institutions []organisation
		Others       []organisation
		Groups       []group
	}
	if err := read("data/organisations.json", &register); err != nil {
		return err
	}
	items, err := readItems(now)
	if err != nil {
		return err
	}
	orgs := slices.Concat([]organisation{register.ISAC}, register.Institutions, register.Others)
	err = db.Batch(ctx, func(ctx context.Context) error {
		if err := l.register(store.At(ctx, now.AddDate(-1, 0, -10)), orgs); err != nil {
			return err
		}
		if err := l.share(store.At(ctx, now.AddDate(-1, 0, -9)), register.Groups); err != nil {
			return err
		}
		if err := l.wait(store.At(ctx, now.Add(-26*time.Hour))); err != nil {
			return err
		}
		return l.reserved(store.At(ctx, now.AddDate(-1, 0, -9)))
	})
	if err != nil {
		return err
	}
	// The guard is committed now, so that what follows is judged by it.
	return db.Batch(ctx, func(ctx context.Context) error {
		for _, it := range items {
			if err := l.tell(ctx, it); err != nil {
				return fmt.Errorf("demo: %s: %w", it.Key, err)
			}
		}
		return l.public(ctx)
	})
}

func read(name string, into any) error {
	b, err := data.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("demo: %s: %w", name, err)
	}
	return nil
}

// readItems reads all advisories in the order in which they were registered.
func readItems(now time.Time) ([]item, error) {
	names, err := fs.Glob(data, "data/advisories-*.json")
	if err != nil {
		return nil, err
	}
	var all []item
	for _, name := range names {
		var some []item
		if err := read(name, &some); err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	y, m, d := now.In(locale.Tokyo).Date()
	for i := range all {
		it := &all[i]
		clock, err := time.Parse("15:04", it.Time)
		if err != nil {
			return nil, fmt.Errorf("demo: %s: %w", it.Key, err)
		}
		it.registered = time.Date(y, m, d+it.Day, clock.Hour(), clock.Minute(), 0, 0, locale.Tokyo)
		if it.registered.After(now) { // a demo that starts before breakfast
			it.registered = now.Add(-20 * time.Minute)
		}
	}
	slices.SortStableFunc(all, func(a, b item) int { return cmp.Compare(a.registered.Unix(), b.registered.Unix()) })
	return all, nil
}

func (l *loader) register(ctx context.Context, orgs []organisation) error {
	system := caller.System("demo")
	for _, o := range orgs {
		var id int64
		accounts := map[string]int64{}
		err := l.db.Write(ctx, system, func(tx *store.Tx) (err error) {
			facility := member.Facility("")
			if o.Kind == caller.Institution {
				facility = member.Hospital
			}
			id, err = member.AddOrganisation(ctx, tx, member.Organisation{Kind: o.Kind, Name: o.Name, Short: o.Short, Facility: facility, Prefecture: o.Prefecture, Beds: o.Beds})
			if err != nil {
				return err
			}
			for _, p := range o.People {
				accounts[p.Key], err = member.AddAccount(ctx, tx, member.Account{Org: member.Organisation{ID: id}, Name: p.Name, Title: p.Title, Role: p.Role})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		manager := caller.Caller{}
		for _, p := range o.People {
			c := caller.Caller{Account: accounts[p.Key], Name: p.Name, Org: id, OrgName: o.Short, OrgKind: o.Kind, Role: p.Role, Channel: "demo"}
			l.people[p.Key] = c
			l.order = append(l.order, p.Key)
			switch p.Role {
			case caller.Operator:
				l.operator, manager = c, c
			case caller.Analyst:
				l.analysts = append(l.analysts, c)
			case caller.Contact:
				manager = c
			}
		}
		for _, d := range o.Domains {
			if _, err := member.AddDomain(ctx, l.db, l.operator, id, d); err != nil { // a contact's would wait
				return fmt.Errorf("demo: %s: %w", o.Key, err)
			}
		}
		for _, i := range o.Interests {
			if err := member.AddInterest(ctx, l.db, manager, member.Interest{Org: id, Kind: i.Kind, Value: i.Value}); err != nil {
				return fmt.Errorf("demo: %s: %w", o.Key, err)
			}
		}
	}
	return nil
}

// wait lets a contact ask for a domain, which an operator has not looked at.
func (l *loader) wait(ctx context.Context) error {
	for _, key := range l.order {
		if c := l.people[key]; c.Role == caller.Contact && c.OrgKind == caller.Institution {
			_, err := member.AddDomain(ctx, l.db, c, c.Org, "kenshin-yoyaku.example.jp")
			return err
		}
	}
	return nil
}

// share founds the sharing groups.
func (l *loader) share(ctx context.Context, groups []group) error {
	for _, g := range groups {
		id, err := member.AddGroup(ctx, l.db, l.operator, g.Name, g.Purpose)
		if err != nil {
			return fmt.Errorf("demo: group %s: %w", g.Key, err)
		}
		l.groups[g.Key], l.members[id] = id, []int64{l.operator.Org}
		for _, key := range g.Members {
			org := l.people[key+"-contact"].Org
			if err := member.JoinGroup(ctx, l.db, l.operator, id, org); err != nil {
				return fmt.Errorf("demo: %s in group %s: %w", key, g.Key, err)
			}
			l.members[id] = append(l.members[id], org)
		}
	}
	return nil
}

// reserved switches off the lists that hold names and addresses reserved for
// documentation: in this portal, and only here, they stand for real ones.
func (l *loader) reserved(ctx context.Context) error {
	g, err := l.guards.Current(ctx)
	if err != nil {
		return err
	}
	off := map[string]bool{}
	for _, probe := range []indicator.Value{
		{Kind: indicator.Domain, Value: "a.example", Host: "a.example"},
		{Kind: indicator.Domain, Value: "a.test", Host: "a.test"},
		{Kind: indicator.Domain, Value: "a.invalid", Host: "a.invalid"},
		{Kind: indicator.IPv4, Value: "192.0.2.1", Host: "192.0.2.1"},
		{Kind: indicator.IPv4, Value: "198.51.100.1", Host: "198.51.100.1"},
		{Kind: indicator.IPv4, Value: "203.0.113.1", Host: "203.0.113.1"},
		{Kind: indicator.IPv6, Value: "2001:db8::1", Host: "2001:db8::1"},
	} {
		for _, r := range g.Judge(probe).Reasons {
			if !off[r.Slug] {
				off[r.Slug] = true
				if err := intel.SwitchList(ctx, l.db, l.operator, r.Slug, false, "見本のデータは、文書用に予約された名前とアドレスだけを使うため"); err != nil {
					return fmt.Errorf("demo: list %s: %w", r.Slug, err)
				}
			}
		}
	}
	return nil
}

func (l *loader) tell(ctx context.Context, it item) error {
	reporter, ok := l.people[it.Reporter]
	if !ok {
		return fmt.Errorf("no person %q", it.Reporter)
	}
	g, err := l.guards.Current(ctx)
	if err != nil {
		return err
	}
	content := advisory.Content{
		Category: it.Category, NoticeKind: it.NoticeKind, TLP: it.TLP, Title: it.Title, Body: it.Body,
		Group: l.groups[it.Group], Anonymous: it.Anonymous, Brand: it.Brand, Products: strings.Join(it.Products, "\n"), Techniques: it.Techniques,
		ObservedAt: it.registered.Add(-time.Duration(10+len(it.Title)%50) * time.Minute),
	}
	for _, written := range it.Indicators {
		v, ok := indicator.Recognise(written)
		if !ok {
			return fmt.Errorf("indicator %q is not recognised", written)
		}
		content.Indicators = append(content.Indicators, v)
	}
	for _, key := range it.Related {
		if id := l.ids[key]; id != 0 { // the later of two names the earlier
			content.Related = append(content.Related, id)
		}
	}
	content.DuplicateOf = l.ids[it.DuplicateOf]
	state := it.State
	if state != advisory.Draft {
		state = advisory.InReview
	}
	id, err := advisory.Submit(store.At(ctx, it.registered), l.db, reporter, g, advisory.Submission{Content: content, State: state})
	if err != nil {
		return err
	}
	l.ids[it.Key] = id
	if it.State == advisory.Draft || it.State == advisory.InReview {
		return nil
	}
	published := l.capped(it.registered.Add(time.Duration(it.Publish) * time.Minute))
	analyst := l.analysts[int(id)%len(l.analysts)]
	if err := advisory.Publish(store.At(ctx, published), l.db, analyst, g, id, 1); err != nil {
		return err
	}
	return l.react(ctx, it, id, analyst, published, content)
}

// react is what happened to an advisory after its publication.
func (l *loader) react(ctx context.Context, it item, id int64, analyst caller.Caller, published time.Time, content advisory.Content) error {
	after := func(minutes int) context.Context {
		return store.At(ctx, l.capped(published.Add(time.Duration(max(minutes-it.Publish, 1))*time.Minute)))
	}
	for _, s := range it.Sightings {
		if err := advisory.See(after(s.After), l.db, l.people[s.Org+"-contact"], id); err != nil {
			return fmt.Errorf("sighting of %s: %w", s.Org, err)
		}
	}
	for _, m := range it.Comments {
		if _, err := advisory.AddComment(after(m.After), l.db, l.people[m.By], id, m.Text); err != nil {
			return fmt.Errorf("comment of %s: %w", m.By, err)
		}
	}
	if err := l.decide(store.At(ctx, l.capped(published.Add(8*time.Hour))), it, id); err != nil {
		return err
	}
	g, err := l.guards.Current(ctx)
	if err != nil {
		return err
	}
	later := store.At(ctx, l.capped(published.Add(26*time.Hour)))
	switch it.State {
	case advisory.Corrected:
		content.Title, content.Body = it.Correction.Title, it.Correction.Body
		return advisory.Correct(later, l.db, analyst, g, id, 2, content, it.Reason)
	case advisory.Withdrawn:
		return advisory.Withdraw(later, l.db, analyst, g, id, 2, it.Reason)
	}
	return nil
}

// decide lets people who may see the advisory say whether it helped.
func (l *loader) decide(ctx context.Context, it item, id int64) error {
	yes, no := it.Helped, it.NotHelped
	for i := range l.order {
		c := l.people[l.order[(i*7+int(id))%len(l.order)]]
		group := l.groups[it.Group]
		if it.TLP > c.Ceiling() || group != 0 && !slices.Contains(l.members[group], c.Org) || yes+no == 0 {
			continue
		}
		helped := yes > 0
		if helped {
			yes--
		} else {
			no--
		}
		if err := advisory.Decide(ctx, l.db, c, id, helped); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) capped(t time.Time) time.Time {
	if last := l.now.Add(-time.Minute); t.After(last) {
		return last
	}
	return t
}
