// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"teiten/internal/mail"
	"teiten/internal/store"
)

// brief makes mails of one wave that say little: n sentences, of which the
// first may be cut to a few words.
func brief(r random, n, letters int) func() string {
	brand := r.one(brands)
	subject := fmt.Sprintf([]string{"【%s】重要なお知らせ", "%s：ご利用の確認", "請求書の件", "ご確認ください", "お荷物のお届けについて", "至急のお願い", "%sからのご連絡", "支払いの確認"}[r.IntN(8)], brand)
	if strings.Contains(subject, "%!") {
		subject, _, _ = strings.Cut(subject, "%!")
	}
	sentences := append(r.some(threats, (n+1)/2), r.some(demands, n/2)...)
	if letters > 0 {
		sentences = []string{clip(sentences[0], 3*letters)}
	}
	path := "/" + strings.Join(r.some(words, 1+r.IntN(2)), "/") + []string{"/index.php", "/", "/signin.html"}[r.IntN(3)]
	var hosts, senders []string
	for range 2 {
		hosts = append(hosts, r.one(words)+"-"+r.letters(4)+".example")
		senders = append(senders, r.one(words)+"."+r.letters(5)+".example")
	}
	linked, html := r.IntN(3) > 0, r.IntN(2) == 0
	return func() string {
		person := r.one(families) + r.one(givens)
		title := subject
		switch r.IntN(4) {
		case 0:
			title += fmt.Sprintf("（%d）", r.IntN(1e6))
		case 1:
			title = "至急 " + title
		case 2:
			title = strings.NewReplacer("確認", "ご確認", "ください", "下さい", "お知らせ", "ご案内").Replace(title)
		}
		text := slices.Clone(sentences)
		if i := r.IntN(len(text)); r.IntN(3) == 0 {
			text[i] = synonyms.Replace(text[i])
		}
		url := ""
		lines := append([]string{person + " 様", ""}, text...)
		if linked {
			url = "https://" + r.one(hosts) + path + "?id=" + r.hex(20)
			lines = append(lines, url)
		}
		return build(r, brand, "info"+fmt.Sprint(r.IntN(100))+"@"+r.one(senders), person, r.letters(6)+"@"+r.one(doms), title, lines, url, html, "")
	}
}

// TestKeys measures how much it depends on an installation's key whether two
// mails are of one wave, and whether the index finds the one for the other.
// Without chance, all installations would agree.
func TestKeys(t *testing.T) {
	keys, pairs := 100, 20 // 1,000 keys and 60 pairs take minutes
	if testing.Short() {
		keys, pairs = 20, 10
	}
	for _, kind := range []struct {
		name  string
		whole bool // the texts are short enough to be kept so
		wave  func(r random) func() string
	}{
		{"few words", true, func(r random) func() string { return brief(r, 1, 8) }},
		{"one sentence", true, func(r random) func() string { return brief(r, 1, 0) }},
		{"two sentences", true, func(r random) func() string { return brief(r, 2, 0) }},
		{"four sentences", true, func(r random) func() string { return brief(r, 4, 0) }},
		{"long", true, func(r random) func() string { p := newPlan(r); return func() string { return p.mail(r) } }},
		{"very long", false, func(r random) func() string {
			p := newPlan(r)
			p.text = append(p.text[:2:2], append(r.some(threats, 10), append(r.some(demands, 8), r.some(remarks, 14)...)...)...)
			return func() string { return p.mail(r) }
		}},
	} {
		r := seeded(uint64(len(kind.name)) + 20261123)
		for _, of := range []string{"one wave", "two waves"} {
			var all [][2]*mail.Message
			for range pairs {
				a := kind.wave(r)
				b := a
				if of == "two waves" {
					b = kind.wave(r)
				}
				all = append(all, [2]*mail.Message{read(t, a()), read(t, b())})
			}
			always, never, split, joined, found := 0, 0, 0, 0, 0
			spread, worst := 0.0, 0
			lost := 0 // verdicts unlike those of most installations
			for _, pair := range all {
				n, sum, squares := 0, 0.0, 0.0
				for k := range keys {
					var seed [32]byte
					binary.BigEndian.PutUint64(seed[:], uint64(k)+1)
					key := func(parts ...string) int64 { return store.KeyWith(seed, parts...) }
					x, y := Of(pair[0], key), Of(pair[1], key)
					likeness := Alike(&x, &y)
					sum, squares = sum+likeness, squares+likeness*likeness
					if likeness >= Threshold {
						n++
						if slices.ContainsFunc(x.lookup(), func(h int64) bool { return slices.Contains(y.lookup(), h) }) {
							found++
						}
					}
				}
				mean := sum / float64(keys)
				spread += math.Sqrt(max(0, squares/float64(keys)-mean*mean))
				joined += n
				lost += min(n, keys-n)
				worst = max(worst, min(n, keys-n))
				switch n {
				case keys:
					always++
				case 0:
					never++
				default:
					split++
				}
			}
			total := pairs * keys
			t.Logf("%-14s %-9s: %3d pairs joined under all of %d keys, %3d under none, %3d under some; joined %.3f %%, found by the index %.3f %% of those; against most keys %.3f %%, worst pair %.1f %%; spread %.4f",
				kind.name, of, always, keys, never, split, 100*float64(joined)/float64(total), 100*float64(found)/float64(max(1, joined)),
				100*float64(lost)/float64(total), 100*float64(worst)/float64(keys), spread/float64(pairs))
			if kind.whole && 1000*lost > total {
				t.Errorf("%s, %s: more than 0.1 %% of the verdicts depend on the key", kind.name, of)
			}
			if of == "two waves" && 1000*joined > total {
				t.Errorf("%s: %d of %d joins are false", kind.name, joined, total)
			}
			if of == "one wave" && 1000*found < 999*joined {
				t.Errorf("%s: of %d that are alike the index finds %d", kind.name, joined, found)
			}
		}
	}
}

// A print that was stored in the first form, with minima only, is compared with
// a new one.
func TestFirstForm(t *testing.T) {
	r := seeded(12)
	for range 20 {
		wave := newPlan(r)
		old, p := Of(read(t, wave.mail(r)), key), Of(read(t, wave.mail(r)), key)
		b := old.encode()
		// The same without the whole sketches, and with the first version's number.
		first := []byte{withMinima}
		at := 2 + 9*int(b[1])
		first = append(first, b[1:at]...)
		for range 2 {
			n := int(b[at])
			first = append(first, b[at:at+1+n]...)
			at += 1 + n
			at += 2 + 3*int(binary.BigEndian.Uint16(b[at:]))
		}
		first = append(first, b[at:]...)
		back, err := decode(first)
		if err != nil {
			t.Fatal(err)
		}
		if back.Text.Whole != nil || back.Title.Whole != nil || !slices.Equal(back.Features, old.Features) || back.Length != old.Length {
			t.Fatalf("read back: %+v", back)
		}
		exact, estimated := Alike(&old, &p), Alike(&back, &p)
		if math.Abs(exact-estimated) > 0.12 {
			t.Errorf("alike by %.2f, with the stored one by %.2f", exact, estimated)
		}
		if _, err := decode(append(first, 0)); err == nil {
			t.Error("a byte too much is read")
		}
	}
}
