// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var longAgo = time.Date(2024, 1, 15, 3, 0, 0, 0, time.UTC)

// Whole segments go, the tree stays, and old checkpoints are still proven.
func TestRetain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr := newTrail(t, db)
		var kept []string
		seal := func() { kept = append(kept, tr.seal().Note) }
		tr.appendAt(longAgo, 100)
		seal()
		tr.appendAt(longAgo.AddDate(0, 0, 1), 450)
		seal()
		tr.appendAt(longAgo.AddDate(0, 0, 2), 200) // positions 550 to 749
		tr.appendAt(longAgo.AddDate(0, 0, 9), 50)
		seal()
		done, err := audit.Retain(ctx, db, tr.keys, operator, longAgo.AddDate(0, 0, 2))
		if err != nil || done.Dropped != 512 || done.Kept != 512 {
			t.Fatalf("%+v, %v", done, err)
		}
		if n := tr.count(`SELECT COUNT(*) FROM audit WHERE id <= 550`); n != 38 {
			t.Errorf("%d records before position 550 are left, want 38", n)
		}
		last := told(t, db, 1)[0]
		if last.Action != "audit.retain" || last.Detail["before"] != "2024-01-17" || last.Detail["from"] != 0.0 || last.Detail["upto"] != 512.0 {
			t.Errorf("the record of it: %+v", last)
		}
		seal()
		if r := tr.whole(kept...); r.Size != 801 || r.Kept != 512 || r.Records != 289 {
			t.Errorf("report %+v", r)
		}
		// Again: nothing more is old enough. A segment that is old but for one
		// record stays.
		for _, before := range []time.Time{longAgo.AddDate(0, 0, 2), longAgo.AddDate(0, 0, 9)} {
			if done, err = audit.Retain(ctx, db, tr.keys, operator, before); err != nil || done.Dropped != 0 || done.Kept != 512 {
				t.Errorf("again: %+v, %v", done, err)
			}
		}
		if done, err = audit.Retain(ctx, db, tr.keys, operator, longAgo.AddDate(0, 0, 20)); err != nil || done.Dropped != 256 || done.Kept != 768 {
			t.Errorf("the rest: %+v, %v", done, err)
		}
		seal()
		tr.whole(kept...)
		all, err := audit.Read(ctx, db, operator, audit.Filter{}, 1000)
		if err != nil || all[len(all)-1].Position != 768 {
			t.Errorf("reading ends with %+v, %v", all[len(all)-1], err)
		}
		// Every size there ever was can be continued to the present.
		verifiers := note.VerifierList(tr.verifier())
		for _, k := range kept {
			c, err := audit.ParseCheckpoint([]byte(k), verifiers)
			if err != nil {
				t.Fatal(err)
			}
			proof, err := audit.Prove(ctx, db, c.Size)
			if err != nil {
				t.Fatal(err)
			}
			if now, err := audit.CheckProof(c, []byte(proof), verifiers); err != nil || now.Size != tr.whole().Size {
				t.Errorf("from %d: %+v, %v\n%s", c.Size, now, err, proof)
			}
		}
	})
}

func TestRetainManySegments(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr := newTrail(t, db)
		tr.appendAt(longAgo, 41*256+3)
		tr.seal()
		done, err := audit.Retain(ctx, db, tr.keys, operator, longAgo.AddDate(0, 0, 2))
		if err != nil || done.Dropped != 41*256 {
			t.Fatalf("%+v, %v", done, err)
		}
		tr.seal()
		if r := tr.whole(); r.Records != 5 {
			t.Errorf("report %+v", r)
		}
	})
}

func TestRetainRefuses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		tr := newTrail(t, db)
		tr.appendAt(longAgo, 600)
		tr.seal()
		hospital := p.ContactA
		hospital.Role = caller.Operator
		for name, c := range map[string]caller.Caller{"a contact": p.ContactA, "an analyst": p.Analyst, "an operator of a hospital": hospital, "nobody": {}} {
			if _, err := audit.Retain(ctx, db, tr.keys, c, longAgo.AddDate(0, 0, 2)); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", name, err)
			}
		}
		now := store.At(ctx, longAgo.AddDate(1, 0, 0))
		if _, err := audit.Retain(now, db, tr.keys, p.Operator, longAgo.AddDate(0, 0, 1)); fault.Code(err) != "audit.retain_young" {
			t.Errorf("after less than a year: %v", err)
		}
		if n := tr.count(`SELECT COUNT(*) FROM audit_segment`); n != 0 {
			t.Errorf("%d segments", n)
		}
		// Evidence is not dropped.
		tr.unguard()
		tr.exec(`UPDATE audit SET object = 'thing/x' WHERE id = 40`)
		if _, err := audit.Retain(ctx, db, tr.keys, p.Operator, longAgo.AddDate(0, 0, 2)); fault.Code(err) != "audit.retain_damaged" {
			t.Errorf("a changed record: %v", err)
		}
		tr.exec(`DELETE FROM audit WHERE id = 40`)
		if _, err := audit.Retain(ctx, db, tr.keys, p.Operator, longAgo.AddDate(0, 0, 2)); err == nil {
			t.Error("a removed record: no error")
		}
	})
}

// What retention left is sealed like the rest.
func TestTamperedRetention(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		(&trail{t: t, db: db}).unguard()
		for name, c := range map[string]struct {
			do   func(tr *trail)
			want audit.Kind
		}{
			"hashes": {func(tr *trail) {
				tr.exec(`UPDATE audit_segment SET hashes = (SELECT hashes FROM audit_segment WHERE number = 0) WHERE number = 1`)
			}, audit.Resealed},
			"order": {func(tr *trail) {
				tr.exec(`UPDATE audit_segment SET number = -1 WHERE number = 0`)
				tr.exec(`UPDATE audit_segment SET number = 0 WHERE number = 1`)
				tr.exec(`UPDATE audit_segment SET number = 1 WHERE number = -1`)
			}, audit.Resealed},
			"one less": {func(tr *trail) { tr.exec(`DELETE FROM audit_segment WHERE number = 1`) }, audit.Missing},
			"short":    {func(tr *trail) { tr.exec(`UPDATE audit_segment SET hashes = $1 WHERE number = 1`, make([]byte, 32)) }, audit.Missing},
			"note":     {func(tr *trail) { tr.exec(`DELETE FROM audit_retention`) }, audit.Dropped},
			"altered":  {func(tr *trail) { tr.exec(`UPDATE audit_retention SET note = REPLACE(note, '512', '511')`) }, audit.Dropped},
			"a checkpoint in its place": {func(tr *trail) {
				tr.exec(`UPDATE audit_retention SET note = (SELECT note FROM audit_checkpoint WHERE size = 512)`)
			}, audit.Dropped},
			"more than was signed": {func(tr *trail) {
				var hashes []byte
				rows, err := tr.db.Query(ctx, `SELECT hash FROM audit_leaf WHERE position < 768 ORDER BY position`)
				if err != nil {
					tr.t.Fatal(err)
				}
				for rows.Next() {
					var h []byte
					if err := rows.Scan(&h); err != nil {
						tr.t.Fatal(err)
					}
					hashes = append(hashes, h...)
				}
				tr.exec(`INSERT INTO audit_segment (number, hashes, first_at, last_at) VALUES (2, $1, 0, 0)`, hashes)
				tr.exec(`UPDATE audit_tree SET kept = 768`)
				tr.exec(`DELETE FROM audit WHERE id IN (SELECT audit_id FROM audit_leaf WHERE position < 768)`)
				tr.exec(`DELETE FROM audit_leaf WHERE position < 768`)
			}, audit.Dropped},
		} {
			t.Run(name, func(t *testing.T) {
				empty(t, db)
				tr := newTrail(t, db)
				tr.appendAt(longAgo, 512)
				tr.seal()
				tr.appendAt(longAgo.AddDate(0, 0, 5), 300)
				tr.seal()
				if done, err := audit.Retain(ctx, db, tr.keys, operator, longAgo.AddDate(0, 0, 2)); err != nil || done.Dropped != 512 {
					t.Fatalf("%+v, %v", done, err)
				}
				tr.seal()
				tr.whole()
				c.do(tr)
				r := tr.verify()
				if !slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return f.Kind == c.want }) {
					t.Errorf("found %v, want %s", kinds(r), c.want)
				}
			})
		}
	})
}

func TestProofs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr := newTrail(t, db)
		if _, err := audit.Prove(ctx, db, 0); fault.Code(err) != "audit.proof_size" {
			t.Errorf("before the first checkpoint: %v", err)
		}
		var kept []*audit.Checkpoint
		for range 12 {
			tr.append(3)
			c := tr.seal()
			kept = append(kept, c)
		}
		verifiers := note.VerifierList(tr.verifier())
		for _, c := range kept {
			proof, err := audit.Prove(ctx, db, c.Size)
			if err != nil {
				t.Fatal(err)
			}
			if now, err := audit.CheckProof(c, []byte(proof), verifiers); err != nil || now.Size != 36 {
				t.Errorf("from %d: %v", c.Size, err)
			}
			forged := *c
			forged.Root[5] ^= 1
			if _, err := audit.CheckProof(&forged, []byte(proof), verifiers); fault.Code(err) != "audit.proof_wrong" {
				t.Errorf("from another tree of %d: %v", c.Size, err)
			}
			if _, err := audit.CheckProof(kept[0], []byte(proof), verifiers); c != kept[0] && fault.Code(err) != "audit.proof_other" {
				t.Errorf("the proof of another: %v", err)
			}
		}
		for _, size := range []int64{-1, 37} {
			if _, err := audit.Prove(ctx, db, size); fault.Code(err) != "audit.proof_size" {
				t.Errorf("from %d: %v", size, err)
			}
		}
	})
}
