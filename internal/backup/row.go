// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// appendRow writes a row as a line of the text format of PostgreSQL's COPY
// (PostgreSQL manual, "COPY", section "Text Format"). Values are what
// database/sql gives: int64, float64, string, bool, []byte and nil.
func appendRow(line []byte, t *Table, values []any) ([]byte, error) {
	for i, c := range t.Columns {
		if i > 0 {
			line = append(line, '\t')
		}
		v := values[i]
		ok := true
		switch {
		case v == nil:
			if ok = c.Null; ok {
				line = append(line, `\N`...)
			}
		case c.Type == Integer:
			var n int64
			if n, ok = v.(int64); ok {
				line = strconv.AppendInt(line, n, 10)
			}
		case c.Type == Text:
			var s string
			if s, ok = v.(string); ok {
				line = appendText(line, s)
			}
		case c.Type == Boolean:
			switch v {
			case true, int64(1): // SQLite has no truth values
				line = append(line, 't')
			case false, int64(0):
				line = append(line, 'f')
			default:
				ok = false
			}
		case c.Type == Bytes:
			var b []byte
			if b, ok = v.([]byte); ok {
				line = hex.AppendEncode(append(line, `\\x`...), b)
			}
		case c.Type == Real:
			var f float64
			if f, ok = v.(float64); ok {
				line = strconv.AppendFloat(line, f, 'g', -1, 64)
			}
		}
		if !ok {
			return nil, fmt.Errorf("column %s.%s of type %s holds a %T", t.Name, c.Name, c.Type, v)
		}
	}
	return append(line, '\n'), nil
}

func appendText(line []byte, s string) []byte {
	done := 0
	for i := range len(s) {
		var escape byte
		switch s[i] {
		case '\\':
			escape = '\\'
		case '\t':
			escape = 't'
		case '\n':
			escape = 'n'
		case '\r':
			escape = 'r'
		default:
			continue
		}
		line = append(append(line, s[done:i]...), '\\', escape)
		done = i + 1
	}
	return append(line, s[done:]...)
}

// parseRow reads a line, without its end, into values, one for each column.
// Only what appendRow writes is accepted.
func parseRow(line []byte, t *Table, values []any) error {
	for i, c := range t.Columns {
		field := line
		end := bytes.IndexByte(line, '\t')
		if last := i == len(t.Columns)-1; last != (end < 0) {
			return fmt.Errorf("the row does not have %d columns", len(t.Columns))
		}
		if end >= 0 {
			field, line = line[:end], line[end+1:]
		}
		v, err := parseField(field, c)
		if err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		values[i] = v
	}
	return nil
}

func parseField(field []byte, c Column) (any, error) {
	if string(field) == `\N` {
		if !c.Null {
			return nil, errors.New("no value")
		}
		return nil, nil
	}
	switch c.Type {
	case Integer:
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil || len(field) != len(strconv.AppendInt(nil, n, 10)) {
			return nil, errors.New("no integer")
		}
		return n, nil
	case Boolean:
		if len(field) != 1 || field[0] != 't' && field[0] != 'f' {
			return nil, errors.New("no truth value")
		}
		return field[0] == 't', nil
	case Bytes:
		digits, ok := bytes.CutPrefix(field, []byte(`\\x`))
		if !ok {
			return nil, errors.New("no bytes")
		}
		return hex.AppendDecode([]byte{}, digits)
	case Real:
		return strconv.ParseFloat(string(field), 64)
	default:
		return parseText(field)
	}
}

func parseText(field []byte) (string, error) {
	if bytes.IndexByte(field, '\\') < 0 {
		return string(field), nil
	}
	out := make([]byte, 0, len(field))
	for i := 0; i < len(field); i++ {
		if field[i] != '\\' {
			out = append(out, field[i])
			continue
		}
		if i++; i == len(field) {
			return "", errors.New("unfinished escape")
		}
		switch field[i] {
		case '\\':
			out = append(out, '\\')
		case 't':
			out = append(out, '\t')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		default:
			return "", errors.New("unknown escape")
		}
	}
	return string(out), nil
}
