// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"strings"

	"teiten/internal/fault"
)

// table reads CSV (RFC 4180), also with tabs or semicolons. A quote inside an
// unquoted field is a character like others. A quote that is never closed costs
// its own line only: the lines behind it are read as rows.
type table struct {
	lines  *lines
	comma  byte
	fields []string
}

// maxRowLines bounds how far the end of a quoted field is looked for.
const maxRowLines = 1000

// next returns the fields of the next row, valid until the call after, and the
// number of its first line. Empty lines are no rows. Errors are those of
// lines.next, and faults of code import.csv_… for a row that was skipped.
func (t *table) next() ([]string, int64, error) {
	for {
		text, err := t.lines.next()
		if err != nil {
			return nil, t.lines.n, err
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		at := t.lines.n
		fields, err := t.row(text)
		return fields, at, err
	}
}

func (t *table) row(text string) ([]string, error) {
	if strings.IndexByte(text, '"') < 0 {
		t.fields = t.fields[:0]
		for {
			i := strings.IndexByte(text, t.comma)
			if i < 0 {
				t.fields = append(t.fields, text)
				return t.fields, nil
			}
			t.fields = append(t.fields, text[:i])
			text = text[i+1:]
		}
	}
	open, err := t.split(text)
	if !open {
		return t.fields, err
	}
	// Only a line with an odd number of quotes can close the field.
	var ahead []line
	var long strings.Builder
	long.WriteString(text)
	for {
		next, err := t.lines.next()
		ahead = append(ahead, line{next, err})
		if err != nil || len(ahead) > maxRowLines || long.Len()+len(next) >= MaxLine {
			t.lines.back(ahead)
			return nil, fault.New(fault.Invalid, "import.csv_open_quote")
		}
		long.WriteByte('\n')
		long.WriteString(next)
		if strings.Count(next, `"`)%2 == 0 {
			continue
		}
		open, err := t.split(long.String())
		if open {
			err = fault.New(fault.Invalid, "import.csv_open_quote")
		}
		if err != nil {
			t.lines.back(ahead)
		}
		return t.fields, err
	}
}

// split cuts a row that has quotes into t.fields; open when the last quoted
// field does not end.
func (t *table) split(text string) (open bool, err error) {
	t.fields = t.fields[:0]
	for {
		if !strings.HasPrefix(text, `"`) {
			field, rest, more := strings.Cut(text, string(rune(t.comma)))
			if strings.IndexByte(field, '\n') >= 0 {
				return false, fault.New(fault.Invalid, "import.csv_quote")
			}
			t.fields = append(t.fields, field)
			if !more {
				return false, nil
			}
			text = rest
			continue
		}
		field, rest, closed := quoted(text[1:])
		if !closed {
			return true, nil
		}
		t.fields = append(t.fields, field)
		if rest == "" {
			return false, nil
		}
		if rest[0] != t.comma {
			return false, fault.New(fault.Invalid, "import.csv_quote")
		}
		text = rest[1:]
	}
}

// quoted reads a field behind its opening quote.
func quoted(text string) (field, rest string, closed bool) {
	var doubled strings.Builder
	for {
		i := strings.IndexByte(text, '"')
		switch {
		case i < 0:
			return "", "", false
		case !strings.HasPrefix(text[i+1:], `"`) && doubled.Len() == 0:
			return text[:i], text[i+1:], true
		case !strings.HasPrefix(text[i+1:], `"`):
			doubled.WriteString(text[:i])
			return doubled.String(), text[i+1:], true
		}
		doubled.WriteString(text[:i+1])
		text = text[i+2:]
	}
}
