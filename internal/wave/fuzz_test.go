// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"teiten/internal/mail"
)

// FuzzOf makes prints of whatever can be read. They are bounded, the same each
// time, survive storage, are like themselves, and take no long time.
func FuzzOf(f *testing.F) {
	r := seeded(1)
	for range 5 {
		f.Add([]byte(newPlan(r).mail(r)), []byte(ordinary(r)))
	}
	f.Add([]byte("Subject: \xff\x00=?iso-2022-jp?B?GyRC?=\n\n<p style=display:none><p hidden><script>"), []byte(""))
	f.Fuzz(func(t *testing.T, raw, other []byte) {
		m, err := mail.Read(raw, mail.Limits{})
		if err != nil {
			return
		}
		begin := time.Now()
		p := Of(m, key)
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%d bytes took %v", len(raw), took)
		}
		if len(p.lookup()) > indexed || len(p.Features) > 60 || p.Length > maxLetters {
			t.Errorf("%d features, %d of them looked up, length %d", len(p.Features), len(p.lookup()), p.Length)
		}
		if again := Of(m, key); !slices.Equal(again.Features, p.Features) || !reflect.DeepEqual(again.Text, p.Text) {
			t.Error("the same mail has two prints")
		}
		back, err := decode(p.encode())
		if err != nil || !slices.Equal(back.Features, p.Features) {
			t.Errorf("stored and read back: %v", err)
		}
		if o, err := mail.Read(other, mail.Limits{}); err == nil {
			q := Of(o, key)
			one, two := Alike(&p, &q), Alike(&q, &p)
			if one < 0 || one > 1 || one-two > 1e-9 || two-one > 1e-9 {
				t.Errorf("alike %v and %v", one, two)
			}
		}
		if self := Alike(&p, &p); self > 1 || p.Length >= fullText && self < Threshold {
			t.Errorf("a mail is like itself by %v", self)
		}
	})
}

// FuzzDecode reads damaged prints.
func FuzzDecode(f *testing.F) {
	r := seeded(2)
	p := Of(read(f, newPlan(r).mail(r)), key)
	f.Add(p.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decode(b)
		if err != nil {
			return
		}
		if back, err := decode(p.encode()); err != nil || !slices.Equal(back.Features, p.Features) {
			t.Errorf("%v", err)
		}
	})
}
