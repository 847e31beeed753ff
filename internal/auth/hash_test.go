// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

func TestPHC(t *testing.T) {
	for _, c := range []cost{production, {8, 1, 1}, {128 << 10, 16, 4}} {
		p := phc{cost: c, salt: []byte("0123456789abcdef"), hash: make([]byte, 32)}
		if got, err := parsePHC(p.String()); err != nil || got.String() != p.String() || got.cost != c {
			t.Errorf("%s is read as %s, %v", p, got, err)
		}
	}
	const good = "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA"
	if _, err := parsePHC(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{"argon2id", "argon2i"}, {"v=19", "v=16"}, {"m=64", "m=064"}, {"m=64", "m=7"}, {"m=64", "m=131073"}, {"m=64", "m=99999999999"},
		{"t=1", "t=0"}, {"t=1", "t=17"}, {"p=1", "p=0"}, {"p=1", "p=5"}, {"p=1", "p=1,x=1"}, {"m=64,t=1", "t=1,m=64"}, {"m=64", "m=-64"},
		{"MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1"}, {"MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1Njc4OWFiY2RlZg=="}, {"MDEy", "M\nDEy"},
		{"AAAAAAAAAAAAAAAAAAAAAA", "AAAA"}, {"AAAAAAAAAAAAAAAAAAAAAA", strings.Repeat("A", 400)}, {"$argon2id", "argon2id"}, {"$AAAA", "$AA$AA"},
	} {
		if p, err := parsePHC(strings.Replace(good, c[0], c[1], 1)); err == nil {
			t.Errorf("%s for %s is read as %s", c[1], c[0], p)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=32768,t=3,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			return
		}
		if p.String() != s {
			t.Errorf("%q is written back as %q", s, p.String())
		}
		if p.memory > most.memory || p.passes > most.passes || p.lanes > most.lanes || p.memory < 8*uint32(p.lanes) || p.passes == 0 || p.lanes == 0 {
			t.Errorf("%q asks for %+v", s, p.cost)
		}
	})
}

// What is stored is argon2id as the library computes it.
func TestHash(t *testing.T) {
	stored, err := hashPassword(ctx, "ｐａｓｓ 病院のﾊﾟｽﾜｰﾄﾞ")
	if err != nil {
		t.Fatal(err)
	}
	p, err := parsePHC(stored)
	if err != nil || p.cost != present || len(p.salt) != 16 || len(p.hash) != 32 {
		t.Fatalf("%s: %v", stored, err)
	}
	if want := argon2.IDKey([]byte("pass 病院のパスワード"), p.salt, p.passes, p.memory, p.lanes, 32); string(want) != string(p.hash) {
		t.Error("it is another hash")
	}
	for typed, want := range map[string]bool{"pass 病院のパスワード": true, "pass 病院のパスワード ": false, "PASS 病院のパスワード": false, "": false} {
		if ok, old, err := verifyPassword(ctx, stored, typed); ok != want || old || err != nil {
			t.Errorf("%q: %v %v %v", typed, ok, old, err)
		}
	}
	if ok, _, err := verifyPassword(ctx, "", ""); ok || err != nil {
		t.Errorf("nobody has a password: %v %v", ok, err)
	}
	if again, _ := hashPassword(ctx, "x"); again == stored {
		t.Error("two hashes are the same")
	}
}

// A flood runs two at a time, and what cannot wait is told so.
func TestGate(t *testing.T) {
	g := &gate{slots: make(chan struct{}, 2), wait: 50 * time.Millisecond}
	g.slots <- struct{}{}
	g.slots <- struct{}{} // two that never end
	var all sync.WaitGroup
	var mu sync.Mutex
	codes := map[string]int{}
	for range maxQueue + 36 {
		all.Go(func() {
			_, err := g.run(ctx, "x", make([]byte, 16), present, 32)
			mu.Lock()
			defer mu.Unlock()
			codes[fmt.Sprint(err)]++
		})
	}
	all.Wait()
	if codes["auth.busy"] != maxQueue+36 || g.runs.Load() != 0 || g.waiting.Load() != 0 {
		t.Errorf("%v, %d ran, %d wait", codes, g.runs.Load(), g.waiting.Load())
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	g.wait = time.Hour
	if _, err := g.run(gone, "x", make([]byte, 16), present, 32); !errors.Is(err, context.Canceled) {
		t.Errorf("a visitor who is gone: %v", err)
	}
	<-g.slots
	if _, err := g.run(ctx, "x", make([]byte, 16), present, 32); err != nil || len(g.slots) != 1 {
		t.Errorf("%v, %d slots are taken", err, len(g.slots))
	}
}

// Too many at once is no failure of the person.
func TestBusyIsNotCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		defer func(g *gate) { hashing = g }(hashing)
		hashing = &gate{slots: make(chan struct{}), wait: time.Millisecond}
		for range 7 {
			_, _, err := u.attempt(u.dev, u.password, u.code())
			want(t, err, "auth.busy")
		}
		if n := w.count(`SELECT COALESCE(SUM(failures), 0) FROM auth_throttle`); n != 0 {
			t.Errorf("%d failures are counted", n)
		}
	})
}

func TestNormalCode(t *testing.T) {
	for typed, want := range map[string]string{
		"abcd-efgh": "ABCDEFGH", "ＡＢＣＤ　１２３": "ABCD123", "o0iIlL": "001111", "12 34\t56": "123456", "12–34—56ー7−8": "12345678",
		"": "", "abc*": "", "病院": "", strings.Repeat("1", 201): "", "１２３４５６": "123456", "\xff": "",
	} {
		if got := normalCode(typed); got != want {
			t.Errorf("%q is %q, want %q", typed, got, want)
		}
	}
	seen := map[string]bool{}
	for range 1000 {
		c := newCode(4)
		if seen[c] || len(c) != 19 || len(normalCode(c)) != 16 {
			t.Fatalf("%q", c)
		}
		seen[c] = true
	}
}

func FuzzNormalCode(f *testing.F) {
	f.Add("abcd-efgh 1234")
	f.Add("ｏ０ｉＩｌＬ\xff")
	f.Fuzz(func(t *testing.T, typed string) {
		code := normalCode(typed)
		if len(code) > 18*len(typed) || normalCode(code) != code && len(code) <= maxCode {
			t.Errorf("%q is %q, then %q", typed, code, normalCode(code))
		}
		for i := range len(code) {
			if !strings.Contains(letters+"U", code[i:i+1]) {
				t.Errorf("%q has %q", code, code[i])
			}
		}
	})
}
