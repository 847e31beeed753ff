// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"teiten/internal/blob"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/store"
)

// file is an entry of an archive in memory.
type file struct {
	name    string
	content []byte
	header  *tar.Header // nil for a regular file
}

func unpack(t testing.TB, packed []byte) []file {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var all []file
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, file{name: h.Name, content: content})
	}
}

func pack(t testing.TB, all []file) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for _, f := range all {
		h := f.header
		if h == nil {
			h = &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.content)), Mode: 0o600}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// forge makes the manifest agree with the entries, as a forger would.
func forge(t testing.TB, all []file) []file {
	t.Helper()
	var entries []Entry
	for i, f := range all {
		if f.name != manifestName {
			sum := sha256.Sum256(f.content)
			entries = append(entries, Entry{f.name, int64(len(f.content)), hex.EncodeToString(sum[:])})
			continue
		}
		var m Manifest
		if err := json.Unmarshal(f.content, &m); err != nil {
			t.Fatal(err)
		}
		m.Entries = entries
		all[i].content, _ = json.Marshal(m)
		break
	}
	return all
}

// small is a store whose backup has two tables' rows and two objects.
func small(t testing.TB) (packed []byte, keys *blob.Keyring) {
	t.Helper()
	p := newPlace(t, store.SQLite)
	db := p.open(t)
	addBlobs(t, db, p.Data, 300, 5)
	packed, err := os.ReadFile(archive(t, db, p.Data))
	if err != nil {
		t.Fatal(err)
	}
	keys, err = blob.LoadKeyring(p.Data)
	if err != nil {
		t.Fatal(err)
	}
	return packed, keys
}

func TestEveryCutAndEveryFlippedBitIsNoticed(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	packed, keys := small(t)
	if s, err := Verify(ctx, bytes.NewReader(packed), keys); err != nil || !s.Sealed || s.Blobs != 2 {
		t.Fatalf("the whole archive: %+v, %v", s, err)
	}
	for n := 0; n < len(packed); n += 5 {
		if _, err := Verify(ctx, bytes.NewReader(packed[:n]), nil); fault.Code(err) != "backup.truncated" {
			t.Fatalf("cut to %d of %d: %v", n, len(packed), err)
		}
	}
	plain := func(packed []byte) []byte {
		gz, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil
		}
		b, _ := io.ReadAll(gz)
		return b
	}
	original := plain(packed)
	for i := range packed {
		flipped := bytes.Clone(packed)
		flipped[i] ^= 1 << (i % 8)
		_, err := Verify(ctx, bytes.NewReader(flipped), nil)
		if err == nil && !bytes.Equal(plain(flipped), original) {
			t.Fatalf("a flipped bit in byte %d of %d was not noticed", i, len(packed))
		}
		if err != nil && (fault.Code(err) == "" || strings.Contains(locale.Japanese.Fault(err), "[")) {
			t.Fatalf("byte %d: %v (%s)", i, err, locale.Japanese.Fault(err))
		}
	}
}

func TestForeignAndForgedArchives(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	packed, keys := small(t)
	index := func(all []file, prefix string) int {
		for i, f := range all {
			if strings.HasPrefix(f.name, prefix) {
				return i
			}
		}
		t.Fatalf("no entry %s", prefix)
		return 0
	}
	insert := func(at string, f file) func([]file) []file {
		return func(all []file) []file {
			i := index(all, at)
			return append(append(append([]file{}, all[:i]...), f), all[i:]...)
		}
	}
	change := func(at, old, new string) func([]file) []file {
		return func(all []file) []file {
			f := &all[index(all, at)]
			if !bytes.Contains(f.content, []byte(old)) {
				t.Fatalf("%s does not hold %q", at, old)
			}
			f.content = bytes.Replace(f.content, []byte(old), []byte(new), 1)
			return all
		}
	}
	remove := func(at string) func([]file) []file {
		return func(all []file) []file { i := index(all, at); return append(all[:i:i], all[i+1:]...) }
	}
	link := &tar.Header{Typeflag: tar.TypeSymlink, Name: "blobs/" + strings.Repeat("0", 32), Linkname: "/etc/passwd"}
	for what, test := range map[string]struct {
		change func([]file) []file
		forge  bool
		code   string
	}{
		"path traversal":       {insert("blobs/", file{name: "blobs/../../etc/passwd"}), true, "backup.entry"},
		"absolute path":        {insert("blobs/", file{name: "/etc/passwd"}), true, "backup.entry"},
		"symbolic link":        {insert("blobs/", file{header: link}), true, "backup.entry"},
		"object without a row": {insert("blobs/", file{name: "blobs/" + strings.Repeat("0", 32)}), true, "backup.entry"},
		"unknown entry":        {insert(manifestName, file{name: "extra"}), true, "backup.entry"},
		"unknown table":        {insert("tables/", file{name: "tables/pg_authid/000001.tsv"}), true, "backup.entry"},
		"after the end":        {func(all []file) []file { return append(all, file{name: "extra"}) }, true, "backup.entry"},
		"part missing":         {remove("tables/setting/"), true, "backup.entry"},
		"object missing":       {remove("blobs/"), true, "backup.damaged"},
		"object not listed":    {remove("blobs/"), false, "backup.entry_missing"},
		"no manifest":          {remove(manifestName), false, "backup.entry"},
		"no seal":              {remove(sealName), false, "backup.truncated"},
		"row changed":          {change("tables/setting/", "salt\t", "tlas\t"), false, "backup.checksum"},
		"object changed":       {func(all []file) []file { all[index(all, "blobs/")].content[50] ^= 1; return all }, false, "backup.checksum"},
		"row added":            {change("tables/setting/", "salt\t", "x\ty\nsalt\t"), true, "backup.damaged"},
		"row cut":              {change("tables/setting/", "\n", ""), true, "backup.damaged"},
		"column missing":       {change("tables/setting/", "salt\t", "salt"), true, "backup.row"},
		"unknown escape":       {change("tables/setting/", "salt\t", "sa\\q\t"), true, "backup.row"},
		"null":                 {change("tables/setting/", "salt\t", "\\N\t"), true, "backup.row"},
		"another format":       {change(headerName, `"teiten-backup"`, `"other"`), false, "backup.not_archive"},
		"newer format":         {change(headerName, `"version": 1`, `"version": 2`), false, "backup.format_newer"},
		"hostile table":        {change(headerName, `"name": "setting"`, `"name": "x\"; DROP"`), false, "backup.damaged"},
		"unknown type":         {change(headerName, `"type": "text"`, `"type": "money"`), false, "backup.damaged"},
		"header not first":     {func(all []file) []file { all[0], all[1] = all[1], all[0]; return all }, true, "backup.not_archive"},
		"foreign seal": {func(all []file) []file {
			f := &all[index(all, sealName)]
			f.content = bytes.Repeat([]byte("0"), 64)
			return all
		}, false, "backup.seal"},
		"forged row": {change("tables/setting/", "salt\t", "tlas\t"), true, "backup.seal"},
	} {
		all := test.change(unpack(t, packed))
		if test.forge {
			all = forge(t, all)
		}
		_, err := Verify(ctx, bytes.NewReader(pack(t, all)), keys)
		if fault.Code(err) != test.code {
			t.Errorf("%s: %v, want %s", what, err, test.code)
		}
	}
	for what, b := range map[string][]byte{
		"not gzip": []byte("PK\x03\x04 something else entirely"), "gzip of something else": pack(t, []file{{name: "x"}}),
		"bytes after the end": append(bytes.Clone(packed), 0), "two archives": append(bytes.Clone(packed), packed...),
	} {
		if _, err := Verify(ctx, bytes.NewReader(b), keys); fault.Code(err) != "backup.not_archive" && fault.Code(err) != "backup.damaged" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestFailedRestoreLeavesNothing(t *testing.T) {
	t.Parallel()
	packed, keys := small(t)
	all := unpack(t, packed)
	wrong := errors.New("the medium fails")
	stopped, stop := context.WithCancel(ctx)
	newer := unpack(t, packed)
	newer[0].content = bytes.Replace(newer[0].content, []byte(`"schema": `), []byte(`"schema": 9`), 1)
	altered := unpack(t, packed)
	altered[len(altered)-3].content[40] ^= 1 // the last object
	differs := unpack(t, packed)
	differs[0].content = bytes.Replace(differs[0].content, []byte(`"name": "purpose"`), []byte(`"name": "porpoise"`), 1)
	for what, test := range map[string]struct {
		ctx  context.Context
		r    func() io.Reader
		want func(error) bool
	}{
		"truncated":      {ctx, func() io.Reader { return bytes.NewReader(packed[:len(packed)-20]) }, isCode("backup.truncated")},
		"altered at end": {ctx, func() io.Reader { return bytes.NewReader(pack(t, altered)) }, isCode("backup.checksum")},
		"forged":         {ctx, func() io.Reader { return bytes.NewReader(pack(t, forge(t, unpack(t, pack(t, altered))))) }, isCode("backup.seal")},
		"newer schema":   {ctx, func() io.Reader { return bytes.NewReader(pack(t, newer)) }, isCode("backup.schema_newer")},
		"another schema": {ctx, func() io.Reader { return bytes.NewReader(pack(t, differs)) }, isCode("backup.schema_differs")},
		"failing medium": {ctx, func() io.Reader {
			return io.MultiReader(bytes.NewReader(packed[:len(packed)/2]), iotest.ErrReader(wrong))
		},
			func(err error) bool { return fault.Code(err) == "backup.read" && errors.Is(err, wrong) }},
		"interrupted": {stopped, func() io.Reader { return &stopAfter{r: bytes.NewReader(pack(t, all)), stop: stop} },
			func(err error) bool { return errors.Is(err, context.Canceled) }},
	} {
		for _, engine := range engines {
			dst := newPlace(t, engine)
			_, err := Restore(test.ctx, operator, dst.Options, test.r(), RestoreOptions{Key: keys})
			if !test.want(err) {
				t.Errorf("%s, %s: %v", what, engine, err)
			}
			checkEmpty(t, dst)
		}
	}
}

func isCode(code string) func(error) bool {
	return func(err error) bool { return fault.Code(err) == code }
}

// stopAfter ends the context after the first read.
type stopAfter struct {
	r    io.Reader
	stop context.CancelFunc
	n    int
}

func (s *stopAfter) Read(p []byte) (int, error) {
	if s.n++; s.n > 1 {
		s.stop()
	}
	return s.r.Read(p[:min(len(p), 600)])
}

func FuzzVerify(f *testing.F) {
	packed, keys := small(f)
	gz, _ := gzip.NewReader(bytes.NewReader(packed))
	plain, _ := io.ReadAll(gz)
	f.Add(plain)
	f.Add(plain[:700])
	f.Fuzz(func(t *testing.T, plain []byte) {
		// The input is the tar archive: a fuzzer seldom hits a gzip checksum.
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.HuffmanOnly)
		w.Write(plain)
		w.Close()
		s, err := Verify(ctx, &b, keys)
		if err == nil && !s.Sealed {
			t.Error("accepted without its seal")
		}
		if err != nil && fault.Code(err) == "" {
			t.Errorf("an error that is no fault: %v", err)
		}
	})
}

func FuzzRow(f *testing.F) {
	f.Add("1\t\\\\x00ff\tt\ta\\tb\\\\\t2.5")
	f.Add("-9223372036854775808\t\\\\x\tf\t\\N\t-0")
	table := &Table{Name: "t", Columns: []Column{{"a", Integer, false}, {"b", Bytes, true}, {"c", Boolean, false}, {"d", Text, true}, {"e", Real, true}}}
	f.Fuzz(func(t *testing.T, line string) {
		values := make([]any, 5)
		if strings.Contains(line, "\n") || parseRow([]byte(line), table, values) != nil {
			return
		}
		again, err := appendRow(nil, table, values)
		if err != nil {
			t.Fatal(err)
		}
		back := make([]any, 5)
		if err := parseRow(again[:len(again)-1], table, back); err != nil {
			t.Fatal(err)
		}
		second, err := appendRow(nil, table, back)
		if err != nil || !bytes.Equal(again, second) {
			t.Errorf("%q became %q and then %q", line, again, second)
		}
	})
}
