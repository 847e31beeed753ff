// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// columns are those of the CSV, and the fields of an entry in the JSON.
const columns = "kind,value,host,host_blocked,category,brand,confidence,first_seen,last_seen,valid_until,tlp"

// csvTable: a table as RFC 4180 has it, with lines that end in LF, all kinds of
// indicator and nothing left out as a duplicate. The first line names the
// columns; comment lines stand at the end.
//
// A field that a spreadsheet would take for a formula (it begins with =, +, -
// or @) has an apostrophe before it; the JSON has the bare value.
func csvTable() encoder {
	return encoder{
		open: func(b []byte, _ Header) []byte { return append(b, columns+"\n"...) },
		entry: func(b []byte, e *Entry) ([]byte, Reason) {
			if !oneLineValue(e.Value) || !oneLineValue(e.Host) {
				return b, Characters
			}
			b = append(b, e.Kind...)
			for _, s := range []string{e.Value, e.Host, strconv.FormatBool(e.HostBlocked), oneLine(e.Category), oneLine(e.Brand)} {
				b = appendField(append(b, ','), s)
			}
			b = strconv.AppendInt(append(b, ','), int64(e.Confidence), 10)
			for _, t := range []time.Time{e.FirstSeen, e.LastSeen, e.ValidUntil} {
				b = append(append(b, ','), utc(t)...)
			}
			b = append(b, ',')
			b = append(b, e.TLP.String()...)
			return append(b, '\n'), ""
		},
	}
}

// oneLineValue reports whether a value can stand in one line of text unchanged.
func oneLineValue(s string) bool {
	return printableOrSpace(s) || utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp)
	})
}

func appendField(b []byte, s string) []byte {
	if s != "" && strings.IndexByte("=+-@", s[0]) >= 0 {
		s = "'" + s
	}
	if !strings.ContainsAny(s, "\",# ") {
		return append(b, s...)
	}
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// record is one entry of the JSON list.
type record struct {
	Kind        string `json:"kind"`
	Value       string `json:"value"`
	Host        string `json:"host,omitempty"`
	HostBlocked bool   `json:"host_blocked"`
	Category    string `json:"category,omitempty"`
	Brand       string `json:"brand,omitempty"`
	Confidence  int    `json:"confidence"`
	FirstSeen   string `json:"first_seen,omitempty"`
	LastSeen    string `json:"last_seen,omitempty"`
	ValidUntil  string `json:"valid_until,omitempty"`
	TLP         string `json:"tlp"`
}

// jsonObject: one object; "entries" comes before "skipped" and "count", so that
// a text that was cut off does not parse.
func jsonObject() encoder {
	first := true
	return encoder{
		open: func(b []byte, h Header) []byte {
			b = append(b, `{"format":"teiten-blocklist","version":1,"generated":`...)
			b = appendJSON(b, utc(h.At))
			b = append(b, `,"title":`...)
			b = appendJSON(b, oneLine(h.Title))
			b = append(b, `,"scope":`...)
			b = appendJSON(b, oneLine(h.Scope))
			return append(b, `,"entries":[`...)
		},
		entry: func(b []byte, e *Entry) ([]byte, Reason) {
			if !utf8.ValidString(e.Value) || !utf8.ValidString(e.Host) {
				return b, Characters
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			return appendJSON(append(b, '\n'), record{
				Kind: string(e.Kind), Value: e.Value, Host: e.Host, HostBlocked: e.HostBlocked,
				Category: e.Category, Brand: e.Brand, Confidence: e.Confidence,
				FirstSeen: utc(e.FirstSeen), LastSeen: utc(e.LastSeen), ValidUntil: utc(e.ValidUntil),
				TLP: e.TLP.String(),
			}), ""
		},
		end: func(b []byte, _ Header, s *Summary) []byte {
			b = append(b, "\n],\"skipped\":{"...)
			b = append(b, strings.Join(s.skippedInOrder(), ",")...)
			b = append(b, "},\"count\":"...)
			b = strconv.AppendInt(b, int64(s.Written), 10)
			return append(b, "}\n"...)
		},
	}
}

// appendJSON appends v, which holds only strings, numbers and truth values:
// these cannot fail.
func appendJSON(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("blocklist: " + err.Error())
	}
	return append(b, text...)
}
