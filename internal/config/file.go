// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/BurntSushi/toml"

	"teiten/internal/fault"
)

// maxFile bounds the configuration file in bytes.
const maxFile = 1 << 20

// written is a value as it stands in the file.
type written struct {
	text string
	line int // 0 when it was not found
}

func (w written) place(path string) string {
	if w.line == 0 {
		return path
	}
	return fmt.Sprintf("%s:%d", path, w.line)
}

// readFile returns the file's settings by name; nil if there is no file and
// none was asked for.
func readFile(path string, must bool) (map[string]written, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && !must {
			return nil, nil
		}
		return nil, fault.Wrap(err, fault.Invalid, "config.file", "file", path)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "config.file", "file", path)
	}
	if len(content) > maxFile {
		return nil, fault.New(fault.TooLarge, "config.file_size", "file", path, "limit_kib", maxFile>>10)
	}
	return parse(path, string(content))
}

// parse reads TOML. Every key must be a setting, and of the type of text, or
// of a list of texts where a setting is a list.
func parse(path, content string) (map[string]written, error) {
	tree := map[string]any{}
	md, err := toml.Decode(content, &tree)
	if err != nil {
		line := 0
		var bad toml.ParseError
		if errors.As(err, &bad) {
			line = bad.Position.Line
		}
		return nil, fault.Wrap(err, fault.Invalid, "config.toml", "file", path, "line", line)
	}
	known := map[string]decision{}
	section := map[string]bool{}
	for _, d := range decisions {
		known[d.name] = d
		if before, _, ok := strings.Cut(d.name, "."); ok {
			section[before] = true
		}
	}
	all := map[string]written{}
	for _, key := range md.Keys() {
		name := strings.Join(key, ".")
		value := lookUp(tree, key)
		if _, isTable := value.(map[string]any); isTable && section[name] {
			continue
		}
		at := written{line: lineOf(content, name)}
		d, ok := known[name]
		if !ok {
			return nil, fault.New(fault.Invalid, "config.unknown", "key", name, "place", at.place(path))
		}
		if at.text, ok = textOf(value, d.list); !ok {
			code := "config.type_text"
			if d.list {
				code = "config.type_list"
			}
			return nil, fault.New(fault.Invalid, code, "key", name, "place", at.place(path))
		}
		all[name] = at
	}
	return all, nil
}

func lookUp(tree map[string]any, key toml.Key) any {
	var value any = tree
	for _, part := range key {
		table, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = table[part]
	}
	return value
}

func textOf(value any, list bool) (string, bool) {
	if !list {
		s, ok := value.(string)
		return s, ok
	}
	items, ok := value.([]any)
	if !ok {
		return "", false
	}
	texts := make([]string, len(items))
	for i, item := range items {
		if texts[i], ok = item.(string); !ok || strings.Contains(texts[i], ",") {
			return "", false
		}
	}
	return strings.Join(texts, ","), true
}

// lineOf finds the line on which a key is set or a table begins. The TOML
// package does not tell; this serves errors only and returns 0 if a key is
// written in an unusual way.
func lineOf(content, name string) int {
	section, n := "", 0
	for line := range strings.SplitSeq(content, "\n") {
		n++
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			head, _, _ := strings.Cut(strings.TrimLeft(line, "["), "]")
			if section = plainKey(head) + "."; section == name+"." {
				return n
			}
			continue
		}
		if key, _, ok := strings.Cut(line, "="); ok && section+plainKey(key) == name {
			return n
		}
	}
	return 0
}

// plainKey drops spaces and quotation marks from a dotted key.
func plainKey(key string) string {
	return strings.NewReplacer(" ", "", "\t", "", `"`, "", "'", "").Replace(key)
}
