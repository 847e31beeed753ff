// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"teiten/internal/blob"
	"teiten/internal/fault"
)

// reader reads an archive from front to back: header, then table after table,
// then object after object, then finish. It takes nothing but what the format
// allows at each place, and memory for one row at a time. What it gives is
// proven only when finish returns nil.
type reader struct {
	src     *source
	in      *bufio.Reader // of src
	gz      *gzip.Reader
	tar     *tar.Reader
	next    *tar.Header // the entry at hand; nil before the first and after the last
	body    *bufio.Reader
	hash    hash.Hash
	entries []Entry

	header  Header
	table   *Table
	tables  int // begun
	part    int
	row     int64 // in the table
	values  []any
	rows    map[string]int64
	objects *blobRows
	isBlob  bool
	blobs   int64

	manifest Manifest // after finish
}

// newReader reads the header. Keys may be nil.
func newReader(ctx context.Context, r io.Reader, keys *blob.Keyring) (*reader, error) {
	a := &reader{src: &source{ctx: ctx, r: r}, hash: sha256.New(), rows: map[string]int64{}, objects: newBlobRows(keys)}
	// From an io.ByteReader, gzip reads no further than its end.
	a.in = bufio.NewReaderSize(a.src, 256<<10)
	var err error
	if a.gz, err = gzip.NewReader(a.in); err != nil {
		return nil, a.explain(err, "")
	}
	a.gz.Multistream(false)
	a.tar = tar.NewReader(a.gz)
	a.body = bufio.NewReaderSize(nil, 256<<10)
	if err := a.advance(); err != nil {
		return nil, err
	}
	if a.next == nil || a.next.Name != headerName {
		return nil, fault.New(fault.Invalid, "backup.not_archive")
	}
	text, err := a.whole(maxHeader)
	if err != nil {
		return nil, err
	}
	// What a newer version adds is for it to read: look at the version first.
	if json.Unmarshal(text, &a.header) != nil {
		return nil, fault.New(fault.Invalid, "backup.not_archive")
	}
	return a, a.header.check()
}

// explain turns an error of reading into the fault that says what to do.
func (a *reader) explain(err error, entry string) error {
	switch {
	case a.src.ctx.Err() != nil:
		return a.src.ctx.Err()
	case a.src.err != nil:
		return fault.Wrap(a.src.err, fault.Unavailable, "backup.read")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fault.Wrap(err, fault.Invalid, "backup.truncated")
	case errors.Is(err, gzip.ErrHeader):
		return fault.Wrap(err, fault.Invalid, "backup.not_archive")
	default:
		return damaged(entry, err)
	}
}

func damaged(entry string, err error) error {
	if entry == "" {
		entry = "-"
	}
	return fault.Wrap(err, fault.Invalid, "backup.damaged", "entry", entry)
}

func unexpected(entry string) error {
	return fault.New(fault.Invalid, "backup.entry", "entry", fmt.Sprintf("%.100q", entry))
}

// advance moves to the next entry; next is nil at the end.
func (a *reader) advance() error {
	h, err := a.tar.Next()
	if errors.Is(err, io.EOF) && a.src.err == nil {
		a.next = nil
		return nil
	}
	if err != nil {
		return a.explain(err, "")
	}
	// Sparse files, which also come as regular ones, have a size without having
	// the bytes.
	sparse := false
	for record := range h.PAXRecords {
		sparse = sparse || strings.HasPrefix(record, "GNU.sparse.")
	}
	if h.Typeflag != tar.TypeReg || sparse || h.Size < 0 || h.Size > maxBlob {
		return unexpected(h.Name)
	}
	a.next = h
	a.hash.Reset()
	a.body.Reset(io.TeeReader(a.tar, a.hash))
	return nil
}

// done ends the entry at hand, all of which must have been read.
func (a *reader) done() error {
	if n, err := a.body.Discard(1); n > 0 || !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more than was asked for")
		}
		return a.explain(err, a.next.Name)
	}
	a.entries = append(a.entries, Entry{Name: a.next.Name, Size: a.next.Size, SHA256: hex.EncodeToString(a.hash.Sum(nil))})
	return a.advance()
}

// whole reads the entry at hand and ends it.
func (a *reader) whole(limit int64) ([]byte, error) {
	if a.next.Size > limit {
		return nil, unexpected(a.next.Name)
	}
	text, err := io.ReadAll(a.body)
	if err != nil {
		return nil, a.explain(err, a.next.Name)
	}
	return text, a.done()
}

// nextTable begins the next table of the header; nil after the last.
func (a *reader) nextTable() (*Table, error) {
	if a.tables == len(a.header.Tables) {
		return nil, nil
	}
	a.table = &a.header.Tables[a.tables]
	a.tables++
	a.part, a.row = 1, 0
	a.values = make([]any, len(a.table.Columns))
	a.isBlob = a.objects.at(a.table)
	if a.next == nil {
		return nil, a.explain(io.ErrUnexpectedEOF, "")
	}
	if a.next.Name != partName(a.table.Name, 1) || a.next.Size > maxPart {
		return nil, unexpected(a.next.Name)
	}
	return a.table, nil
}

// nextRow returns the next row of the table, io.EOF itself after its last. The
// slice is used again by the next call.
func (a *reader) nextRow() ([]any, error) {
	for {
		line, err := a.line()
		if err == nil {
			a.row++
			if err := parseRow(line, a.table, a.values); err != nil {
				return nil, fault.Wrap(err, fault.Invalid, "backup.row", "table", a.table.Name, "row", a.row)
			}
			if a.isBlob {
				a.objects.row(a.values)
			}
			return a.values, nil
		}
		if !errors.Is(err, io.EOF) {
			return nil, err
		}
		if err := a.done(); err != nil {
			return nil, err
		}
		if a.part++; a.next == nil || a.next.Name != partName(a.table.Name, a.part) {
			a.rows[a.table.Name] = a.row
			return nil, io.EOF
		}
		if a.next.Size > maxPart {
			return nil, unexpected(a.next.Name)
		}
	}
}

// line returns the next line without its end, io.EOF at the end of the part.
func (a *reader) line() ([]byte, error) {
	line, err := a.body.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = a.body.ReadSlice('\n')
			if long = append(long, line...); len(long) > maxRow {
				return nil, fault.New(fault.TooLarge, "backup.row_size", "table", a.table.Name, "limit_mib", maxRow>>20)
			}
		}
		line = long
	}
	if errors.Is(err, io.EOF) && len(line) == 0 && a.src.err == nil {
		return nil, io.EOF
	}
	if errors.Is(err, io.EOF) && a.src.err == nil {
		return nil, damaged(a.next.Name, errors.New("the last line has no end"))
	}
	if err != nil {
		return nil, a.explain(err, a.next.Name)
	}
	return line[:len(line)-1], nil
}

// nextBlob begins the next object; "" after the last. Its bytes are to be read
// to the end, and endBlob called, before the next.
func (a *reader) nextBlob() (name string, body io.Reader, err error) {
	if a.next == nil {
		return "", nil, a.explain(io.ErrUnexpectedEOF, "")
	}
	name, ok := strings.CutPrefix(a.next.Name, "blobs/")
	if !ok {
		return "", nil, nil
	}
	if !blob.ValidName(name) || !a.objects.seen[name] {
		return "", nil, unexpected(a.next.Name)
	}
	a.objects.seen[name] = false
	a.blobs++
	return name, a.body, nil
}

func (a *reader) endBlob() error { return a.done() }

// finish reads manifest and seal to the archive's very end and compares them
// with what was read. Only now is anything proven.
func (a *reader) finish() (*Summary, error) {
	if a.next.Name != manifestName {
		return nil, unexpected(a.next.Name)
	}
	got := a.entries
	text, err := a.whole(maxManifest)
	if err != nil {
		return nil, err
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, damaged(manifestName, err)
	}
	if a.next == nil {
		return nil, a.explain(io.ErrUnexpectedEOF, "")
	}
	if a.next.Name != sealName {
		return nil, unexpected(a.next.Name)
	}
	seal, err := a.whole(1 << 10)
	if err != nil {
		return nil, err
	}
	if a.next != nil {
		return nil, unexpected(a.next.Name)
	}
	if err := a.drain(); err != nil {
		return nil, err
	}
	if err := a.compare(got, &m); err != nil {
		return nil, err
	}
	a.manifest = m
	s := summary(&a.header, &m)
	s.Unreadable = a.objects.unreadable
	if keys := a.objects.keys; keys != nil {
		mac, err := hex.DecodeString(strings.TrimSpace(string(seal)))
		if err != nil || !hmac.Equal(mac, keys.Seal(text)) {
			return nil, fault.Wrap(err, fault.Invalid, "backup.seal")
		}
		s.Sealed = true
	}
	return s, nil
}

// compare holds what was read against the manifest.
func (a *reader) compare(got []Entry, m *Manifest) error {
	if len(m.Entries) < len(got) {
		return unexpected(got[len(m.Entries)].Name)
	}
	for i, want := range m.Entries {
		if i >= len(got) || got[i].Name != want.Name {
			return fault.New(fault.Invalid, "backup.entry_missing", "entry", fmt.Sprintf("%.100q", want.Name))
		}
		if got[i] != want {
			return fault.New(fault.Invalid, "backup.checksum", "entry", want.Name)
		}
	}
	for _, t := range a.header.Tables {
		if m.Rows[t.Name] != a.rows[t.Name] {
			return damaged(manifestName, fmt.Errorf("table %s has %d rows, not %d", t.Name, a.rows[t.Name], m.Rows[t.Name]))
		}
	}
	missing := slices.Clone(m.Missing)
	slices.Sort(missing)
	if len(m.Rows) != len(a.rows) || m.Blobs != a.blobs || !slices.Equal(missing, a.objects.names()) {
		return damaged(manifestName, errors.New("tables or objects differ"))
	}
	for name, last := range m.Sequences {
		if _, ok := a.rows[name]; !ok || last < 0 {
			return damaged(manifestName, fmt.Errorf("sequence %.100q", name))
		}
	}
	return nil
}

// drain reads what follows the last entry: zeros that fill tar's record, and
// then the end of gzip with its checksum and the end of the file.
func (a *reader) drain() error {
	rest, err := io.ReadAll(io.LimitReader(a.gz, 64<<10))
	if err != nil {
		return a.explain(err, "")
	}
	if len(bytes.Trim(rest, "\x00")) > 0 || len(rest) == 64<<10 {
		return damaged("", errors.New("something follows the archive"))
	}
	if _, err := a.in.ReadByte(); err == nil {
		return damaged("", errors.New("something follows the archive"))
	} else if !errors.Is(err, io.EOF) {
		return a.explain(err, "")
	}
	return nil
}
