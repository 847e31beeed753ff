// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package locale

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// load reads every file of messages. Each command of the program does this when
// it starts, so the files are read by the small reader below, which knows only
// as much of TOML as they use: the whole language takes forty times as long.
// That both read the same is tested.
func load(fsys fs.FS) (map[string]Message, error) {
	names, err := fs.Glob(fsys, "messages/*.toml")
	if err != nil {
		return nil, err
	}
	all := make(map[string]Message, 4096)
	for _, name := range names {
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		r := reader{rest: string(b)}
		if err := r.read(all); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, r.line, err)
		}
	}
	return all, nil
}

// reader reads a file of messages: comments, empty lines, and for each message
// a line ["key"] and below it a string for each language.
type reader struct {
	rest string
	line int // the line read last, from 1
}

func (r *reader) read(into map[string]Message) error {
	key, texts := "", map[string]string{} // the message that is being read
	add := func() error {
		if key != "" && len(texts) != len(Langs) {
			return fmt.Errorf("%q ends here without a sentence in each language", key)
		}
		if key != "" {
			into[key] = Message{Ja: texts[string(Japanese)], En: texts[string(English)]}
		}
		clear(texts)
		return nil
	}
	for r.rest != "" {
		line := r.next()
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			if err := add(); err != nil {
				return err
			}
			key = strings.TrimSuffix(strings.TrimPrefix(line, `["`), `"]`)
			if key == "" || line != `["`+key+`"]` || strings.ContainsAny(key, `"\`) {
				return fmt.Errorf(`%s is not ["key"]`, line)
			}
			if _, twice := into[key]; twice {
				return fmt.Errorf("%q is defined twice", key)
			}
		default:
			lang, value, _ := strings.Cut(line, " = ")
			_, twice := texts[lang]
			if key == "" || twice || !slices.Contains(Langs, Lang(lang)) {
				return fmt.Errorf("%s: not the first sentence of a message in its language", line)
			}
			text, err := r.text(value)
			if err != nil {
				return err
			}
			texts[lang] = text
		}
	}
	return add()
}

// next takes a line.
func (r *reader) next() string {
	line, rest, _ := strings.Cut(r.rest, "\n")
	r.rest = rest
	r.line++
	return line
}

// text reads a string: "of one line", or of several between """ or ”' that
// begin on the line after.
func (r *reader) text(value string) (string, error) {
	switch value {
	case `"""`, "'''":
		text, rest, closed := strings.Cut(r.rest, value)
		if !closed {
			return "", fmt.Errorf("the string of several lines has no end")
		}
		r.rest, r.line = rest, r.line+strings.Count(text, "\n")
		if after := r.next(); after != "" {
			return "", fmt.Errorf("%q stands behind the string", after)
		}
		if value == "'''" {
			return text, nil
		}
		return unescape(text)
	}
	inner, opened := strings.CutPrefix(value, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	if !opened || !closed || strings.Contains(strings.ReplaceAll(inner, `\"`, ""), `"`) {
		return "", fmt.Errorf("%s is not a string between quotation marks", value)
	}
	return unescape(inner)
}

// unescape replaces \n, \t, \" and \\.
func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, `\`)
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		if rest == "" {
			return "", fmt.Errorf(`the string ends with \`)
		}
		switch rest[0] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case '"', '\\':
			b.WriteByte(rest[0])
		default:
			return "", fmt.Errorf(`\%c is not one of \n, \t, \" and \\`, rest[0])
		}
		s = rest[1:]
	}
}
