// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"teiten/internal/fault"
	"teiten/internal/store"
)

// Reader gives an object's plaintext. Each segment of 1 MiB is authenticated
// before its first byte is given; the end is io.EOF only when exactly the
// object's size was read. Anything else is a fault, blob.altered.
type Reader struct {
	Ref
	file  *os.File
	plain io.Reader
	left  int64
	err   error
}

// Open opens an object. The fault's kind is NotFound for a name without a row;
// a row without a file is blob.gone.
//
// Open asks for no permission: whoever calls it has checked the noun to which
// the object belongs.
func (s *Store) Open(ctx context.Context, q store.Queryer, name string) (*Reader, error) {
	if !ValidName(name) {
		return nil, fault.New(fault.NotFound, "fault.not_found")
	}
	ref, wrapped, err := find(ctx, q, name)
	if err != nil {
		return nil, err
	}
	key, err := s.keys.unwrapKey(wrapped, ref.Name, ref.Purpose)
	if err != nil {
		return nil, err
	}
	aead, err := cipherOf(key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(Path(s.data, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(err, fault.Internal, "blob.gone", "name", name)
	}
	if err != nil {
		return nil, s.disk(err)
	}
	plain, err := aead.NewDecryptingReader(bufio.NewReaderSize(f, 64<<10), []byte(name))
	if err != nil {
		f.Close()
		return nil, altered(name, err)
	}
	return &Reader{Ref: ref, file: f, plain: plain, left: ref.Size}, nil
}

func altered(name string, cause error) error {
	return fault.Wrap(cause, fault.Internal, "blob.altered", "name", name)
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	n, err := r.plain.Read(p)
	r.left -= int64(n)
	switch {
	case r.left < 0:
		n, r.err = 0, altered(r.Name, errors.New("longer than recorded"))
	case errors.Is(err, io.EOF) && r.left > 0:
		// Tink takes a file that is cut one byte after a segment for one that
		// ends there. The size in the row does not.
		r.err = altered(r.Name, io.ErrUnexpectedEOF)
	case errors.Is(err, io.EOF):
		r.err = io.EOF
	case err != nil:
		r.err = altered(r.Name, err)
	}
	return n, r.err
}

// Close closes the object.
func (r *Reader) Close() error { return r.file.Close() }
