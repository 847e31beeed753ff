// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// Verify recomputes the whole tree from the records, as they are in one
// snapshot, and compares it with everything that was signed: the checkpoints in
// the store, what retention dropped, and the checkpoints that somebody kept
// elsewhere, which are given as text. It changes nothing. A kept text that is no
// checkpoint at all is an error; one that does not agree is a finding.
//
// What is found: a record that was changed in any field, removed, inserted among
// sealed ones or put into another place; a tree that was cut or made anew; a
// checkpoint that this installation did not sign. A database that was put back
// to an earlier state as a whole is found with a kept checkpoint only.
//
// Without keys, which may be nil, the store's own word is taken for the key that
// verifies signatures.
func Verify(ctx context.Context, db *store.DB, keys *blob.Keyring, kept ...[]byte) (*Report, error) {
	v := &verification{roots: map[int64]tlog.Hash{}}
	err := db.View(ctx, caller.System("audit verify"), func(tx *store.Tx) error {
		if err := v.begin(ctx, tx, keys); err != nil {
			return err
		}
		if err := v.claims(ctx, tx, kept); err != nil {
			return err
		}
		if err := v.dropped(ctx, tx); err != nil {
			return err
		}
		if err := v.leaves(ctx, tx); err != nil {
			return err
		}
		v.places()
		v.compare()
		return v.unsealed(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(v.Findings, func(a, b Finding) int { return cmp.Compare(a.From, b.From) })
	return &v.Report, nil
}

// verification is the work of one Verify.
type verification struct {
	Report
	state
	verifier note.Verifier // nil if there is none to believe
	tree     tree          // as the stored hashes of leaves make it
	next     int64         // position of the next leaf
	broken   bool          // a leaf is missing: what follows has another place
	signed   []claim       // by size
	roots    map[int64]tlog.Hash
	ends     map[int64]int64 // record at the last position of each size in signed
	wrong    []misplaced
}

// claim is what was signed of one size of the tree.
type claim struct {
	size int64
	root tlog.Hash
	kind Kind // of the finding if it is not so
}

// begin reads what the store says of the tree and who signs.
func (v *verification) begin(ctx context.Context, tx *store.Tx, keys *blob.Keyring) error {
	err := tx.QueryRow(ctx, `SELECT size, last_id, kept, frontier FROM audit_tree WHERE id = 1`).
		Scan(&v.state.size, &v.lastID, &v.kept, &v.frontier)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("audit: verify: %w", err)
	}
	v.Report.Size, v.Report.Kept, v.ends = v.state.size, v.kept, map[int64]int64{}
	text, err := Verifier(ctx, tx)
	if err != nil {
		return fmt.Errorf("audit: verify: %w", err)
	}
	switch {
	case text == "" && v.state.size == 0:
		return nil
	case keys != nil:
		if _, v.verifier, err = loadSigner(ctx, tx, keys); err != nil {
			v.verifier = nil
		}
	default:
		if v.verifier, err = note.NewVerifier(text); err != nil {
			v.verifier = nil
		}
	}
	if v.verifier == nil {
		v.find(Finding{Kind: BadSigner, From: -1, To: -1})
	}
	return nil
}

// parse reads a note of ours; nil if we did not sign it under that origin.
func (v *verification) parse(text []byte, origin string) (*Checkpoint, error) {
	var verifiers []note.Verifier
	if v.verifier != nil {
		verifiers = append(verifiers, v.verifier)
	}
	c, err := ParseCheckpoint(text, note.VerifierList(verifiers...))
	if fault.Code(err) == "audit.note_foreign" || err == nil && c.Origin != v.verifier.Name()+origin {
		return nil, nil
	}
	return c, err
}

// retentionOrigin is added to the origin of notes about what was dropped, so
// that none can pass for a checkpoint.
const retentionOrigin = "/retention"

// claims reads everything that was signed.
func (v *verification) claims(ctx context.Context, tx *store.Tx, kept [][]byte) error {
	for _, text := range kept {
		c, err := v.parse(text, "")
		if err != nil {
			return err
		}
		if c == nil {
			v.find(Finding{Kind: Forged, From: -1, To: -1})
			continue
		}
		v.claim(c.Size, c.Root, Resealed)
	}
	rows, err := tx.Query(ctx, `SELECT 0, size, at, note FROM audit_checkpoint UNION ALL SELECT 1, upto, at, note FROM audit_retention ORDER BY 1, 2`)
	if err != nil {
		return fmt.Errorf("audit: verify: %w", err)
	}
	defer rows.Close()
	var upto int64
	for rows.Next() {
		var which, size, at int64
		var text string
		if err := rows.Scan(&which, &size, &at, &text); err != nil {
			return fmt.Errorf("audit: verify: %w", err)
		}
		origin, kind, bad := "", Resealed, Forged
		if which == 1 {
			origin, kind, bad = retentionOrigin, Dropped, Dropped
		}
		c, err := v.parse([]byte(text), origin)
		if err != nil || c == nil || c.Size != size {
			v.find(Finding{Kind: bad, From: -1, To: -1, Checkpoint: size})
			continue
		}
		c.At = store.Time(at)
		if which == 1 {
			upto = max(upto, size)
		} else if v.Newest == nil || v.Newest.Size < c.Size {
			v.Newest = c
		}
		v.claim(size, c.Root, kind)
	}
	if upto != v.kept {
		v.find(Finding{Kind: Dropped, From: min(upto, v.kept), To: max(upto, v.kept) - 1, Checkpoint: v.kept})
	}
	return rows.Err()
}

func (v *verification) claim(size int64, root tlog.Hash, kind Kind) {
	v.Checkpoints++
	if size > v.state.size {
		v.find(Finding{Kind: RolledBack, From: v.state.size, To: size - 1, Checkpoint: size})
		return
	}
	v.signed = append(v.signed, claim{size, root, kind})
	v.roots[size] = tlog.Hash{}
}

// grow adds the hash of the leaf at the next position, of the record with the
// id, and notes the root where one was signed.
func (v *verification) grow(h tlog.Hash, id int64) {
	v.tree.add(h)
	v.next++
	if _, asked := v.roots[v.next]; asked {
		v.roots[v.next], v.ends[v.next] = v.tree.root(), id
	}
}

// dropped takes the leaves whose records are gone from the segments.
func (v *verification) dropped(ctx context.Context, tx *store.Tx) error {
	v.roots[0] = v.tree.root()
	rows, err := tx.Query(ctx, `SELECT number, hashes FROM audit_segment ORDER BY number`)
	if err != nil {
		return fmt.Errorf("audit: verify: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var number int64
		var hashes []byte
		if err := rows.Scan(&number, &hashes); err != nil {
			return fmt.Errorf("audit: verify: %w", err)
		}
		if number*segmentSize != v.next || len(hashes) != segmentSize*tlog.HashSize {
			v.missing(number * segmentSize)
		}
		for _, h := range splitHashes(hashes) {
			v.grow(h, 0)
		}
	}
	v.missing(v.kept)
	return rows.Err()
}

// missing notes that the leaves up to a position are gone, or too many.
func (v *verification) missing(upto int64) {
	if upto != v.next {
		v.find(Finding{Kind: Missing, From: min(v.next, upto), To: max(v.next, upto) - 1})
		v.next, v.broken = upto, true
	}
}

// misplaced is a record that is not what was sealed at its position.
type misplaced struct {
	row      row
	position int64
	is, want tlog.Hash
}

// leaves compares each record that is kept with its leaf.
func (v *verification) leaves(ctx context.Context, tx *store.Tx) error {
	rows, err := tx.Query(ctx, `SELECT l.position, l.audit_id, l.hash, a.id IS NOT NULL, COALESCE(a.id, 0), COALESCE(a.at, 0),
		COALESCE(a.account_id, 0), COALESCE(a.organisation_id, 0), COALESCE(a.device_id, 0), COALESCE(a.token_id, 0),
		COALESCE(a.actor, ''), COALESCE(a.role, ''), COALESCE(a.channel, ''), COALESCE(a.request, ''),
		COALESCE(a.action, ''), COALESCE(a.object, ''), COALESCE(a.detail, '')
		FROM audit_leaf l LEFT JOIN audit a ON a.id = l.audit_id ORDER BY l.position`)
	if err != nil {
		return fmt.Errorf("audit: verify: %w", err)
	}
	defer rows.Close()
	var (
		r            row
		position, id int64
		stored       sql.RawBytes
		there        bool
		buf          []byte
	)
	into := append([]any{&position, &id, &stored, &there}, r.fields()...)
	for rows.Next() {
		readable := rows.Scan(into...) == nil
		if !readable {
			// SQLite keeps text where a number belongs, if somebody puts it there.
			var rest [16]any
			if err := rows.Scan(append([]any{&position}, pointers(rest[:])...)...); err != nil {
				return fmt.Errorf("audit: verify: %w", err)
			}
			id, _ = rest[0].(int64)
			hash, _ := rest[1].([]byte)
			stored, there = hash, true
		}
		v.missing(position)
		var want tlog.Hash
		copy(want[:], stored)
		if there {
			v.Records++
		}
		switch {
		case !there:
			v.find(Finding{Kind: Removed, Record: id, From: position, To: position})
		case !readable || len(stored) != tlog.HashSize:
			v.find(Finding{Kind: Changed, Record: id, From: position, To: position})
		default:
			var is tlog.Hash
			if is, buf = r.hash(buf); is != want {
				v.misplace(misplaced{r, position, is, want})
			}
		}
		v.grow(want, id)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("audit: verify: %w", err)
	}
	v.missing(v.state.size)
	return nil
}

func pointers(values []any) []any {
	all := make([]any, len(values))
	for i := range values {
		all[i] = &values[i]
	}
	return all
}

func (v *verification) misplace(m misplaced) {
	if len(v.wrong) < mostFindings {
		v.wrong = append(v.wrong, m)
	} else {
		v.find(Finding{Kind: Changed, Record: m.row.id, From: m.position, To: m.position})
	}
}

// places tells records that changed from those that only changed places: what
// one holds, with its own id or the other's, was sealed at the other's place.
func (v *verification) places() {
	var buf []byte
	for _, m := range v.wrong {
		kind := Changed
		for _, other := range v.wrong {
			moved := m.row
			moved.id = other.row.id
			var h tlog.Hash
			if h, buf = moved.hash(buf); other.position != m.position && (m.is == other.want || h == other.want) {
				kind = Reordered
				break
			}
		}
		v.find(Finding{Kind: kind, Record: m.row.id, From: m.position, To: m.position})
	}
}

// compare holds the tree against everything that was signed. The first size at
// which they differ names the range: what lies before the last size that agrees
// is as it was.
func (v *verification) compare() {
	slices.SortFunc(v.signed, func(a, b claim) int { return cmp.Compare(a.size, b.size) })
	if v.broken {
		return // the finding is there already, and every later root differs
	}
	var agreed int64
	for _, c := range v.signed {
		if v.roots[c.size] == c.root {
			agreed = c.size
			continue
		}
		v.find(Finding{Kind: c.kind, From: agreed, To: c.size - 1, Records: []int64{v.ends[agreed], v.ends[c.size]}, Checkpoint: c.size})
		break
	}
	if v.tree.size != v.state.size || !bytes.Equal(v.tree.frontier(), v.frontier) {
		v.find(Finding{Kind: BadTree, From: -1, To: -1})
	}
	if v.state.size > 0 && (v.Newest == nil || v.Newest.Size < v.state.size) {
		v.find(Finding{Kind: Unsigned, From: -1, To: -1})
	}
}

// unsealed looks at the records without a place: those that came after the last
// sealing, or late, wait for one; others were put among the sealed.
func (v *verification) unsealed(ctx context.Context, tx *store.Tx) error {
	rows, err := tx.Query(ctx, `SELECT a.id, a.id > $1 OR EXISTS (SELECT 1 FROM audit_gap g WHERE a.id BETWEEN g.first_id AND g.last_id)
		FROM audit a WHERE NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.audit_id = a.id) ORDER BY a.id`, v.lastID)
	if err != nil {
		return fmt.Errorf("audit: verify: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var waits bool
		if err := rows.Scan(&id, &waits); err != nil {
			return fmt.Errorf("audit: verify: %w", err)
		}
		if waits {
			v.Unsealed++
		} else {
			v.find(Finding{Kind: Inserted, Record: id, From: -1, To: -1})
		}
	}
	return rows.Err()
}
