// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// maxProof is the most hashes of a consistency proof, as C2SP tlog-witness has
// it: a tree of 2^63 leaves needs fewer.
const maxProof = 63

// Prove returns the newest checkpoint with the proof that it continues the tree
// as it was when it had old leaves (RFC 6962 section 2.1.2), in the form of a
// request of C2SP tlog-witness: "old" and the size, the hashes of the proof in
// base64, a line each, an empty line, the checkpoint. CheckProof, or any program
// that knows the form, checks it without this installation. Who may have it is
// no question: hashes tell nothing of records.
func Prove(ctx context.Context, db *store.DB, old int64) (text string, err error) {
	err = db.View(ctx, caller.System("audit prove"), func(tx *store.Tx) error {
		newest, err := Newest(ctx, tx)
		if err != nil {
			return err
		}
		if newest == nil || old < 0 || old > newest.Size {
			return fault.New(fault.Invalid, "audit.proof_size").At("since")
		}
		var proof tlog.TreeProof
		if old > 0 { // everything continues nothing
			proof, err = tlog.ProveTree(newest.Size, old, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
				return subtrees(ctx, tx, indexes)
			}))
			if err != nil {
				return fmt.Errorf("audit: proof: %w", err)
			}
		}
		var b strings.Builder
		fmt.Fprintf(&b, "old %d\n", old)
		for _, h := range proof {
			b.WriteString(h.String() + "\n")
		}
		text = b.String() + "\n" + newest.Note
		return nil
	})
	return text, err
}

// subtrees computes the roots of the complete subtrees that package tlog names
// by an index.
func subtrees(ctx context.Context, q store.Queryer, indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		var t tree
		if err := eachLeaf(ctx, q, n<<level, (n+1)<<level, func(h tlog.Hash) { t.add(h) }); err != nil {
			return nil, err
		}
		if t.size != 1<<level {
			return nil, damagedTree(nil)
		}
		all[i] = t.root()
	}
	return all, nil
}

// eachLeaf gives the hashes of the leaves from one position to before another.
func eachLeaf(ctx context.Context, q store.Queryer, from, to int64, fn func(tlog.Hash)) error {
	rows, err := q.Query(ctx, `SELECT number * 256, hashes FROM audit_segment WHERE number >= $1 / 256 AND number * 256 < $2
		UNION ALL SELECT position, hash FROM audit_leaf WHERE position >= $1 AND position < $2 ORDER BY 1`, from, to)
	if err != nil {
		return fmt.Errorf("audit: leaves: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var hashes []byte
		if err := rows.Scan(&at, &hashes); err != nil {
			return fmt.Errorf("audit: leaves: %w", err)
		}
		for i, h := range splitHashes(hashes) {
			if p := at + int64(i); p >= from && p < to {
				fn(h)
			}
		}
	}
	return rows.Err()
}

// CheckProof checks what Prove returned against a checkpoint that was kept. The
// log has only grown since then if the error is nil; the newer checkpoint is
// returned, to be kept in the older one's place. It needs no store.
func CheckProof(kept *Checkpoint, text []byte, verifiers note.Verifiers) (*Checkpoint, error) {
	if len(text) > 2*maxNote {
		return nil, fault.New(fault.TooLarge, "audit.note_size", "most", 2*maxNote)
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	head, signed, _ := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	if !ok || len(lines) > 1+maxProof {
		return nil, fault.New(fault.Invalid, "audit.proof_format")
	}
	old, err := strconv.ParseInt(size, 10, 64)
	if err != nil || strconv.FormatInt(old, 10) != size {
		return nil, fault.New(fault.Invalid, "audit.proof_format")
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil || h.String() != line {
			return nil, fault.New(fault.Invalid, "audit.proof_format")
		}
		proof = append(proof, h)
	}
	newest, err := ParseCheckpoint(signed, verifiers)
	if err != nil {
		return nil, err
	}
	if old != kept.Size {
		return nil, fault.New(fault.Invalid, "audit.proof_other", "have", plain(old), "want", plain(kept.Size))
	}
	wrong := fault.New(fault.Conflict, "audit.proof_wrong")
	if newest.Origin != kept.Origin {
		return nil, wrong
	}
	if old == 0 {
		if t := (&tree{}); len(proof) != 0 || kept.Root != t.root() {
			return nil, wrong
		}
		return newest, nil
	}
	if err := tlog.CheckTree(proof, newest.Size, newest.Root, old, kept.Root); err != nil {
		wrong.Err = err
		return nil, wrong
	}
	return newest, nil
}
