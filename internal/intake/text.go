// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"teiten/internal/indicator"
	"teiten/internal/intel"
)

// A text is read in pieces of whole lines: extraction needs the lines around a
// URL that a mail program wrapped, but never much text.
const (
	pieceSize = 256 << 10
	pieceMost = 1 << 20 // where no good place to cut was found
)

// readText takes each indicator that stands in a text as a row of its line.
// What is not an indicator is no row and no problem. The text has no dates: its
// indicators are seen on the day of the import.
func readText(in io.Reader, r *refiner) error {
	l := newLines(in)
	var piece strings.Builder
	first, day := int64(1), r.opts.now.Truncate(time.Microsecond)
	take := func() error {
		text := piece.String()
		piece.Reset()
		found, err := indicator.ExtractLimit(text, pieceMost)
		if err != nil {
			return err
		}
		line, from := first, 0
		for _, f := range found {
			line += int64(strings.Count(text[from:f.Start], "\n"))
			from = f.Start
			if err := r.add(row{
				line: line, value: f.Value, seen: day, category: r.opts.Category, brand: r.opts.Brand,
				confidence: intel.DefaultConfidence, tlp: r.opts.TLP, identity: []string{string(f.Kind), f.Value.Value},
			}); err != nil {
				return err
			}
		}
		first = l.n + 1
		return nil
	}
	for {
		text, err := l.next()
		switch {
		case err == io.EOF:
			return take()
		case skips(err):
			long := err
			if err = take(); err == nil {
				err = r.reject(l.n, long)
			}
			first = l.n + 1
		case err != nil:
			return damaged(err, l.n)
		case !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError):
			if err = take(); err == nil {
				err = r.reject(l.n, r.badEncoding())
			}
			first = l.n + 1
		default:
			piece.WriteString(text)
			piece.WriteByte('\n')
			if n := piece.Len(); n > pieceMost || n > pieceSize && strings.TrimSpace(text) == "" {
				err = take()
			}
		}
		if err != nil {
			return err
		}
	}
}
