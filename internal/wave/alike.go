// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

// Threshold is from where on two prints are of one wave. It was found by
// measuring: TestWaves prints how well it tells waves apart.
const Threshold = 0.55

const (
	unlike    = 0.12 // resemblance of bodies in the same language about nothing alike
	same      = 0.85 // of bodies with a few words changed
	fullText  = 80   // letters of a body that counts fully
	missing   = 0.5  // how much of a weight counts when only one of two mails has it
	sameFile  = 0.85 // the least likeness of mails with the same file attached
	sameText  = 0.8  // likeness of bodies that needs nothing else
	untied    = 0.7
	enough    = 40  // points without which the likeness of little is no likeness
	shownPart = 0.4 // of the sender's weight, for the same name
	parent    = 0.6 // for the same domain
)

// Alike says how alike two prints are, from 0 to 1. It is the weighted mean of
// how alike sender, subject, links, files and bodies are, as far as the mails
// have them.
func Alike(a, b *Print) float64 {
	inA, inB := a.counts(), b.counts()
	common := shared(a, b)
	var sum, weights float64
	// part adds what both have, and of a weight half if only one has it.
	part := func(weight, likeness float64, kinds ...int) {
		hasA, hasB := false, false
		for _, k := range kinds {
			hasA, hasB = hasA || inA[k] > 0, hasB || inB[k] > 0
		}
		switch {
		case hasA && hasB:
			sum += weight * likeness
			weights += weight
		case hasA || hasB:
			weights += weight * missing
		}
	}
	of := func(kind int) float64 {
		if n := min(inA[kind], inB[kind]); n > 0 {
			return float64(common[kind]) / float64(n)
		}
		return 0
	}
	part(10, max(of(sender), parent*of(domain), shownPart*of(shown)), sender, shown)
	part(18, max(of(subject), above(resemblance(a.Title, b.Title), unlike, same)), subject)
	part(28, max(of(address), 0.75*of(host), 0.75*of(shape)), address)
	part(20, max(of(file), 0.6*of(name)), file, name)
	// A short body says little, however alike it is.
	length := min(a.Length, b.Length)
	if length == 0 {
		length = max(a.Length, b.Length)
	}
	text := above(resemblance(a.Text, b.Text), unlike, same)
	part(40*min(1, float64(length)/fullText), text, body)
	if weights == 0 {
		return 0
	}
	likeness := sum / weights * min(1, sum/enough)
	// Much of business correspondence reads alike. Without anything that only
	// one hand has, nearly all of the text must be the same.
	if text < sameText && common[sender]+common[domain]+common[address]+common[host]+common[shape]+common[file] == 0 {
		likeness *= untied
	}
	if common[file] > 0 { // the same file in another guise
		likeness = max(likeness, sameFile)
	}
	return likeness
}

// above maps low..high to 0..1.
func above(v, low, high float64) float64 { return min(1, max(0, (v-low)/(high-low))) }

// counts are how many features of each kind a print has.
func (p *Print) counts() (n [kindCount]int) {
	for _, f := range p.Features {
		n[f.kind]++
	}
	return n
}

// shared counts the features that both have, by kind.
func shared(a, b *Print) (n [kindCount]int) {
	for _, f := range a.Features {
		for _, g := range b.Features {
			if f.Hash == g.Hash && f.kind == g.kind {
				n[f.kind]++
				break
			}
		}
	}
	return n
}
