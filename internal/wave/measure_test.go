// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"slices"
	"testing"

	"teiten/internal/store"
)

func key(parts ...string) int64 { return store.KeyWith([32]byte{1}, parts...) }

// TestWaves measures how well the threshold tells waves apart: mails come in
// random order, and each joins the case of the mail before it that is most
// alike, as reports do.
func TestWaves(t *testing.T) {
	waves, each, others := 100, 20, 2000
	if testing.Short() {
		waves, others = 40, 500
	}
	type one struct {
		print Print
		of    int // wave, -1 ordinary
	}
	var all []one
	r := seeded(20261122)
	for i := range waves {
		p := newPlan(r)
		for range each {
			all = append(all, one{Of(read(t, p.mail(r)), key), i})
		}
	}
	for range others {
		all = append(all, one{Of(read(t, ordinary(r)), key), -1})
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })

	type seen struct {
		print *Print
		of    int
	}
	var before []seen
	begun := map[int]bool{}
	var joined, missed, wrong, ordinaryJoined int
	var within, across []float64
	for i := range all {
		best, of := 0.0, -2
		inWave := 0.0
		for _, b := range before {
			likeness := Alike(&all[i].print, b.print)
			if likeness > best {
				best, of = likeness, b.of
			}
			if b.of == all[i].of && b.of >= 0 {
				inWave = max(inWave, likeness)
			} else {
				across = append(across, likeness)
			}
		}
		switch {
		case all[i].of < 0 && best >= Threshold:
			ordinaryJoined++
		case all[i].of >= 0 && best >= Threshold && of != all[i].of:
			wrong++
		case all[i].of >= 0 && begun[all[i].of] && best < Threshold:
			missed++
		case all[i].of >= 0 && begun[all[i].of]:
			joined++
		}
		if all[i].of >= 0 && begun[all[i].of] {
			within = append(within, inWave)
		}
		begun[all[i].of] = true
		before = append(before, seen{&all[i].print, all[i].of})
	}
	slices.Sort(within)
	slices.Sort(across)
	later := waves * (each - 1)
	t.Logf("%d waves of %d mails, %d ordinary mails, threshold %.2f", waves, each, others, Threshold)
	t.Logf("same wave: joined %d of %d (%.2f %%); likeness to the closest: least %.2f, 1st percentile %.2f, median %.2f",
		joined, later, 100*float64(joined)/float64(later), within[0], within[len(within)/100], within[len(within)/2])
	t.Logf("into another wave: %d of %d (%.3f %%); ordinary mail joined: %d of %d (%.3f %%)",
		wrong, waves*each, 100*float64(wrong)/float64(waves*each), ordinaryJoined, others, 100*float64(ordinaryJoined)/float64(others))
	t.Logf("pairs not of a wave: %d; likeness median %.2f, 99th percentile %.2f, 99.99th %.2f, most %.2f", len(across),
		across[len(across)/2], across[len(across)*99/100], across[len(across)*9999/10000], across[len(across)-1])
	if float64(joined) < 0.99*float64(later) {
		t.Errorf("of the same wave only %d of %d joined (missed %d)", joined, later, missed)
	}
	if float64(wrong+ordinaryJoined) > 0.001*float64(waves*each+others) {
		t.Errorf("%d joined another wave, %d ordinary mails joined one", wrong, ordinaryJoined)
	}
}
