// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"cmp"
	"encoding/binary"
	"slices"
)

const (
	minimaCount = 128
	bands       = 12 // of which each three of a text's minima make a feature
	perBand     = 3
	maxLetters  = 8192 // of a body, the first ones
	leastText   = 24   // characters; of a shorter body there is no sketch
	leastTitle  = 4
	// mostWhole runs are kept as they are. A likeness that is estimated hangs on
	// the installation's key, and a wave of short mails would be one case here
	// and two there.
	mostWhole = 512
	wholeBits = 24 // of 512 runs and 512 others, 0.02 are taken for the same by chance
)

// sketcher has the functions under which minima are taken, made from one
// keyed hash.
type sketcher struct {
	seed uint64
	a, b [minimaCount]uint64
}

func newSketcher(seed uint64) *sketcher {
	s := &sketcher{seed: mix(seed)}
	x := seed
	for i := range s.a {
		x += 0x9e3779b97f4a7c15
		s.a[i] = mix(x) | 1
		x += 0x9e3779b97f4a7c15
		s.b[i] = mix(x)
	}
	return s
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// runs returns the keyed hashes of all runs of width adjacent letters.
func (s *sketcher) runs(letters []rune, width int) []uint64 {
	if len(letters) < width {
		return nil
	}
	all := make([]uint64, 0, len(letters)-width+1)
	for i := 0; i+width <= len(letters); i++ {
		h := s.seed
		for _, r := range letters[i : i+width] {
			h = (h ^ uint64(r)) * 0x100000001b3
		}
		all = append(all, mix(h))
	}
	return all
}

// minima returns the smallest value of the runs under each function; nil when
// there are no runs.
func (s *sketcher) minima(runs []uint64) []uint64 {
	if len(runs) == 0 {
		return nil
	}
	min := make([]uint64, len(s.a))
	for i := range min {
		min[i] = ^uint64(0)
	}
	for _, h := range runs {
		for j := range min {
			if v := h*s.a[j] + s.b[j]; v < min[j] {
				min[j] = v
			}
		}
	}
	return min
}

// Sketch stands for the runs of letters that a text has. The zero value is that
// of no text.
type Sketch struct {
	// Minima has one byte of each of 128 minima.
	Minima []byte
	// Whole has 24 bits of each run's keyed hash, ascending, each once. It is
	// nil when there are more than 512.
	Whole []uint32
}

// sketch takes a sketch of runs whose minima are known.
func sketch(runs, minima []uint64) (s Sketch) {
	if minima == nil {
		return s
	}
	s.Minima = make([]byte, len(minima))
	for i, v := range minima {
		s.Minima[i] = byte(mix(v))
	}
	if len(runs) > 4*mostWhole { // no text repeats itself so often
		return s
	}
	whole := make([]uint32, len(runs))
	for i, h := range runs {
		whole[i] = uint32(h >> (64 - wholeBits))
	}
	slices.Sort(whole)
	if whole = slices.Compact(whole); len(whole) <= mostWhole {
		s.Whole = slices.Clip(whole)
	}
	return s
}

// band is the text of the i-th band's minima, for hashing.
func band(minima []uint64, i int) string {
	b := make([]byte, 0, 8*perBand)
	for _, v := range minima[i*perBand : (i+1)*perBand] {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return string(b)
}

// resemblance says how much of both texts is common (the Jaccard index of their
// runs of letters), 0 to 1. Where both sketches are whole it is exact, and the
// same for every key; else it is estimated, with a standard error of up to 0.044.
func resemblance(a, b Sketch) float64 {
	if a.Whole != nil && b.Whole != nil {
		common := 0
		for i, j := 0, 0; i < len(a.Whole) && j < len(b.Whole); {
			switch c := cmp.Compare(a.Whole[i], b.Whole[j]); {
			case c < 0:
				i++
			case c > 0:
				j++
			default:
				common, i, j = common+1, i+1, j+1
			}
		}
		return float64(common) / float64(len(a.Whole)+len(b.Whole)-common)
	}
	if len(a.Minima) == 0 || len(a.Minima) != len(b.Minima) {
		return 0
	}
	same := 0
	for i := range a.Minima {
		if a.Minima[i] == b.Minima[i] {
			same++
		}
	}
	const chance = 1.0 / 256 // that two bytes are equal for no reason
	return max(0, (float64(same)/float64(len(a.Minima))-chance)/(1-chance))
}
