// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import "fmt"

// matcher finds many phrases in a folded text in one pass: the automaton of Aho
// and Corasick (CACM 18, 1975) with all transitions filled in, over classes of
// bytes rather than bytes, so that it stays in the cache.
type matcher struct {
	class   [256]uint8
	classes int
	next    []uint16 // state × class
	out     []int32  // for each state: index into ends of its first phrase, or -1
	ends    []ending
}

// ending is a phrase that ends in a state.
type ending struct {
	phrase int32 // its number
	length int32
	bound  bool  // it begins and ends with ASCII letters or digits: none may stand beside it
	more   int32 // the next one that ends here, -1 for none
}

// newMatcher compiles phrases, which are folded. Empty ones never match.
func newMatcher(phrases []string) *matcher {
	m := &matcher{classes: 1}
	for _, p := range phrases {
		for i := range len(p) {
			if m.class[p[i]] == 0 {
				m.class[p[i]] = uint8(m.classes)
				m.classes++
			}
		}
	}
	// A trie in which 0 means "no child", for nothing leads back to the root.
	m.next = make([]uint16, m.classes)
	m.out = []int32{-1}
	for n, p := range phrases {
		if p == "" {
			continue
		}
		state := 0
		for i := range len(p) {
			at := state*m.classes + int(m.class[p[i]])
			if m.next[at] == 0 {
				if len(m.out) > 0xFFFF {
					panic(fmt.Sprintf("mailcheck: too many phrases (%d states)", len(m.out)))
				}
				m.next[at] = uint16(len(m.out))
				m.out = append(m.out, -1)
				m.next = append(m.next, make([]uint16, m.classes)...)
			}
			state = int(m.next[at])
		}
		m.ends = append(m.ends, ending{int32(n), int32(len(p)), isWord(p[0]) || isWord(p[len(p)-1]), m.out[state]})
		m.out[state] = int32(len(m.ends) - 1)
	}
	m.link()
	return m
}

// link fills in the transitions that fail, in the order of depth.
func (m *matcher) link() {
	fail := make([]uint16, len(m.out))
	queue := make([]uint16, 0, len(m.out))
	for c := range m.classes {
		if s := m.next[c]; s != 0 {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		for c := range m.classes {
			at := int(s)*m.classes + c
			back := m.next[int(fail[s])*m.classes+c]
			child := m.next[at]
			if child == 0 {
				m.next[at] = back
				continue
			}
			fail[child] = back
			queue = append(queue, child)
			// What ends at the suffix ends here too. Its chain is complete,
			// because it is nearer to the root.
			if m.out[child] < 0 {
				m.out[child] = m.out[back]
				continue
			}
			last := m.out[child]
			for m.ends[last].more >= 0 {
				last = m.ends[last].more
			}
			m.ends[last].more = m.out[back]
		}
	}
}

func isWord(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// each calls fn with every phrase in the text and where it stands.
func (m *matcher) each(text string, fn func(phrase, from, to int)) {
	state := 0
	for i := range len(text) {
		state = int(m.next[state*m.classes+int(m.class[text[i]])])
		for e := m.out[state]; e >= 0; e = m.ends[e].more {
			end := &m.ends[e]
			from, to := i+1-int(end.length), i+1
			if end.bound && !bounded(text, from, to) {
				continue
			}
			fn(int(end.phrase), from, to)
		}
	}
}

func bounded(text string, from, to int) bool {
	if isWord(text[from]) && from > 0 && isWord(text[from-1]) {
		return false
	}
	return !(isWord(text[to-1]) && to < len(text) && isWord(text[to]))
}
