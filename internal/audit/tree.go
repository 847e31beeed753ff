// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"crypto/sha256"
	"errors"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// tree is a Merkle tree (RFC 6962 section 2.1) to which leaves are added: the
// roots of its complete subtrees, the largest first. Each is of the size that a
// bit of size stands for. The zero tree is empty.
type tree struct {
	size  int64
	roots []tlog.Hash
}

// add adds the hash of a leaf.
func (t *tree) add(h tlog.Hash) {
	t.roots = append(t.roots, h)
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.roots) - 1
		t.roots[last-1] = tlog.NodeHash(t.roots[last-1], t.roots[last])
		t.roots = t.roots[:last]
	}
	t.size++
}

// root returns the hash of the tree. That of no leaves is the hash of nothing.
func (t *tree) root() tlog.Hash {
	last := len(t.roots) - 1
	if last < 0 {
		return sha256.Sum256(nil)
	}
	h := t.roots[last]
	for i := last - 1; i >= 0; i-- {
		h = tlog.NodeHash(t.roots[i], h)
	}
	return h
}

// frontier returns the roots as they are stored.
func (t *tree) frontier() []byte {
	b := make([]byte, 0, len(t.roots)*tlog.HashSize)
	for _, h := range t.roots {
		b = append(b, h[:]...)
	}
	return b
}

var errFrontier = errors.New("audit: the stored state of the tree does not fit its size")

// growTree continues a tree from what was stored.
func growTree(size int64, frontier []byte) (*tree, error) {
	if size < 0 || len(frontier) != bits.OnesCount64(uint64(size))*tlog.HashSize {
		return nil, errFrontier
	}
	return &tree{size, splitHashes(frontier)}, nil
}

// splitHashes cuts hashes that were written one after the other.
func splitHashes(b []byte) []tlog.Hash {
	all := make([]tlog.Hash, len(b)/tlog.HashSize)
	for i := range all {
		copy(all[i][:], b[i*tlog.HashSize:])
	}
	return all
}
