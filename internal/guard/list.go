// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"teiten/internal/fault"
)

// The types of lists, as in the schema of the MISP warninglists.
const (
	TypeString    = "string"    // the whole value; a leading dot covers all names below
	TypeHostname  = "hostname"  // a host and, unless the list says otherwise, all names below
	TypeSubstring = "substring" // part of the value
	TypeCIDR      = "cidr"      // addresses and ranges
	TypeRegex     = "regex"     // RE2; /between slashes/ with the flags i, m, s, g and u
)

// Limits of [ParseList].
const (
	MaxListBytes  = 64 << 20  // of JSON
	MaxValues     = 2_000_000 // per list
	MaxValueBytes = 2048      // of one value
	MaxRegexBytes = 1000      // of one regular expression
	MaxRegexes    = 1000      // per list of type regex
	MaxSubstrings = 100_000   // per list of type substring
	MinSubstring  = 4         // bytes; what is shorter is in half of all hosts

	maxRegexProgram = 1000 // instructions of one compiled expression
	maxProblems     = 20
	maxNameBytes    = 1000
)

// List is one list of well-known things.
type List struct {
	Slug        string // short, stable; of a MISP list, the name of its folder
	Name        string
	Description string
	Type        string // TypeString, …
	Effect      Effect // zero means DefaultEffect(Slug, Type)
	Version     int    // upstream's; larger is newer, otherwise without meaning
	Matching    []string
	Values      Values

	// Skipped counts the values that could not be read; Problems name the
	// first 20 of them by their index in the file, from 0.
	Skipped  int
	Problems []*fault.Error

	own bool // heard above every border
}

// ParseList reads one list in the JSON format of the MISP warninglists.
//
// A value that cannot be read is skipped and named in Problems: one typo among
// 60,000 public values must not cost the other 59,999. The list is refused
// when it is no such JSON, exceeds a limit, or has no usable value at all.
//
// Slug and Effect are set for lists that Teiten knows by their name; the slug
// of others is made from the name.
func ParseList(r io.Reader) (*List, error) {
	limited := &io.LimitedReader{R: r, N: MaxListBytes + 1}
	dec := json.NewDecoder(limited)
	l, raw, err := decodeList(dec)
	if limited.N <= 0 {
		return nil, fault.New(fault.TooLarge, "guard.list_too_large", "limit_mib", MaxListBytes>>20)
	}
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) {
			return nil, err
		}
		return nil, fault.Wrap(err, fault.Invalid, "guard.list_json", "byte", dec.InputOffset())
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	l.keep(raw)
	if l.Values.Len() == 0 {
		return nil, fault.New(fault.Invalid, "guard.list_empty", "list", l.Name, "skipped", l.Skipped).At("list")
	}
	l.Slug = slugOf(l.Name)
	l.Effect = DefaultEffect(l.Slug, l.Type)
	return l, nil
}

// decodeList reads the object token by token, so that the values never exist
// twice in memory.
func decodeList(dec *json.Decoder) (*List, Values, error) {
	var l List
	var raw Values
	if err := delim(dec, '{'); err != nil {
		return nil, raw, err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, raw, err
		}
		switch key {
		case "name":
			err = dec.Decode(&l.Name)
		case "description":
			err = dec.Decode(&l.Description)
		case "type":
			err = dec.Decode(&l.Type)
		case "version":
			err = dec.Decode(&l.Version)
		case "matching_attributes":
			err = dec.Decode(&l.Matching)
		case "list":
			raw, err = decodeValues(dec)
		default:
			var other json.RawMessage
			err = dec.Decode(&other)
		}
		if err != nil {
			return nil, raw, err
		}
	}
	if err := delim(dec, '}'); err != nil {
		return nil, raw, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, raw, errors.New("guard: something follows the list")
	}
	return &l, raw, nil
}

func decodeValues(dec *json.Decoder) (Values, error) {
	var p packer
	if err := delim(dec, '['); err != nil {
		return Values{}, err
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return Values{}, err
		}
		if len(p.ends) == MaxValues {
			return Values{}, fault.New(fault.TooLarge, "guard.list_values", "limit", MaxValues).At("list")
		}
		s, ok := t.(string)
		if !ok {
			return Values{}, fault.New(fault.Invalid, "guard.list_value_type", "index", len(p.ends)).At("list")
		}
		p.add(s)
	}
	return p.values(), delim(dec, ']')
}

func delim(dec *json.Decoder, want json.Delim) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if t != want {
		return errors.New("guard: expected " + want.String())
	}
	return nil
}

func (l *List) check() error {
	l.Name = strings.TrimSpace(l.Name)
	switch {
	case l.Name == "":
		return fault.New(fault.Invalid, "guard.list_name").At("name")
	case len(l.Name) > maxNameBytes || len(l.Description) > 10*maxNameBytes:
		return fault.New(fault.TooLarge, "guard.list_name_long", "limit", maxNameBytes).At("name")
	case !slices.Contains([]string{TypeString, TypeHostname, TypeSubstring, TypeCIDR, TypeRegex}, l.Type):
		return fault.New(fault.Invalid, "guard.list_type", "list", l.Name).At("type")
	}
	return nil
}

// keep takes over the usable ones of raw and reports the others.
func (l *List) keep(raw Values) {
	fams := families(l.Matching)
	var usable packer
	limit := MaxValues
	switch l.Type {
	case TypeRegex:
		limit = MaxRegexes
	case TypeSubstring:
		limit = MaxSubstrings
	}
	for i, v := range raw.All() {
		v = strings.TrimSpace(v)
		if _, reason := readValue(l.Type, fams, v); reason != "" {
			l.skip(i, reason)
			continue
		}
		if len(usable.ends) == limit {
			l.skip(i, "guard.value_patterns")
			continue
		}
		usable.add(v)
	}
	l.Values = usable.values()
}

// skip reports a value by place and reason; the value itself may be hostile or
// private, so it is not repeated.
func (l *List) skip(index int, code string) {
	l.Skipped++
	if len(l.Problems) < maxProblems {
		l.Problems = append(l.Problems, fault.New(fault.Invalid, code, "list", l.Name, "index", index).At("list"))
	}
}

func slugOf(name string) string {
	for _, k := range knownLists {
		if k.name == name {
			return k.slug
		}
	}
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r >= utf8.RuneSelf:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 60 {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}

// Values are the values of a list in one piece of memory: 62,745 addresses
// take 1 MB instead of the 2 MB that a []string takes.
type Values struct {
	packed string
	ends   []uint32
}

// NewValues packs values.
func NewValues(values ...string) Values {
	var p packer
	for _, v := range values {
		p.add(v)
	}
	return p.values()
}

// Len returns the number of values.
func (v Values) Len() int { return len(v.ends) }

// At returns value i, counted from 0.
func (v Values) At(i int) string {
	start := uint32(0)
	if i > 0 {
		start = v.ends[i-1]
	}
	return v.packed[start:v.ends[i]]
}

// All ranges over index and value.
func (v Values) All() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i := range v.ends {
			if !yield(i, v.At(i)) {
				return
			}
		}
	}
}

type packer struct {
	buf  bytes.Buffer
	ends []uint32
}

func (p *packer) add(s string) {
	p.buf.WriteString(s)
	p.ends = append(p.ends, uint32(p.buf.Len()))
}

func (p *packer) values() Values {
	return Values{packed: p.buf.String(), ends: slices.Clip(p.ends)}
}
