// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"teiten/internal/fault"
)

func TestKeyIsMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			k, err := OpenKeyring(dir)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = k.ID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("keys %v", ids)
		}
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 1 {
		t.Errorf("the folder holds %v", files)
	}
	info, err := os.Stat(filepath.Join(dir, KeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("permissions %v, %v", info.Mode(), err)
	}
}

func TestKeyLine(t *testing.T) {
	k, err := newKeyring([32]byte{1, 2, 3, 250})
	if err != nil {
		t.Fatal(err)
	}
	line := k.Line()
	if !strings.HasPrefix(line, keyPrefix) || len(line) != len(keyPrefix)+56+13 {
		t.Errorf("line %q", line)
	}
	for _, text := range []string{line, line + "\r\n", strings.ToLower(line), strings.ReplaceAll(line, "-", " "),
		line[:40] + "\n  " + line[40:]} {
		if got, err := ParseKey(text); err != nil || got.key != k.key {
			t.Errorf("%q: %v", text, err)
		}
	}
	// Any single wrong character is noticed.
	for i := len(keyPrefix); i < len(line); i++ {
		if line[i] == '-' {
			continue
		}
		wrong := line[:i] + map[bool]string{true: "B", false: "A"}[line[i] == 'A'] + line[i+1:]
		if _, err := ParseKey(wrong); fault.Code(err) != "blob.key_typo" {
			t.Errorf("wrong character at %d: %v", i, err)
		}
	}
	for text, code := range map[string]string{
		"": "blob.key_format", "hello": "blob.key_format", keyPrefix: "blob.key_typo", line[:len(line)-1]: "blob.key_typo",
		line + "AAAA": "blob.key_typo", strings.Replace(line, "v1", "v2", 1): "blob.key_format", strings.Repeat(" ", 5000): "blob.key_format",
	} {
		if _, err := ParseKey(text); fault.Code(err) != code {
			t.Errorf("%.40q: %v, want %s", text, err, code)
		}
	}
	secret := strings.TrimPrefix(line, keyPrefix)[:9]
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, k); strings.Contains(s, secret) || !strings.Contains(s, k.ID()) {
			t.Errorf("%s shows %q", format, s)
		}
	}
}

func TestSaveNeverReplacesAKey(t *testing.T) {
	dir := t.TempDir()
	one, _ := NewKeyring()
	two, _ := NewKeyring()
	if err := one.Save(dir); err != nil {
		t.Fatal(err)
	}
	if err := one.Save(dir); err != nil {
		t.Errorf("saving the same key again: %v", err)
	}
	if err := two.Save(dir); fault.Code(err) != "blob.key_other" {
		t.Errorf("another key: %v", err)
	}
	if k, err := LoadKeyring(dir); err != nil || k.ID() != one.ID() {
		t.Errorf("loaded %v, %v", k, err)
	}
}

// A lost key must not be replaced silently by one that opens nothing.
func TestLostKeyIsNoticed(t *testing.T) {
	s := open(t)
	if _, err := s.Create(ctx, "specimen", strings.NewReader("x"), 9); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.data, KeyFile)
	os.Rename(path, path+".away")
	if _, err := Open(s.data); fault.Code(err) != "blob.key_lost" {
		t.Errorf("without its key: %v", err)
	}
	os.WriteFile(path, []byte("garbage\n"), 0o600)
	if _, err := Open(s.data); fault.Code(err) != "blob.key_damaged" {
		t.Errorf("with a damaged key: %v", err)
	}
	os.Rename(path+".away", path)
	if again, err := Open(s.data); err != nil || again.keys.id != s.keys.id {
		t.Errorf("with its key back: %v", err)
	}
}

func TestSecretsAreBoundToTheirUse(t *testing.T) {
	k, err := NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	sealed := k.Protect("totp/1", []byte("seed"))
	if got, err := k.Reveal("totp/1", sealed); err != nil || string(got) != "seed" {
		t.Errorf("%q, %v", got, err)
	}
	if bytes.Contains(sealed, []byte("seed")) || bytes.Equal(sealed, k.Protect("totp/1", []byte("seed"))) {
		t.Error("the secret shows through")
	}
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	for name, try := range map[string]func() ([]byte, error){
		"another's":    func() ([]byte, error) { return k.Reveal("totp/2", sealed) },
		"another key":  func() ([]byte, error) { return other.Reveal("totp/1", sealed) },
		"a bit":        func() ([]byte, error) { return k.Reveal("totp/1", flipped) },
		"cut":          func() ([]byte, error) { return k.Reveal("totp/1", sealed[:20]) },
		"nothing":      func() ([]byte, error) { return k.Reveal("totp/1", nil) },
		"an empty one": func() ([]byte, error) { return k.Reveal("", sealed) },
	} {
		if got, err := try(); !fault.Is(err, fault.Internal) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	k, _ := newKeyring([32]byte{7})
	f.Add(k.Line())
	f.Add(keyPrefix + "AAAA-")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text)
		if err != nil {
			if fault.Code(err) == "" {
				t.Errorf("an error that is no fault: %v", err)
			}
			return
		}
		if again, err := ParseKey(k.Line()); err != nil || again.key != k.key {
			t.Errorf("%q does not come back: %v", text, err)
		}
	})
}
