// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"time"

	"teiten/internal/blob"
	"teiten/internal/fault"
)

// writer writes an archive.
type writer struct {
	gz       *gzip.Writer
	tar      *tar.Writer
	hash     hash.Hash
	created  time.Time
	manifest Manifest
}

func newWriter(w io.Writer, h *Header) (*writer, error) {
	gz, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	a := &writer{gz: gz, tar: tar.NewWriter(gz), hash: sha256.New(), created: h.Created}
	a.manifest.Rows = map[string]int64{}
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return a, a.bytes(headerName, append(text, '\n'))
}

// begin starts an entry; what follows is written to the returned writer.
func (a *writer) begin(name string, size int64) (io.Writer, error) {
	err := a.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600,
		ModTime: a.created.Truncate(time.Second), Format: tar.FormatPAX})
	if err != nil {
		return nil, cannotWrite(err)
	}
	a.hash.Reset()
	return io.MultiWriter(a.tar, a.hash), nil
}

func (a *writer) end(name string, size int64) {
	a.manifest.Entries = append(a.manifest.Entries,
		Entry{Name: name, Size: size, SHA256: hex.EncodeToString(a.hash.Sum(nil))})
}

func (a *writer) bytes(name string, content []byte) error {
	w, err := a.begin(name, int64(len(content)))
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return cannotWrite(err)
	}
	a.end(name, int64(len(content)))
	return nil
}

// rows writes a table; next calls its argument for each row.
func (a *writer) rows(t *Table, each func(func(values []any) error) error, told func(rows int64)) error {
	buf := make([]byte, 0, partSize+partSize/4)
	n, parts := int64(0), 0
	flush := func() error {
		parts++
		err := a.bytes(partName(t.Name, parts), buf)
		buf = buf[:0]
		told(n)
		return err
	}
	err := each(func(values []any) error {
		before := len(buf)
		var err error
		if buf, err = appendRow(buf, t, values); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		if len(buf)-before > maxRow {
			return fault.New(fault.TooLarge, "backup.row_size", "table", t.Name, "limit_mib", maxRow>>20)
		}
		if n++; len(buf) >= partSize {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(buf) > 0 || parts == 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	a.manifest.Rows[t.Name] = n
	return nil
}

// blob copies an object as it lies on disk. One that has no file is noted as
// missing: a backup of the rest is better than none.
func (a *writer) blob(ctx context.Context, data, name string) error {
	f, err := os.Open(blob.Path(data, name))
	if errors.Is(err, fs.ErrNotExist) {
		a.manifest.Missing = append(a.manifest.Missing, name)
		return nil
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "backup.blob", "name", name)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "backup.blob", "name", name)
	}
	w, err := a.begin(blobEntry(name), info.Size())
	if err != nil {
		return err
	}
	src := &source{ctx: ctx, r: io.LimitReader(f, info.Size())}
	n, err := io.CopyBuffer(w, src, make([]byte, 256<<10))
	if src.err != nil || err == nil && n != info.Size() {
		return fault.Wrap(src.err, fault.Unavailable, "backup.blob", "name", name)
	}
	if err != nil {
		return cannotWrite(err)
	}
	a.end(blobEntry(name), n)
	a.manifest.Blobs++
	return nil
}

// finish writes manifest and seal and ends the archive.
func (a *writer) finish(keys *blob.Keyring) error {
	m := a.manifest // its own entry is not in it
	m.Finished = time.Now().UTC().Truncate(time.Microsecond)
	text, err := json.MarshalIndent(&m, "", " ")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := a.bytes(manifestName, text); err != nil {
		return err
	}
	if err := a.bytes(sealName, []byte(hex.EncodeToString(keys.Seal(text))+"\n")); err != nil {
		return err
	}
	a.manifest = m
	if err := errors.Join(a.tar.Close(), a.gz.Close()); err != nil {
		return cannotWrite(err)
	}
	return nil
}

func cannotWrite(err error) error {
	return fault.Wrap(err, fault.Unavailable, "backup.write")
}

// source reads from outside: it keeps an error of its own apart from what is
// wrong with the content, and stops when the context ends.
type source struct {
	ctx context.Context
	r   io.Reader
	err error // what r or the context reported, except io.EOF
}

func (s *source) Read(p []byte) (int, error) {
	if s.err = s.ctx.Err(); s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}
