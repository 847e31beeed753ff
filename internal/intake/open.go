// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"sync/atomic"

	"teiten/internal/fault"
)

// Limits of a file, in bytes.
const (
	MaxUnpacked = 16 << 30
	MaxLine     = 1 << 20 // of a line, and of a CSV record over several lines
	sampleSize  = 64 << 10
	maxRatio    = 200       // of unpacked to packed bytes,
	ratioFrom   = 256 << 20 // once this much was unpacked
)

// input is a file as its parser sees it: unpacked and in UTF-8.
type input struct {
	io.Reader
	encoding string
	read     atomic.Int64 // bytes of the file as it lies on disk
	total    int64
}

// open recognises gzip by its magic number (RFC 1952, section 2.3.1), whatever
// the name says, and the encoding by the first 64 KiB.
func open(r io.Reader) (*input, error) {
	in := &input{total: sizeOf(r)}
	if s, ok := r.(io.ReadSeeker); ok {
		if err := verify(s); err != nil {
			return nil, err
		}
	}
	packed := bufio.NewReaderSize(&counted{r: r, n: &in.read}, 64<<10)
	magic, err := packed.Peek(4)
	if err != nil && err != io.EOF {
		return nil, unread(err)
	}
	var plain io.Reader = packed
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(packed)
		if err != nil {
			return nil, unread(err)
		}
		plain = z
	case bytes.HasPrefix(magic, []byte("PK\x03\x04")):
		return nil, fault.New(fault.Invalid, "import.zip")
	case bytes.HasPrefix(magic, []byte{0xd0, 0xcf, 0x11, 0xe0}):
		return nil, fault.New(fault.Invalid, "import.excel")
	}
	limited := &limited{r: plain, packed: &in.read}
	buffered := bufio.NewReaderSize(limited, sampleSize)
	sample, err := buffered.Peek(sampleSize)
	if err != nil && err != io.EOF && len(sample) == 0 {
		return nil, unread(err)
	}
	if len(sample) == 0 {
		return nil, fault.New(fault.Invalid, "import.empty")
	}
	in.Reader, in.encoding, err = decode(buffered, sample)
	if err != nil {
		return nil, err
	}
	return in, nil
}

// verify unpacks a gzip once for nothing: where a bit is wrong, deflate may go
// on for long with text that is not the file's, until the checksum at the very
// end tells. A stream that cannot be read twice is believed until then.
func verify(r io.ReadSeeker) error {
	begin, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil // a pipe
	}
	var packed atomic.Int64
	buffered := bufio.NewReaderSize(&counted{r: r, n: &packed}, 64<<10)
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return unread(err)
		}
		n := &newlines{}
		if _, err := io.Copy(n, &limited{r: z, packed: &packed}); err != nil {
			return damaged(unread(err), 1+n.n)
		}
	}
	if _, err = r.Seek(begin, io.SeekStart); err != nil {
		return unread(err)
	}
	return nil
}

type newlines struct{ n int64 }

func (w *newlines) Write(p []byte) (int, error) {
	w.n += int64(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}

// unread is the reason why a file could not be read to its end.
func unread(err error) error {
	var f *fault.Error
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, &f):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Wrap(err, fault.Invalid, "import.gzip_cut")
	case errors.Is(err, gzip.ErrChecksum):
		return fault.Wrap(err, fault.Invalid, "import.gzip_checksum")
	case errors.Is(err, gzip.ErrHeader), errors.As(err, &corrupt):
		return fault.Wrap(err, fault.Invalid, "import.gzip_broken")
	}
	return fault.Wrap(err, fault.Unavailable, "import.read")
}

// counted counts what is read of the file; another goroutine shows it.
type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// limited refuses what unpacks to too much.
type limited struct {
	r      io.Reader
	n      int64
	packed *atomic.Int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.n += int64(n)
	if l.n > MaxUnpacked {
		return 0, fault.New(fault.TooLarge, "import.too_large", "most", MaxUnpacked>>30)
	}
	if l.n > ratioFrom && l.n/maxRatio > l.packed.Load() {
		return 0, fault.New(fault.TooLarge, "import.gzip_ratio", "most", maxRatio)
	}
	return n, err
}

// sizeOf returns how many bytes r holds, 0 if it does not say.
func sizeOf(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := r.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size()
		}
	case interface{ Size() int64 }:
		return r.Size()
	case interface{ Len() int }:
		return int64(r.Len())
	}
	return 0
}
