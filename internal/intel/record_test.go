// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel_test

import (
	"slices"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

// Random batches, small and large, leave what the model says, and count it so;
// and each reader is told the merge of what he may see, and nothing more.
func TestRecordAndLookup(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newModel(t, db)
		rows, compared := 0, 0
		for round := range 40 {
			n := []int{1, 3, 30, 51, 120, 400}[m.r.IntN(6)]
			rows += n
			if got, want := m.record(n); got != want {
				t.Fatalf("round %d of %d rows: %+v, want %+v", round, n, got, want)
			}
		}
		// Two on one host of which only their source and the ISAC know.
		var red []intel.Observation
		for i, s := range []string{"https://red.example/1", "https://red.example/2"} {
			m.value(indicator.URL, s)
			o := intel.NewObservation(m.values[len(m.values)-1], intel.Claim{TLP: tlp.Red, Org: m.ContactB.Org}, now.UTC())
			o.Key, o.ClaimKey, o.File = int64(9000+i), db.Key("url", s), m.file
			red = append(red, o)
		}
		m.expect(red)
		m.must(db.Keep(ctx, func(tx *store.Tx) error {
			_, err := intel.Record(ctx, tx, red)
			return err
		}))
		m.Each(func(name string, c caller.Caller) {
			hits, err := intel.Lookup(ctx, db, db.Key, c, m.values)
			m.must(err)
			for i, h := range hits {
				compared++
				all := m.visible(c, m.values[i].Value)
				want := merged(all)
				orgs, seen, brand, active := map[int64]bool{}, 0, false, false
				for _, claim := range all {
					orgs[claim.Org] = true
					id := said{m.values[i].Value, claim.TLP, claim.Org, claim.Group}
					seen += m.counts[id]
					brand = brand || m.brands[id]
					active = active || claim.ValidUntil.After(time.Now())
				}
				if h.Known != (len(all) > 0) || h.Active != active || h.Sources != len(orgs) || h.Observations != seen || h.TLP != want.TLP ||
					!h.FirstSeen.Equal(want.FirstSeen) || !h.LastSeen.Equal(want.LastSeen) || !h.ValidUntil.Equal(want.ValidUntil) ||
					h.Confidence != want.Confidence || h.Entry != want.Entry || h.HostEntry != want.HostEntry || (len(h.Brands) > 0) && !brand {
					t.Fatalf("%s on %s: %+v, want %+v of %d claims, %d observations", name, m.values[i].Value, h, want, len(all), seen)
				}
				if near := m.near(c, m.values[i]); h.SameHost != near {
					t.Fatalf("%s on %s: %d others on the host, want %d", name, m.values[i].Value, h.SameHost, near)
				}
				if listed, err := intel.Observations(ctx, db, db.Key, c, m.values[i], 1000); err != nil || len(listed) != seen {
					t.Fatalf("%s on %s: %d observations listed, %v; want %d", name, m.values[i].Value, len(listed), err, seen)
				}
			}
		})
		t.Logf("%d rows, %d claims, %d answers compared", rows, len(m.claims), compared)
	})
}

// A second import of the same rows changes nothing, not even the version.
func TestRecordTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newModel(t, db)
		for _, n := range []int{7, 200} {
			batch := make([]intel.Observation, n)
			for i := range batch {
				v := m.values[i%len(m.values)]
				batch[i] = intel.NewObservation(v, intel.Claim{TLP: tlp.Green, Org: m.Analyst.Org, Entry: true}, now.UTC())
				batch[i].Key, batch[i].ClaimKey = int64(n*1000+i), db.Key(string(v.Kind), v.Value)
			}
			batch = append(batch, batch[0]) // the same row twice in one file
			record := func() (out intel.Outcome, version string) {
				m.must(db.Keep(ctx, func(tx *store.Tx) (err error) {
					out, err = intel.Record(ctx, tx, slices.Clone(batch))
					return err
				}))
				version, err := intel.Version(ctx, db, m.StaffA)
				m.must(err)
				return out, version
			}
			first, v1 := record()
			if first.Added != n || first.Known != 1 {
				t.Errorf("%d rows: %+v", n, first)
			}
			again, v2 := record()
			if (again != intel.Outcome{Known: n + 1}) || v1 != v2 {
				t.Errorf("%d rows again: %+v, version %s after %s", n, again, v2, v1)
			}
		}
		if out, err := intel.Record(ctx, nil, nil); err != nil || out != (intel.Outcome{}) {
			t.Errorf("nothing: %+v, %v", out, err)
		}
	})
}

// Two indicators with one key are refused, not mixed.
func TestCollision(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newModel(t, db)
		for _, n := range []int{5, 100} {
			batch := make([]intel.Observation, n)
			for i := range batch {
				v := m.values[i]
				batch[i] = intel.NewObservation(v, intel.Claim{TLP: tlp.Green, Org: m.Analyst.Org}, now.UTC())
				batch[i].Key, batch[i].ClaimKey = int64(n*1000+i), db.Key(string(v.Kind), v.Value)
			}
			m.must(db.Keep(ctx, func(tx *store.Tx) error {
				if _, err := tx.Exec(ctx, `DELETE FROM indicator`); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, `INSERT INTO indicator (key, tlp, organisation_id, kind, value, host, host_key, written, category, brand,
						first_seen, last_seen, confidence, valid_until, status, is_entry, is_host_entry)
					VALUES ($1, 1, $2, 'url', 'https://other.example/', 'other.example', 'example.other', '', 'phishing', '', 0, 0, 0, 0, 'active', $3, $3)`,
					batch[n-1].ClaimKey, m.Analyst.Org, true)
				return err
			}))
			err := db.Keep(ctx, func(tx *store.Tx) error {
				_, err := intel.Record(ctx, tx, batch)
				return err
			})
			if fault.Code(err) != "intel.collision" {
				t.Errorf("recording %d rows: %v", n, err)
			}
			if h, err := intel.Lookup(ctx, db, db.Key, m.Analyst, m.values[:n]); err != nil || slices.ContainsFunc(h, func(h intel.Hit) bool { return h.Known }) {
				t.Errorf("after the refusal something of %d rows is known, %v", n, err)
			}
			err = db.Keep(ctx, func(tx *store.Tx) error {
				return intel.Assert(ctx, tx, []intel.Claim{{Value: m.values[n-1], TLP: tlp.Green, Org: m.Analyst.Org}})
			})
			if fault.Code(err) != "intel.collision" {
				t.Errorf("asserting: %v", err)
			}
		}
	})
}

func TestValidUntil(t *testing.T) {
	for _, c := range []struct {
		kind       indicator.Kind
		seen, want time.Time
	}{
		{indicator.IPv4, time.Date(2026, 3, 1, 0, 0, 0, 0, locale.Tokyo), time.Date(2026, 4, 1, 0, 0, 0, 0, locale.Tokyo)},
		{indicator.IPv4, time.Date(2026, 3, 1, 23, 59, 59, 999_999_000, locale.Tokyo), time.Date(2026, 4, 1, 0, 0, 0, 0, locale.Tokyo)},
		{indicator.IPv4, time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC), time.Date(2026, 4, 2, 0, 0, 0, 0, locale.Tokyo)},
		{indicator.URL, time.Date(2026, 1, 31, 9, 0, 0, 0, locale.Tokyo), time.Date(2026, 5, 2, 0, 0, 0, 0, locale.Tokyo)},
		{indicator.SHA256, time.Time{}, time.Time{}},
	} {
		if got := intel.ValidUntil(c.kind, c.seen); !got.Equal(c.want) {
			t.Errorf("a %s seen %v is valid until %v, want %v", c.kind, c.seen, got, c.want)
		}
	}
	for _, k := range indicator.Kinds {
		if intel.Validity(k) == 0 {
			t.Errorf("%s has no validity", k)
		}
	}
}

// Releasing and renewing touch one organisation's claim at one TLP, and leave
// what an observation carries.
func TestReleaseAndRenew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newModel(t, db)
		v := m.values[0]
		seen := now.AddDate(0, 0, -60).UTC()
		claim := func(level tlp.Level, org int64) intel.Claim {
			return intel.Claim{Value: v, TLP: level, Org: org, Category: "phishing", FirstSeen: seen, LastSeen: seen,
				ValidUntil: intel.ValidUntil(v.Kind, seen), Confidence: 50, Entry: true}
		}
		do := func(fn func(tx *store.Tx) error) { t.Helper(); m.must(db.Keep(ctx, fn)) }
		state := func(level tlp.Level, org int64) (status string, last time.Time) {
			var at int64
			m.must(db.QueryRow(ctx, `SELECT status, last_seen FROM indicator WHERE tlp = $1 AND organisation_id = $2`, int64(level), org).Scan(&status, &at))
			return status, store.Time(at)
		}
		a, b := m.ContactA.Org, m.ContactB.Org
		do(func(tx *store.Tx) error {
			return intel.Assert(ctx, tx, []intel.Claim{claim(tlp.Green, a), claim(tlp.Green, a)})
		})
		do(func(tx *store.Tx) error { return intel.Assert(ctx, tx, []intel.Claim{claim(tlp.Amber, a)}) })
		do(func(tx *store.Tx) error { return intel.Assert(ctx, tx, []intel.Claim{claim(tlp.Green, b)}) })

		do(func(tx *store.Tx) error {
			return intel.Renew(ctx, tx, intel.Audience{TLP: tlp.Green, Org: a}, []indicator.Value{v}, seen.AddDate(0, 0, 10))
		})
		do(func(tx *store.Tx) error {
			return intel.Renew(ctx, tx, intel.Audience{TLP: tlp.Green, Org: a}, []indicator.Value{v}, seen.AddDate(0, 0, 5))
		}) // earlier
		if _, last := state(tlp.Green, a); !last.Equal(seen.AddDate(0, 0, 10)) {
			t.Errorf("renewed to %v", last)
		}
		if _, last := state(tlp.Green, b); !last.Equal(seen) {
			t.Errorf("another organisation's claim was renewed to %v", last)
		}
		do(func(tx *store.Tx) error {
			return intel.Release(ctx, tx, 0, intel.Audience{TLP: tlp.Green, Org: a}, []indicator.Value{v})
		})
		for _, c := range []struct {
			level tlp.Level
			org   int64
			want  string
		}{{tlp.Green, a, "revoked"}, {tlp.Amber, a, "active"}, {tlp.Green, b, "active"}} {
			if status, _ := state(c.level, c.org); status != c.want {
				t.Errorf("the claim of %d at %s is %s, want %s", c.org, c.level, status, c.want)
			}
		}
		// What was revoked is told as such only to whom nothing else stands.
		hits, err := intel.Lookup(ctx, db, db.Key, m.ContactO, []indicator.Value{v})
		m.must(err)
		if h := hits[0]; h.Sources != 1 || h.TLP != tlp.Green || !h.LastSeen.Equal(seen) {
			t.Errorf("an outside body is told %+v", h)
		}
		// Said again, it is what is said now.
		anew := claim(tlp.Green, a)
		anew.Category, anew.Confidence, anew.FirstSeen = "targeted", 30, seen.AddDate(0, 0, 2)
		do(func(tx *store.Tx) error { return intel.Assert(ctx, tx, []intel.Claim{anew}) })
		var cat string
		var confidence, first int64
		m.must(db.QueryRow(ctx, `SELECT category, confidence, first_seen FROM indicator WHERE tlp = 1 AND organisation_id = $1`, a).Scan(&cat, &confidence, &first))
		if cat != "targeted" || confidence != 30 || !store.Time(first).Equal(anew.FirstSeen) {
			t.Errorf("said again: %s, %d, %v", cat, confidence, store.Time(first))
		}
		// An observation carries it.
		o := intel.NewObservation(v, claim(tlp.Green, a), seen)
		o.Key, o.ClaimKey = 1, db.Key(string(v.Kind), v.Value)
		do(func(tx *store.Tx) error {
			_, err := intel.Record(ctx, tx, []intel.Observation{o})
			return err
		})
		do(func(tx *store.Tx) error {
			return intel.Release(ctx, tx, 0, intel.Audience{TLP: tlp.Green, Org: a}, []indicator.Value{v})
		})
		if status, _ := state(tlp.Green, a); status != "active" {
			t.Errorf("an observed claim is %s after its advisory is gone", status)
		}
	})
}
