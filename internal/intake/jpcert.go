// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"io"
	"strings"

	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
)

// readJPCERT reads JPCERT/CC's list: date, URL, description, the date in Tokyo
// or blank, the description the brand that was imitated. The brand is kept as
// the list has it but for ASCII blanks around it: counts are those of the list.
func readJPCERT(in io.Reader, r *refiner) error {
	t := &table{lines: newLines(in), comma: ','}
	head, line, err := t.next()
	switch {
	case skips(err) || err == io.EOF:
		return fault.New(fault.Invalid, "import.jpcert_header", "line", line)
	case err != nil:
		return damaged(err, line)
	case len(head) != 3 || !strings.EqualFold(head[0], "date") || !strings.EqualFold(head[1], "URL") || !strings.EqualFold(head[2], "description"):
		return fault.New(fault.Invalid, "import.jpcert_header", "line", line)
	}
	for {
		fields, line, err := t.next()
		switch {
		case err == io.EOF:
			return nil
		case skips(err):
			err = r.reject(line, err)
		case err != nil:
			return damaged(err, line)
		case len(fields) != 3:
			err = r.reject(line, fault.New(fault.Invalid, "import.columns", "want", 3, "found", len(fields)))
		default:
			err = r.jpcert(line, fields)
		}
		if err != nil {
			return err
		}
	}
}

func (r *refiner) jpcert(line int64, fields []string) error {
	seen, err := parseDate(fields[0], r.opts.now)
	if err != nil {
		return r.reject(line, err)
	}
	return r.add(row{
		line: line, kind: indicator.URL, written: fields[1], seen: seen, category: r.opts.Category,
		brand: strings.Trim(fields[2], " \t"), confidence: intel.DefaultConfidence, tlp: r.opts.TLP, identity: fields,
	})
}
