// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	mathrand "math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The tree has the roots that package tlog computes in another way.
func TestTreeIsRFC6962(t *testing.T) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		all := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			all[i] = stored[x]
		}
		return all, nil
	})
	var grown tree
	if got := base64.StdEncoding.EncodeToString(rootOf(&grown)); got != "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" {
		t.Errorf("the root of nothing is %s", got)
	}
	for n := range int64(600) {
		hashes, err := tlog.StoredHashes(n, fmt.Append(nil, n), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		grown.add(tlog.RecordHash(fmt.Append(nil, n)))
		want, err := tlog.TreeHash(n+1, reader)
		if err != nil {
			t.Fatal(err)
		}
		if grown.root() != want {
			t.Fatalf("the root of %d leaves differs", n+1)
		}
		again, err := growTree(grown.size, grown.frontier())
		if err != nil || again.root() != want || again.size != n+1 {
			t.Fatalf("%d leaves, stored and read: %v", n+1, err)
		}
	}
	for size, n := range map[int64]int{-1: 0, 1: 0, 0: 1, 3: 1, 4: 2} {
		if _, err := growTree(size, make([]byte, n*tlog.HashSize)); err == nil {
			t.Errorf("%d leaves with %d roots: no error", size, n)
		}
	}
}

func rootOf(t *tree) []byte { h := t.root(); return h[:] }

// decode reads an encoding back, which is possible for every row: so no two
// rows have the same.
func decode(b []byte) (r row, ok bool) {
	take := func(n uint64) []byte {
		if uint64(len(b)) < n {
			ok = false
			return nil
		}
		x := b[:n]
		b = b[n:]
		return x
	}
	number := func() (n uint64) {
		for _, x := range take(8) {
			n = n<<8 | uint64(x)
		}
		return n
	}
	ok = true
	if v := take(1); !ok || v[0] != encodingVersion {
		return r, false
	}
	for _, f := range r.fields() {
		switch f := f.(type) {
		case *int64:
			*f = int64(number())
		case *string:
			*f = string(take(number()))
		}
	}
	return r, ok && len(b) == 0
}

var awkward = []string{"", "a", "ab", "\x00", "語", strings.Repeat("x", 300), "\x00\x00\x00\x00\x00\x00\x00\x01a", "{}"}

func TestEncodingIsInjective(t *testing.T) {
	seen := map[string]row{}
	rnd := mathrand.New(mathrand.NewPCG(1, 2))
	for range 50_000 {
		var r row
		for _, f := range r.fields() {
			switch f := f.(type) {
			case *int64:
				*f = []int64{0, 1, -1, 97, 256, 1 << 62}[rnd.IntN(6)]
			case *string:
				*f = awkward[rnd.IntN(len(awkward))]
			}
		}
		code := r.encode(nil)
		if other, known := seen[string(code)]; known && other != r {
			t.Fatalf("%+v and %+v have the same encoding", r, other)
		}
		seen[string(code)] = r
		if back, ok := decode(code); !ok || back != r {
			t.Fatalf("%+v is read back as %+v", r, back)
		}
	}
}

// What moves between neighbouring fields changes the encoding.
func TestEncodingSeparatesFields(t *testing.T) {
	a, b := row{actor: "ab", role: "c"}, row{actor: "a", role: "bc"}
	if bytes.Equal(a.encode(nil), b.encode(nil)) {
		t.Error("fields run into each other")
	}
	if n := reflect.TypeFor[row]().NumField(); n != len(a.fields()) || n != strings.Count(rowColumns, "a.") {
		t.Errorf("%d fields, %d encoded", n, len(a.fields()))
	}
}

func FuzzEncoding(f *testing.F) {
	f.Add(int64(1), "a", "", "{}")
	f.Fuzz(func(t *testing.T, n int64, a, b, c string) {
		r := row{id: n, token: -n, actor: a, role: b, detail: c}
		if back, ok := decode(r.encode(nil)); !ok || back != r {
			t.Errorf("%+v is read back as %+v", r, back)
		}
	})
}

// testSigner signs for fuzz targets.
func testSigner(t testing.TB) (note.Signer, note.Verifiers) {
	key, text, err := note.GenerateKey(rand.Reader, "teiten/audit/0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(text)
	if err != nil {
		t.Fatal(err)
	}
	return signer, note.VerifierList(verifier)
}

// FuzzCheckpoint signs whatever text there is: what is then taken for a
// checkpoint says the same when it is written again.
func FuzzCheckpoint(f *testing.F) {
	signer, verifiers := testSigner(f)
	root := (&tree{}).root().String()
	for _, s := range []string{
		"o\n0\n" + root + "\n", "o\n12\n" + root + "\nmore\n", "o\n012\n" + root + "\n", "o\n-1\n" + root + "\n", "o\n1\n" + root[:40] + "\n",
		"\n1\n" + root + "\n", "o\n1\n" + root, "o\n9223372036854775808\n" + root + "\n", "o\n1\n" + strings.Replace(root, "=", "", 1) + "\n",
	} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, text string, raw bool) {
		signed := []byte(text)
		if !raw {
			var err error
			if signed, err = note.Sign(&note.Note{Text: text}, signer); err != nil {
				return
			}
		}
		c, err := ParseCheckpoint(signed, verifiers)
		if err != nil {
			return
		}
		if raw {
			t.Fatal("a text without a signature is believed")
		}
		if !strings.HasPrefix(strings.ReplaceAll(text, "\r\n", "\n"), c.text()) {
			t.Errorf("%q is read as %q", text, c.text())
		}
	})
}

// FuzzProof looks for a proof that is believed and proves nothing.
func FuzzProof(f *testing.F) {
	signer, verifiers := testSigner(f)
	var old, now tree
	var hashes []tlog.Hash
	for i := range 7 {
		h := tlog.RecordHash(fmt.Append(nil, i))
		if i < 3 {
			old.add(h)
		}
		now.add(h)
		hashes = append(hashes, h)
	}
	sign := func(size int64, root tlog.Hash) []byte {
		c := Checkpoint{Origin: signer.Name(), Size: size, Root: root}
		b, err := note.Sign(&note.Note{Text: c.text()}, signer)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	kept, newer := &Checkpoint{Origin: signer.Name(), Size: 3, Root: old.root()}, sign(7, now.root())
	forked := now
	forked.roots = append([]tlog.Hash{}, now.roots...)
	forked.roots[0][0] ^= 1
	fork := sign(7, forked.root())
	good := fmt.Sprintf("old 3\n%s\n%s\n%s\n%s", hashes[2], hashes[3], tlog.NodeHash(hashes[0], hashes[1]),
		tlog.NodeHash(tlog.NodeHash(hashes[4], hashes[5]), hashes[6]))
	if c, err := CheckProof(kept, append([]byte(good+"\n\n"), newer...), verifiers); err != nil || c.Size != 7 {
		f.Fatalf("a good proof: %v", err)
	}
	f.Add(good)
	f.Add("old 3")
	f.Add("old 7\n" + hashes[0].String())
	f.Add("old 03\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, head string) {
		if _, err := CheckProof(kept, append([]byte(head+"\n\n"), newer...), verifiers); err == nil && strings.ReplaceAll(head, "\r\n", "\n") != good {
			t.Errorf("%q is believed", head)
		}
		if _, err := CheckProof(kept, append([]byte(head+"\n\n"), fork...), verifiers); err == nil {
			t.Errorf("%q proves a fork", head)
		}
	})
}
