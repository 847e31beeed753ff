// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import "encoding/binary"

const (
	textMinima  = 128
	titleMinima = 128
	bands       = 12 // of which each three of a text's minima make a feature
	perBand     = 3
	maxLetters  = 8192 // of a body, the first ones
	leastText   = 24   // characters; of a shorter body there is no sketch
	leastTitle  = 4
)

// sketcher has the functions under which minima are taken, made from one
// keyed hash.
type sketcher struct {
	seed uint64
	a, b [textMinima]uint64
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

// minima returns the smallest value, under each of n functions, of all runs of
// width adjacent letters; nil when there is none.
func (s *sketcher) minima(letters []rune, width, n int) []uint64 {
	if len(letters) < width {
		return nil
	}
	min := make([]uint64, n)
	for i := range min {
		min[i] = ^uint64(0)
	}
	for i := 0; i+width <= len(letters); i++ {
		h := s.seed
		for _, r := range letters[i : i+width] {
			h = (h ^ uint64(r)) * 0x100000001b3
		}
		h = mix(h)
		for j := range min {
			if v := h*s.a[j] + s.b[j]; v < min[j] {
				min[j] = v
			}
		}
	}
	return min
}

// cut keeps one byte of each minimum.
func cut(minima []uint64) []byte {
	if minima == nil {
		return nil
	}
	b := make([]byte, len(minima))
	for i, v := range minima {
		b[i] = byte(mix(v))
	}
	return b
}

// band is the text of the i-th band's minima, for hashing.
func band(minima []uint64, i int) string {
	b := make([]byte, 0, 8*perBand)
	for _, v := range minima[i*perBand : (i+1)*perBand] {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return string(b)
}

// resemblance estimates from two sketches how much of both texts is common
// (the Jaccard index of their runs of letters), 0 to 1.
func resemblance(a, b []byte) float64 {
	if len(a) == 0 || len(a) != len(b) {
		return 0
	}
	same := 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	const chance = 1.0 / 256 // that two bytes are equal for no reason
	return max(0, (float64(same)/float64(len(a))-chance)/(1-chance))
}
