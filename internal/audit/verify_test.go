// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var guards = map[string]string{"audit_fixed": "audit", "audit_kept": "audit", "audit_leaf_fixed": "audit_leaf", "audit_leaf_kept": "audit_leaf"}

// unguard does what somebody with the database's password can do first.
func (tr *trail) unguard() {
	tr.t.Helper()
	for name, table := range guards {
		if tr.db.Engine() == store.Postgres {
			tr.exec(`DROP RULE ` + name + ` ON ` + table)
		} else {
			tr.exec(`DROP TRIGGER ` + name)
		}
	}
}

// sealed is a trail of twenty records in two batches.
func sealed(t testing.TB, db *store.DB) (tr *trail, kept string) {
	tr = newTrail(t, db)
	tr.append(12)
	kept = tr.seal().Note
	tr.append(8)
	tr.seal()
	tr.whole(kept)
	return tr, kept
}

// kinds are the findings as kind and record.
func kinds(r *audit.Report) (all []string) {
	for _, f := range r.Findings {
		text := string(f.Kind)
		if f.Record != 0 {
			text += fmt.Sprintf(" %d", f.Record)
		}
		all = append(all, text)
	}
	return all
}

// The database itself refuses what no part of the program may do.
func TestGuards(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr, kept := sealed(t, db)
		tr.append(1)
		for _, query := range []string{
			`UPDATE audit SET detail = '{}' WHERE id = 3`, `UPDATE audit SET actor = actor`, `UPDATE audit SET at = 1 WHERE id = 21`,
			`DELETE FROM audit WHERE id = 3`, `DELETE FROM audit`, `DELETE FROM audit WHERE id = 21`,
			`UPDATE audit_leaf SET hash = hash WHERE position = 3`, `DELETE FROM audit_leaf WHERE position = 3`,
		} {
			err := db.Keep(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, query); return err })
			if err == nil || !strings.Contains(err.Error(), "audit record") || !strings.Contains(err.Error(), "cannot be") {
				t.Errorf("%s: %v", query, err)
			}
		}
		if r := tr.whole(kept); r.Records != 20 || r.Unsealed != 1 {
			t.Errorf("report %+v", r)
		}
	})
}

// Every field of a record is sealed.
func TestEveryColumnIsSealed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr, kept := sealed(t, db)
		tr.unguard()
		var names []string
		query := `SELECT name FROM pragma_table_info('audit')`
		if db.Engine() == store.Postgres {
			query = `SELECT column_name::text FROM information_schema.columns WHERE table_name = 'audit' AND table_schema = current_schema()`
		}
		rows, err := db.Query(ctx, query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
		if err := rows.Err(); err != nil || len(names) < 13 {
			t.Fatalf("columns %v, %v", names, err)
		}
		for _, name := range names {
			want := []string{"changed 5"}
			switch name {
			case "id":
				// The place is empty, and what stood there came from nowhere.
				tr.exec(`UPDATE audit SET id = -5 WHERE id = 5`)
				want = []string{"inserted -5", "removed 5"}
			case "actor", "role", "channel", "request", "action", "object", "detail":
				tr.exec(`UPDATE audit SET ` + name + ` = ` + name + ` || ' ' WHERE id = 5`)
			default:
				tr.exec(`UPDATE audit SET ` + name + ` = ` + name + ` + 1 WHERE id = 5`)
			}
			r := tr.verify(kept)
			if got := kinds(r); !slices.Equal(got, want) {
				t.Errorf("%s: found %v, want %v", name, got, want)
			} else if i := len(got) - 1; r.Findings[i].From != 4 || !strings.Contains(r.Findings[i].Name(locale.English), "ecord at position 4") && !strings.Contains(r.Findings[i].Name(locale.English), "Record 5 (position 4)") {
				t.Errorf("%s: %q", name, r.Findings[i].Name(locale.English))
			}
			switch name {
			case "id":
				tr.exec(`UPDATE audit SET id = 5 WHERE id = -5`)
			case "actor", "role", "channel", "request", "action", "object", "detail":
				tr.exec(`UPDATE audit SET ` + name + ` = substr(` + name + `, 1, length(` + name + `) - 1) WHERE id = 5`)
			default:
				tr.exec(`UPDATE audit SET ` + name + ` = ` + name + ` - 1 WHERE id = 5`)
			}
			tr.whole(kept)
		}
	})
}

// What an attacker who can write to the database may do, and what is found.
func TestTampering(t *testing.T) {
	const forge = `INSERT INTO audit (id, at, account_id, organisation_id, actor, role, channel, action, object, detail)
		VALUES ($1, 1, 1, 1, 'x', 'staff', 'web', 'x.y', 'x/1', '{}')`
	cases := map[string]struct {
		do   func(tr *trail)
		want []string
		kept []string // with the checkpoint that was kept after the first batch; nil: the same
	}{
		"remove the first":  {do: func(tr *trail) { tr.exec(`DELETE FROM audit WHERE id = 1`) }, want: []string{"removed 1"}},
		"remove the middle": {do: func(tr *trail) { tr.exec(`DELETE FROM audit WHERE id IN (12, 13)`) }, want: []string{"removed 12", "removed 13"}},
		"remove the last":   {do: func(tr *trail) { tr.exec(`DELETE FROM audit WHERE id = 20`) }, want: []string{"removed 20"}},
		"remove the last with its leaf": {do: func(tr *trail) {
			tr.exec(`DELETE FROM audit WHERE id = 20`)
			tr.exec(`DELETE FROM audit_leaf WHERE position = 19`)
		}, want: []string{"missing"}},
		"remove with its leaf and close the gap": {do: func(tr *trail) {
			tr.exec(`DELETE FROM audit WHERE id = 15`)
			tr.exec(`DELETE FROM audit_leaf WHERE position = 14`)
			for p := 15; p < 20; p++ {
				tr.exec(`UPDATE audit_leaf SET position = $1 WHERE position = $2`, p-1, p)
			}
		}, want: []string{"missing"}},
		"and make the tree forget one": {do: func(tr *trail) {
			tr.exec(`DELETE FROM audit WHERE id = 15`)
			tr.exec(`DELETE FROM audit_leaf WHERE position = 14`)
			for p := 15; p < 20; p++ {
				tr.exec(`UPDATE audit_leaf SET position = $1 WHERE position = $2`, p-1, p)
			}
			tr.exec(`UPDATE audit_tree SET size = 19`)
		}, want: []string{"tree", "rolled_back"}},
		"remove all":               {do: func(tr *trail) { tr.exec(`DELETE FROM audit`); tr.exec(`DELETE FROM audit_leaf`) }, want: []string{"missing"}},
		"put one among the sealed": {do: func(tr *trail) { tr.exec(`DELETE FROM audit_gap`); tr.exec(forge, -3) }, want: []string{"inserted -3"}},
		"exchange the places of two": {do: func(tr *trail) {
			tr.exec(`UPDATE audit_leaf SET audit_id = -1 WHERE position = 6`)
			tr.exec(`UPDATE audit_leaf SET audit_id = 7 WHERE position = 15`)
			tr.exec(`UPDATE audit_leaf SET audit_id = 16 WHERE position = 6`)
		}, want: []string{"reordered 16", "reordered 7"}},
		"exchange the ids of two": {do: func(tr *trail) {
			tr.exec(`UPDATE audit SET id = -1 WHERE id = 7`)
			tr.exec(`UPDATE audit SET id = 7 WHERE id = 16`)
			tr.exec(`UPDATE audit SET id = 16 WHERE id = -1`)
		}, want: []string{"reordered 7", "reordered 16"}},
		"exchange two with their leaves": {do: func(tr *trail) {
			tr.exec(`UPDATE audit_leaf SET position = -1 WHERE position = 14`)
			tr.exec(`UPDATE audit_leaf SET position = 14 WHERE position = 16`)
			tr.exec(`UPDATE audit_leaf SET position = 16 WHERE position = -1`)
		}, want: []string{"tree", "resealed"}},
		"another hash for a leaf": {do: func(tr *trail) { tr.exec(`UPDATE audit_leaf SET hash = $1 WHERE position = 13`, make([]byte, 32)) },
			want: []string{"tree", "resealed", "changed 14"}},
		"forget a checkpoint": {do: func(tr *trail) { tr.exec(`DELETE FROM audit_checkpoint WHERE size = 20`) }, want: []string{"unsigned"}},
		"alter a checkpoint": {do: func(tr *trail) {
			tr.exec(`UPDATE audit_checkpoint SET note = REPLACE(note, '12', '13') WHERE size = 12`)
		}, want: []string{"forged"}},
		"a checkpoint under another size": {do: func(tr *trail) { tr.exec(`UPDATE audit_checkpoint SET size = 11 WHERE size = 12`) }, want: []string{"forged"}},
		"a checkpoint that is no note":    {do: func(tr *trail) { tr.exec(`UPDATE audit_checkpoint SET note = 'x' WHERE size = 12`) }, want: []string{"forged"}},
		"another state of the tree":       {do: func(tr *trail) { tr.exec(`UPDATE audit_tree SET frontier = $1`, make([]byte, 64)) }, want: []string{"tree"}},
		"no tree":                         {do: func(tr *trail) { tr.exec(`DELETE FROM audit_tree`) }, want: []string{"rolled_back", "rolled_back", "missing"}},
		"claim that retention dropped them": {do: func(tr *trail) {
			tr.exec(`UPDATE audit_tree SET kept = 5`)
			tr.exec(`DELETE FROM audit WHERE id < 6`)
			tr.exec(`DELETE FROM audit_leaf WHERE position < 5`)
		}, want: []string{"dropped", "missing"}},
		"another key that signs": {do: func(tr *trail) {
			_, v, err := note.GenerateKey(rand.Reader, "teiten/audit/"+tr.keys.ID())
			if err != nil {
				tr.t.Fatal(err)
			}
			tr.exec(`UPDATE audit_signer SET verifier = $1`, v)
		}, want: []string{"signer", "forged", "forged", "unsigned"}, kept: []string{"signer", "forged", "forged", "forged", "unsigned"}},
		"cut everything back to the first batch": {do: func(tr *trail) {
			tr.exec(`DELETE FROM audit WHERE id > 12`)
			tr.exec(`DELETE FROM audit_leaf WHERE position > 11`)
			tr.exec(`DELETE FROM audit_checkpoint WHERE size > 12`)
		}, want: []string{"missing"}},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		(&trail{t: t, db: db}).unguard()
		for name, c := range cases {
			t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
				empty(t, db)
				tr, kept := sealed(t, db)
				c.do(tr)
				r := tr.verify()
				if got := kinds(r); !slices.Equal(got, c.want) {
					t.Errorf("found %v, want %v", got, c.want)
				}
				want := c.want
				if c.kept != nil {
					want = c.kept
				}
				if got := kinds(tr.verify(kept)); len(got) < len(want) {
					t.Errorf("with a checkpoint found %v, want %v", got, want)
				}
				for _, f := range r.Findings {
					for _, l := range locale.Langs {
						if s := f.Name(l); strings.ContainsAny(s, "{}[]") {
							t.Errorf("%s", s)
						}
					}
				}
			})
		}
	})
}

// empty makes a trail that has lost its guards new again.
func empty(t testing.TB, db *store.DB) {
	t.Helper()
	tr := &trail{t: t, db: db}
	for _, table := range []string{"audit", "audit_leaf", "audit_tree", "audit_gap", "audit_checkpoint", "audit_signer", "audit_segment", "audit_retention", "audit_denial"} {
		tr.exec(`DELETE FROM ` + table)
	}
	if db.Engine() == store.Postgres {
		tr.exec(`ALTER TABLE audit ALTER COLUMN id RESTART`)
	} else {
		tr.exec(`DELETE FROM sqlite_sequence WHERE name = 'audit'`)
	}
}

// Whoever writes a record's leaf anew, and the whole tree, and signs, has the
// installation's key; without it the range between two checkpoints is named.
func TestResealedRange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr, _ := sealed(t, db)
		tr.unguard()
		tr.exec(`UPDATE audit_leaf SET hash = (SELECT hash FROM audit_leaf WHERE position = 3) WHERE position = 14`)
		r := tr.verify()
		i := slices.IndexFunc(r.Findings, func(f audit.Finding) bool { return f.Kind == audit.Resealed })
		if i < 0 {
			t.Fatalf("found %+v", r.Findings)
		}
		if f := r.Findings[i]; f.From != 12 || f.To != 19 || f.Checkpoint != 20 || !slices.Equal(f.Records, []int64{12, 20}) ||
			!strings.Contains(f.Name(locale.English), "12–19 (records 12 to 20)") {
			t.Errorf("%+v: %s", f, f.Name(locale.English))
		}
	})
}

// On SQLite a number may become text.
func TestTextInPlaceOfANumber(t *testing.T) {
	db := storetest.SQLite(t)
	tr, _ := sealed(t, db)
	tr.unguard()
	tr.exec(`UPDATE audit SET at = 'yesterday' WHERE id = 5`)
	if got := kinds(tr.verify()); !slices.Equal(got, []string{"changed 5"}) {
		t.Errorf("found %v", got)
	}
}

// A database that was put back whole is its own earlier self; only what was
// kept elsewhere knows better.
func TestRollback(t *testing.T) {
	dir := t.TempDir()
	copyTo := func(from, to string) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(from, "teiten.db"))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, "teiten.db"), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	open := func(data string) *store.DB {
		t.Helper()
		db, err := store.Open(ctx, store.Options{Data: data})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	db := open(dir)
	tr := newTrail(t, db)
	tr.append(10)
	first := tr.seal().Note
	db.Close()
	old := t.TempDir()
	copyTo(dir, old)

	tr.db = open(dir)
	tr.append(5)
	later := tr.seal().Note
	tr.whole(first, later)

	tr.db = open(old)
	tr.whole(first)
	r := tr.verify(first, later)
	if got := kinds(r); !slices.Equal(got, []string{"rolled_back"}) || r.Findings[0].From != 10 || r.Findings[0].To != 14 || r.Findings[0].Checkpoint != 15 {
		t.Errorf("put back: %+v", r.Findings)
	}
	// It went on from there: as many records, but others.
	tr.append(7)
	tr.seal()
	r = tr.verify(first, later)
	if got := kinds(r); !slices.Equal(got, []string{"resealed"}) || r.Findings[0].From != 10 || r.Findings[0].To != 14 {
		t.Errorf("put back and continued: %+v", r.Findings)
	}
}

func TestKeptCheckpoints(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr, kept := sealed(t, db)
		tr.whole(strings.ReplaceAll(kept, "\n", "\r\n")) // as Windows may save it
		for _, bad := range []string{"", "x", strings.TrimSuffix(kept, "\n"), "\ufeff" + kept[:20]} {
			if _, err := audit.Verify(ctx, db, tr.keys, []byte(bad)); fault.Code(err) != "audit.note_format" {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if _, err := audit.Verify(ctx, db, tr.keys, make([]byte, 20<<10)); fault.Code(err) != "audit.note_size" {
			t.Errorf("a large file: %v", err)
		}
		stranger := newTrail(t, storetest.SQLite(t))
		stranger.append(3)
		for name, forged := range map[string]string{
			"another size": strings.Replace(kept, "\n12\n", "\n11\n", 1), "another installation's": stranger.seal().Note,
		} {
			if got := kinds(tr.verify(forged)); !slices.Equal(got, []string{"forged"}) {
				t.Errorf("%s: found %v", name, got)
			}
		}
	})
}

// Sealing does not sign what does not follow from what was signed.
func TestSealRefusesDamage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		(&trail{t: t, db: db}).unguard()
		for name, do := range map[string]func(tr *trail){
			"frontier":   func(tr *trail) { tr.exec(`UPDATE audit_tree SET frontier = $1`, make([]byte, 64)) },
			"length":     func(tr *trail) { tr.exec(`UPDATE audit_tree SET frontier = $1`, make([]byte, 32)) },
			"size":       func(tr *trail) { tr.exec(`UPDATE audit_tree SET size = 24`) },
			"checkpoint": func(tr *trail) { tr.exec(`DELETE FROM audit_checkpoint WHERE size = 20`) },
			"none":       func(tr *trail) { tr.exec(`DELETE FROM audit_checkpoint`) },
			"forged":     func(tr *trail) { tr.exec(`UPDATE audit_checkpoint SET note = REPLACE(note, '20', '21')`) },
			"no tree":    func(tr *trail) { tr.exec(`DELETE FROM audit_tree`) },
		} {
			t.Run(name, func(t *testing.T) {
				empty(t, db)
				tr, _ := sealed(t, db)
				do(tr)
				tr.append(1)
				if _, err := audit.Seal(ctx, db, tr.keys); fault.Code(err) != "audit.tree_damaged" {
					t.Errorf("%v", err)
				}
			})
		}
	})
}

func TestSignerIsProtected(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr, kept := sealed(t, db)
		var sealed []byte
		if err := db.QueryRow(ctx, `SELECT signer FROM audit_signer`).Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(sealed), "PRIVATE") {
			t.Error("the key lies open")
		}
		v := tr.verifier()
		if c, err := audit.ParseCheckpoint([]byte(kept), note.VerifierList(v)); err != nil || c.Size != 12 || c.Origin != v.Name() {
			t.Errorf("an institution reads %+v, %v", c, err)
		}
		keys, err := blob.NewKeyring()
		if err != nil {
			t.Fatal(err)
		}
		r, err := audit.Verify(ctx, db, keys)
		if err != nil || r.OK() || r.Findings[0].Kind != audit.BadSigner {
			t.Errorf("with another installation's key: %+v, %v", r, err)
		}
		tr.exec(`DELETE FROM audit_signer`)
		if r := tr.verify(); r.OK() || r.Findings[0].Kind != audit.BadSigner {
			t.Errorf("without a signer: %+v", r)
		}
		tr.append(1)
		if _, err := audit.Seal(ctx, db, tr.keys); fault.Code(err) != "audit.signer" {
			t.Errorf("sealing without a signer: %v", err)
		}
	})
}
