// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

var ctx = context.Background()

// now is the moment at which the model's portal is read.
var now = time.Date(2026, 6, 15, 12, 0, 0, 0, locale.Tokyo)

// said names a claim.
type said struct {
	value string
	tlp   tlp.Level
	org   int64
	group int64
}

// model is a portal and, beside it, what it should hold, kept by plain means.
type model struct {
	*membertest.People
	t      *testing.T
	db     *store.DB
	r      *rand.Rand
	values []indicator.Value
	file   int64 // from which every row comes
	rows   map[int64]bool
	claims map[said]*intel.Claim
	counts map[said]int  // observations
	brands map[said]bool // whether one of them named a brand
	groups []int64       // with which something is shared; 0 is all
	in     map[[2]int64]bool
}

func newModel(t *testing.T, db *store.DB) *model {
	m := &model{People: membertest.Register(t, db), t: t, db: db, r: rand.New(rand.NewPCG(11, 12)),
		rows: map[int64]bool{}, claims: map[said]*intel.Claim{}, counts: map[said]int{}, brands: map[said]bool{}}
	m.must(db.Keep(ctx, func(tx *store.Tx) (err error) {
		m.file, err = tx.Insert(ctx, `INSERT INTO import_file (format, name, organisation_id) VALUES ('csv', 'a.csv', $1) RETURNING id`, m.Analyst.Org)
		return err
	}))
	m.groups, m.in = []int64{0, 0}, map[[2]int64]bool{}
	for _, members := range [][]int64{{m.Analyst.Org, m.ContactA.Org}, {m.Analyst.Org, m.ContactB.Org, m.ContactV.Org}} {
		m.group(members...)
	}
	for i := range 40 { // hosts whose names sort otherwise than their labels
		for _, host := range []string{"h%d.example", "www.h%d.example", "h%d-a.example", "a.b.h%d.test"} {
			m.value(indicator.URL, fmt.Sprintf("https://"+host+"/login", i))
			if i%4 == 0 {
				m.value(indicator.Domain, fmt.Sprintf(host, i))
			}
		}
		m.value(indicator.URL, fmt.Sprintf("http://192.0.2.%d/a", i))
		m.value(indicator.IPv4, fmt.Sprintf("192.0.2.%d", i))
	}
	m.value(indicator.IPv6, "2001:db8::1")
	m.value(indicator.CIDR, "198.51.100.0/24")
	m.value(indicator.Email, "evil@h1.example")
	m.value(indicator.SHA256, fmt.Sprintf("%064d", 1))
	return m
}

// group founds a sharing group.
func (m *model) group(members ...int64) {
	m.t.Helper()
	m.must(m.db.Keep(ctx, func(tx *store.Tx) error {
		id, err := tx.Insert(ctx, `INSERT INTO sharing_group (name, purpose, created_at, closed_at) VALUES ('組', '', 1, 0) RETURNING id`)
		m.groups = append(m.groups, id)
		for _, org := range members {
			m.in[[2]int64{id, org}] = true
			if err == nil {
				_, err = tx.Exec(ctx, `INSERT INTO sharing_group_member (group_id, organisation_id, since) VALUES ($1, $2, 1)`, id, org)
			}
		}
		return err
	}))
}

func (m *model) value(kind indicator.Kind, s string) {
	v, err := indicator.Normalise(kind, s)
	if err != nil {
		m.t.Fatal(err)
	}
	m.values = append(m.values, v)
}

func (m *model) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// record stores a batch of n random rows, some of them known, and returns what
// came of it and what should have.
func (m *model) record(n int) (got, want intel.Outcome) {
	m.t.Helper()
	batch := make([]intel.Observation, 0, n)
	c := []caller.Caller{m.Analyst, m.ContactA, m.ContactB, m.ContactV, m.ContactO}[m.r.IntN(5)]
	for range n {
		v := m.values[m.r.IntN(len(m.values))]
		var seen time.Time
		if m.r.IntN(6) > 0 {
			seen = now.AddDate(0, 0, -m.r.IntN(220)).Add(time.Duration(m.r.IntN(24*60)) * time.Minute).UTC()
		}
		claim := intel.Claim{TLP: tlp.Levels[m.r.IntN(5)], Org: c.Org, Group: m.groups[m.r.IntN(len(m.groups))], Category: category.Phishing, Brand: []string{"", "銀行"}[m.r.IntN(2)],
			Confidence: 10 * m.r.IntN(11), Entry: m.r.IntN(8) > 0, HostEntry: m.r.IntN(3) > 0 && v.Host != ""}
		if old := m.anyOf(v.Value); old != nil { // one guard judges all alike
			claim.Entry, claim.HostEntry = old.Entry, old.HostEntry
		}
		o := intel.NewObservation(v, claim, seen)
		o.Key, o.ClaimKey, o.Source, o.File = int64(m.r.IntN(5000)), m.db.Key(string(v.Kind), v.Value), "csv", m.file
		// Within a batch the model needs one judgement too.
		for _, p := range batch {
			if p.Value.Value == v.Value {
				o.Entry, o.HostEntry = p.Entry, p.HostEntry
			}
		}
		batch = append(batch, o)
	}
	want = m.expect(batch)
	m.must(m.db.Keep(ctx, func(tx *store.Tx) (err error) {
		got, err = intel.Record(ctx, tx, batch)
		return err
	}))
	return got, want
}

func (m *model) anyOf(value string) *intel.Claim {
	for id, c := range m.claims {
		if id.value == value {
			return c
		}
	}
	return nil
}

// expect does to the model what Record does to the store.
func (m *model) expect(batch []intel.Observation) (out intel.Outcome) {
	// The first row of a key is the one that counts, as it came.
	sorted := slices.Clone(batch)
	slices.SortStableFunc(sorted, func(a, b intel.Observation) int { return cmp.Compare(a.Key, b.Key) })
	touched := map[said]string{} // new or moved, by this batch
	for _, o := range sorted {
		if m.rows[o.Key] {
			out.Known++
			continue
		}
		m.rows[o.Key] = true
		out.Added++
		if !o.Entry && !o.HostEntry {
			out.Excluded++
		}
		id := said{o.Value.Value, o.TLP, o.Org, o.Group}
		m.counts[id]++
		m.brands[id] = m.brands[id] || o.Brand != ""
		c := m.claims[id]
		if c == nil {
			copied := o.Claim
			m.claims[id], touched[id] = &copied, "new"
			continue
		}
		moved := false
		if !o.FirstSeen.IsZero() && (c.FirstSeen.IsZero() || o.FirstSeen.Before(c.FirstSeen)) {
			c.FirstSeen, moved = o.FirstSeen, true
		}
		if o.LastSeen.After(c.LastSeen) {
			c.LastSeen, moved = o.LastSeen, true
		}
		if o.ValidUntil.After(c.ValidUntil) {
			c.ValidUntil, moved = o.ValidUntil, true
		}
		if o.Confidence > c.Confidence {
			c.Confidence, moved = o.Confidence, true
		}
		if moved && touched[id] == "" {
			touched[id] = "moved"
		}
	}
	for _, what := range touched {
		if what == "new" {
			out.New++
		} else {
			out.Renewed++
		}
	}
	return out
}

// sees is who may see a claim, written out anew.
func (m *model) sees(c caller.Caller, id said) bool {
	return id.org == c.Org || id.tlp <= c.Ceiling() && (id.group == 0 || m.in[[2]int64{id.group, c.Org}])
}

// visible returns the model's claims about a value that a caller may see.
func (m *model) visible(c caller.Caller, value string) (all []*intel.Claim) {
	for id, claim := range m.claims {
		if id.value == value && m.sees(c, id) {
			all = append(all, claim)
		}
	}
	return all
}

// near counts the other values on a host about which the caller may see a claim.
func (m *model) near(c caller.Caller, v indicator.Value) (n int) {
	if v.Host == "" || v.Kind == indicator.Email {
		return 0
	}
	for _, other := range m.values {
		if other.Host == v.Host && other.Value != v.Value && len(m.visible(c, other.Value)) > 0 {
			n++
		}
	}
	return n
}

// merged is one claim of many.
func merged(all []*intel.Claim) intel.Claim {
	sum := intel.Claim{TLP: tlp.Red}
	for _, c := range all {
		if sum.FirstSeen.IsZero() || !c.FirstSeen.IsZero() && c.FirstSeen.Before(sum.FirstSeen) {
			sum.FirstSeen = c.FirstSeen
		}
		if c.LastSeen.After(sum.LastSeen) {
			sum.LastSeen = c.LastSeen
		}
		if c.ValidUntil.After(sum.ValidUntil) {
			sum.ValidUntil = c.ValidUntil
		}
		sum.Confidence = max(sum.Confidence, c.Confidence)
		sum.TLP = min(sum.TLP, c.TLP)
		sum.Entry, sum.HostEntry = sum.Entry || c.Entry, sum.HostEntry || c.HostEntry
	}
	return sum
}
