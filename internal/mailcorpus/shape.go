// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed data/*.txt
var data embed.FS

// A file in data has lines
//
//	@name: a|b|c         a word, one of the alternatives; lines that begin with two blanks go on
//	%name: f g h         a table; its rows begin with two blanks, "a ; b ; c"
//	=== shape            a kind of mail: lines "key: template", then "---",
//	                     then the template of the body, up to the next ===
//	## ...               a remark
//
// The value of a key is alternatives, too. The keys of a shape: pick (tables of which one row binds its fields), from,
// spoof (an address that is not the sender's), reply, to, subject, form (text,
// html or both), auth (pass, fail or none), attach (see files.go), code (a QR
// code's text), image (URL of an image in HTML), header (a field), structure
// (bounce, forward, calendar), @word, and every other key is a link's URL.
type shape struct {
	name   string
	pick   []string
	lines  map[string][]node
	attach [][]node
	header [][]node
	words  map[string][]node
	body   []node
}

type table struct {
	fields []string
	rows   [][]string
}

type library struct {
	words    map[string][]node
	tables   map[string]table
	phishing []*shape
	benign   []*shape
}

// shapes reads the files in data, once.
var shapes = sync.OnceValue(func() *library {
	l := &library{words: map[string][]node{}, tables: map[string]table{}}
	entries, err := data.ReadDir("data")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		b, err := data.ReadFile("data/" + e.Name())
		if err != nil {
			panic(err)
		}
		found, err := l.read(string(b))
		if err != nil {
			panic(fmt.Sprintf("mailcorpus: %s: %v", e.Name(), err))
		}
		switch {
		case strings.HasPrefix(e.Name(), "phishing"):
			l.phishing = append(l.phishing, found...)
		case strings.HasPrefix(e.Name(), "benign"):
			l.benign = append(l.benign, found...)
		case len(found) > 0:
			panic("mailcorpus: shapes in " + e.Name())
		}
	}
	return l
})

func (l *library) read(text string) (found []*shape, err error) {
	var now *shape
	var body []string
	inBody := false
	finish := func() error {
		if now == nil {
			return nil
		}
		now.body, err = parse(strings.Trim(strings.Join(body, "\n"), "\n"))
		if err != nil {
			return fmt.Errorf("%s: %w", now.name, err)
		}
		found, body, inBody = append(found, now), nil, false
		return nil
	}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if name, ok := strings.CutPrefix(line, "=== "); ok {
			if err := finish(); err != nil {
				return nil, err
			}
			now = &shape{name: name, lines: map[string][]node{}, words: map[string][]node{}}
			continue
		}
		if inBody {
			if !strings.HasPrefix(line, "## ") {
				body = append(body, line)
			}
			continue
		}
		if line == "---" {
			inBody = true
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("line %d: no colon", i+1)
		}
		var more []string
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], "  ") {
			i++
			more = append(more, strings.TrimSpace(lines[i]))
		}
		if err := l.line(now, key, strings.TrimSpace(value), more); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return found, finish()
}

// line takes in a line outside of bodies, and those that go on with it.
func (l *library) line(now *shape, key, value string, more []string) error {
	if name, ok := strings.CutPrefix(key, "%"); ok {
		t := table{fields: strings.Fields(value)}
		for _, row := range more {
			cells := strings.Split(row, " ; ")
			if len(cells) != len(t.fields) {
				return fmt.Errorf("table %s: row %q", name, row)
			}
			t.rows = append(t.rows, cells)
		}
		l.tables[name] = t
		return nil
	}
	name, isWord := strings.CutPrefix(key, "@")
	value += strings.Join(more, "")
	seq, err := parse("[" + value + "]")
	if err != nil {
		return err
	}
	switch {
	case isWord && now == nil:
		l.words[name] = seq
	case isWord:
		now.words[name] = seq
	case now == nil:
		return fmt.Errorf("%q outside of a shape", key)
	case key == "pick":
		now.pick = strings.Fields(value)
	case key == "attach":
		now.attach = append(now.attach, seq)
	case key == "header":
		now.header = append(now.header, seq)
	default:
		now.lines[key] = seq
	}
	return nil
}

// bind draws a row of each table that the shape picks.
func (l *library) bind(sh *shape, s *scope) {
	for _, name := range sh.pick {
		t, ok := l.tables[name]
		if !ok {
			panic("mailcorpus: no table " + name)
		}
		row := t.rows[s.r.IntN(len(t.rows))]
		for i, f := range t.fields {
			s.bound[f] = strings.TrimSpace(row[i])
		}
	}
}

func names(shapes []*shape) (all []string) {
	for _, s := range shapes {
		all = append(all, s.name)
	}
	slices.Sort(all)
	return all
}
