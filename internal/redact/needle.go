// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "unicode/utf8"

// needle is a known text that is looked for.
type needle struct {
	text  string // in the tight form
	kind  Kind
	shape shape
	class class // of a word of the vocabulary
}

// shape says how a needle must stand to count.
type shape uint8

const (
	anywhere  shape = iota // also inside words
	word                   // no Latin letter or digit beside it
	domain                 // a name of a host; what stands before it belongs to it
	kanaWord               // in katakana only, no katakana beside it
	kanjiWord              // no kanji beside it
)

// finder looks for many needles at once, in time that does not depend on how
// many they are: the automaton of Aho and Corasick (1975).
type finder struct {
	needles []needle
	nodes   []node
	root    [256]int32
	longest int
}

// node is a state. Children are a list, because a text in Japanese has few
// continuations behind the first byte; the root, which has many, has a table.
type node struct {
	child, sibling int32 // 0 for none
	fail, found    int32 // found: the nearest state on the fail path with a needle, 0 for none
	needle         int32 // -1 for none
	b              byte
}

// newFinder takes the first needle of each text.
func newFinder(needles []needle) *finder {
	f := &finder{nodes: make([]node, 1, 64)}
	f.nodes[0].needle = -1
	for _, n := range needles {
		f.add(n)
	}
	f.link()
	return f
}

func (f *finder) add(n needle) {
	if n.text == "" {
		return
	}
	at := int32(0)
	for i := 0; i < len(n.text); i++ {
		next := f.child(at, n.text[i])
		if next == 0 {
			next = int32(len(f.nodes))
			f.nodes = append(f.nodes, node{b: n.text[i], needle: -1, sibling: f.nodes[at].child})
			f.nodes[at].child = next
			if at == 0 {
				f.root[n.text[i]] = next
			}
		}
		at = next
	}
	if f.nodes[at].needle < 0 {
		f.nodes[at].needle = int32(len(f.needles))
		f.needles = append(f.needles, n)
		f.longest = max(f.longest, len(n.text))
	}
}

func (f *finder) child(at int32, b byte) int32 {
	if at == 0 {
		return f.root[b]
	}
	for c := f.nodes[at].child; c != 0; c = f.nodes[c].sibling {
		if f.nodes[c].b == b {
			return c
		}
	}
	return 0
}

func (f *finder) link() {
	queue := make([]int32, 0, len(f.nodes))
	for c := f.nodes[0].child; c != 0; c = f.nodes[c].sibling {
		queue = append(queue, c)
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for c := f.nodes[at].child; c != 0; c = f.nodes[c].sibling {
			fail := f.step(f.nodes[at].fail, f.nodes[c].b)
			f.nodes[c].fail = fail
			if f.nodes[fail].needle >= 0 {
				f.nodes[c].found = fail
			} else {
				f.nodes[c].found = f.nodes[fail].found
			}
			queue = append(queue, c)
		}
	}
}

func (f *finder) step(at int32, b byte) int32 {
	for {
		if next := f.child(at, b); next != 0 || at == 0 {
			return next
		}
		at = f.nodes[at].fail
	}
}

// each calls fn for every needle in s, with the end of it.
func (f *finder) each(s string, fn func(n *needle, end int)) {
	if len(f.needles) == 0 {
		return
	}
	at := int32(0)
	for i := 0; i < len(s); i++ {
		at = f.step(at, s[i])
		if at == 0 {
			continue
		}
		hit := at
		if f.nodes[hit].needle < 0 {
			hit = f.nodes[hit].found
		}
		for ; hit != 0; hit = f.nodes[hit].found {
			fn(&f.needles[f.nodes[hit].needle], i+1)
		}
	}
}

// in reports the kind of a needle of at least four bytes that the bytes carry,
// whatever stands between its letters. It is for what was decoded from base64
// and the like, where there are no words.
func (f *finder) in(b []byte) (Kind, bool) {
	at := int32(0)
	for _, c := range b {
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c < utf8.RuneSelf && !isAlnum(c) && c != '@':
			continue
		}
		at = f.step(at, c)
		hit := at
		if f.nodes[hit].needle < 0 {
			hit = f.nodes[hit].found
		}
		for ; hit != 0; hit = f.nodes[hit].found {
			if n := &f.needles[f.nodes[hit].needle]; len(n.text) >= 4 && n.shape != kanaWord {
				return n.kind, true
			}
		}
	}
	return "", false
}

// known hits the needles of a finder in a view.
func (v *view) known(f *finder, hit func(from, to int, kind Kind)) {
	if len(f.needles) == 0 {
		return
	}
	v.squeeze()
	f.each(v.tight, func(n *needle, end int) {
		start := end - len(n.text)
		from, to := int(v.pos[start]), int(v.pos[end-1])+1
		if to-from > 4*len(n.text)+16 {
			return // its letters are scattered
		}
		kind := n.kind
		switch n.shape {
		case word:
			if !v.wordEdges(from, to) {
				return
			}
		case kanaWord:
			if !v.kanaEdges(from, to) {
				return
			}
		case kanjiWord:
			if b, _ := v.before(from); isKanji(b) {
				return
			}
			if a, _ := v.after(to); isKanji(a) && !titlesBehind[string(a)] {
				return
			}
		case domain:
			var ok bool
			if from, to, kind, ok = v.host(from, to, kind); !ok {
				return
			}
		}
		hit(from, to, kind)
	})
}

// wordEdges reports whether a match with a Latin letter at its edge ends there.
func (v *view) wordEdges(from, to int) bool {
	if b, _ := v.before(from); isWord(b) && isAlnum(v.flat[from]) {
		return false
	}
	a, _ := v.after(to)
	return !isWord(a) || !isAlnum(v.flat[to-1])
}

// kanaEdges reports whether a match is a word in katakana: in hiragana, where
// no word has an edge, too much reads like a name.
func (v *view) kanaEdges(from, to int) bool {
	for _, r := range v.flat[from:to] {
		if isHiragana(r) && r != 'ー' {
			return false
		}
	}
	b, _ := v.before(from)
	a, _ := v.after(to)
	return !isKatakana(b) && !isKatakana(a)
}

// host widens a match of an inside domain by the names below it and by the
// local part in front of it. "xhospital.example.jp" and "x-hospital.example.jp"
// are other domains, which somebody took because they look alike: evidence.
func (v *view) host(from, to int, kind Kind) (int, int, Kind, bool) {
	if a, _ := v.after(to); isWord(a) {
		return 0, 0, "", false
	}
	if b, _ := v.before(from); isWord(b) {
		return 0, 0, "", false
	}
	label := func(r rune) bool {
		return isWord(r) || r == '.' || r == '-' || r == '_' || r == '+' || r == '~' || r == '=' && !v.url
	}
	start := v.runBack(from, 256, label)
	if start < from && v.flat[from-1] == '-' {
		end := v.run(to, 256, label)
		if end >= len(v.flat) || v.flat[end] != '@' {
			return 0, 0, "", false
		}
	}
	if at := v.atSign(start); at >= 0 {
		return v.runBack(at, 64, func(r rune) bool { return label(r) || r == '%' || r == '\'' }), to, Address, true
	}
	return start, to, kind, true
}

// atSign returns the beginning of an "@" that ends at i, plain or defanged, or
// -1.
func (v *view) atSign(i int) int {
	for _, at := range []string{"@", "[@]", "(@)", "[at]", "(at)", " [at] ", " (at) ", " at ", "<at>", "＠"} {
		if i >= len(at) && v.low[i-len(at):i] == at {
			return i - len(at)
		}
	}
	return -1
}
