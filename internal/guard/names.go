// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
)

// ref says which list holds a name, and what it covers.
type ref struct {
	list  uint32
	cover cover
}

type cover uint8

const (
	alone  cover = iota // this value only
	below               // this host and all names below
	dotted              // the same, written with a leading dot
)

// names is an exact index of hosts and other texts. Each distinct text is
// stored once, end to end in one string; an open-addressing table of four-byte
// slots finds it. 100,000 hosts take about 4 MB.
type names struct {
	seed  maphash.Seed
	texts Values
	first []uint32 // refs of text i are refs[first[i]:first[i+1]]
	refs  []ref
	slots []uint32 // text number + 1; 0 is free
}

type named struct {
	text string
	ref  ref
}

// newNames takes over all, which it sorts.
func newNames(all []named) *names {
	slices.SortFunc(all, func(a, b named) int {
		return cmp.Or(strings.Compare(a.text, b.text), cmp.Compare(a.ref.list, b.ref.list), cmp.Compare(b.ref.cover, a.ref.cover))
	})
	n := &names{seed: maphash.MakeSeed(), refs: make([]ref, 0, len(all))}
	var texts packer
	for i, e := range all {
		switch {
		case i == 0 || e.text != all[i-1].text:
			texts.add(e.text)
			n.first = append(n.first, uint32(len(n.refs)))
		case e.ref.list == all[i-1].ref.list:
			continue // the list has it twice; the wider cover came first
		}
		n.refs = append(n.refs, e.ref)
	}
	n.first = append(slices.Clip(n.first), uint32(len(n.refs)))
	n.texts = texts.values()

	size := 8
	for size < 2*n.texts.Len() {
		size *= 2
	}
	n.slots = make([]uint32, size)
	for i, text := range n.texts.All() {
		at := n.slot(text)
		for n.slots[at] != 0 {
			at = (at + 1) & (size - 1)
		}
		n.slots[at] = uint32(i + 1)
	}
	return n
}

func (n *names) slot(text string) int {
	return int(maphash.String(n.seed, text) & uint64(len(n.slots)-1))
}

// find returns the lists that hold text.
func (n *names) find(text string) []ref {
	for at := n.slot(text); n.slots[at] != 0; at = (at + 1) & (len(n.slots) - 1) {
		i := int(n.slots[at] - 1)
		if n.texts.At(i) == text {
			return n.refs[n.first[i]:n.first[i+1]]
		}
	}
	return nil
}
